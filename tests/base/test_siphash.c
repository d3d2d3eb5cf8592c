/* SPDX-License-Identifier: BSD-2-Clause */
/* Against the vectors published with SipHash-2-4 (key 00..0f, data 00, 01, ...). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/siphash.h"

static const struct {
	size_t length;
	uint64_t hash; /* its octets, little-endian */
} vectors[] = {
    {0, 0x726fdb47dd0e0e31},
    {1, 0x74f839c593dc67fd},
    {2, 0x0d6c8009d9a94f5a},
    {3, 0x85676696d7fb7e2d},
    {4, 0xcf2794e0277187b7},
    {5, 0x18765564cd99a68d},
    {6, 0xcbc9466e58fee3ce},
    {7, 0xab0200f58b01d137},
    {8, 0x93f5f5799a932462},
    {15, 0xa129ca6149be45e5}, /* appendix A of the paper */
    {16, 0x3f2acc7f57c29bdb},
    {63, 0x958a324ceb064572},
};

static void
the_published_vectors_come_out(void **state)
{
	(void)state;
	uint8_t key[SIPHASH_KEY_SIZE], data[64];
	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
		assert_true(
		    siphash(key, data, vectors[i].length) == vectors[i].hash);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_published_vectors_come_out),
	};
	return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}
