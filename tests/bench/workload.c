/* SPDX-License-Identifier: BSD-2-Clause */
#include "workload.h"

#include <stdio.h>
#include <string.h>

#include "store/sqlite/sqlite.h"
#include "store/keys.h"

#define ROWS_AT_ONCE 20000

uint64_t
workload_mix(uint64_t x)
{
	x ^= x >> 31;
	x *= UINT64_C(0x7fb5d329728ea185);
	x ^= x >> 27;
	return x;
}

struct store_who
workload_client(uint64_t number)
{
	struct store_who who = {.domain = NULL};
	uint64_t net = workload_mix(number / 16);

	memset(who.ip.bytes, 0, sizeof who.ip.bytes);
	who.ip.bytes[10] = who.ip.bytes[11] = 0xff;
	who.ip.bytes[12] = (uint8_t)(11 + net % 100); /* no private network */
	who.ip.bytes[13] = (uint8_t)(net >> 8);
	who.ip.bytes[14] = (uint8_t)(net >> 16);
	who.ip.bytes[15] = (uint8_t)number;
	return who;
}

struct triplet
workload_triplet(uint64_t number, char text[static WORKLOAD_SIZE])
{
	char *end = text;

	memcpy(end, "user", 4);
	end += 4;
	for (uint64_t left = number; left != 0 || end == text + 4; left /= 16)
		*end++ = (char)('a' + left % 16);
	snprintf(end, WORKLOAD_SIZE - (size_t)(end - text), "@mail%c.example.org",
	    (char)('a' + number % 23));
	return (struct triplet){text, WORKLOAD_RECIPIENT};
}

static bool
keep(struct view *view, const uint8_t *secret, uint64_t number, int64_t first,
    struct trouble *trouble)
{
	char text[WORKLOAD_SIZE], network[IPNET_TEXT_SIZE];
	struct store_who who = workload_client(number);
	struct ipnet net = key_network(&who.ip);
	struct triplet triplet = workload_triplet(number, text);
	struct triplet_text of_people = {.client = ipnet_to_text(&net, network),
	    .sender = triplet.sender,
	    .recipient = triplet.recipient};
	struct grey_row none = {0}, row = {.first = first, .last = first};
	int64_t hash = key_triplet(
	    secret, of_people.client, triplet.sender, triplet.recipient);

	return sqlite_ops.keep_triplet(
	    view, hash, &none, &row, &of_people, trouble);
}

struct store_settings
workload_settings(const char *url)
{
	return (struct store_settings){
	    .url = url,
	    .durable = true,
	    .events_s = 30 * 86400,
	    .retry_window_s = 2 * 86400,
	    .max_age_s = 35 * 86400,
	};
}

bool
workload_fill(const struct store_settings *settings, uint64_t rows, int64_t now,
    int64_t window_s, struct error *error)
{
	struct trouble trouble = {0};
	uint8_t secret[SIPHASH_KEY_SIZE] = {0};
	struct backend *backend = sqlite_ops.open(settings, secret, error);
	bool changed, ok = true;

	if (backend == NULL)
		return false;
	sqlite_ops.set_durable(backend, false);
	for (uint64_t i = 0; ok && i < rows;) {
		struct view *view = sqlite_ops.begin(
		    backend, FOR_HOUSEKEEPING, 0, &changed, &trouble);
		ok = view != NULL;
		for (int n = 0; ok && n < ROWS_AT_ONCE && i < rows; n++, i++) {
			double part = (double)i / (double)rows;
			ok = keep(view, secret, i,
			    now - window_s + (int64_t)((double)window_s * part),
			    &trouble);
		}
		if (!ok && view != NULL)
			sqlite_ops.rollback(view);
		ok = ok && sqlite_ops.commit(view, &trouble) == COMMITTED;
	}
	sqlite_ops.close(backend);
	if (!ok)
		*error = trouble.error;
	return ok;
}
