/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parser of DNS messages: any octets, in any message, are read within the
 * bounded number of steps and without a step beside them.
 *
 * input  one octet that chooses what is asked for, then the message
 */
#include <stdlib.h>
#include <string.h>

#include "dns/packet.h"
#include "fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = {
	    DNS_A, DNS_AAAA, DNS_TXT, DNS_MX, DNS_PTR, DNS_CNAME};
	struct dns_answer answer;

	if (size == 0)
		return 0;
	/* an exact copy, so that the sanitizer sees one octet too far */
	uint8_t *copy = malloc(size);
	memcpy(copy, data + 1, size - 1);
	unsigned steps = dns_packet_parse(
	    copy, size - 1, "a.example", types[data[0] % 6], &answer);
	demand(steps <= DNS_STEPS_MAX, "too many steps", "");
	demand((answer.status == DNS_OK) == (answer.count > 0),
	    "an answer without records, or records of none", "");
	for (size_t i = 0; i < answer.count; i++) {
		const char *text = answer.records[i].text;
		demand(text == NULL || text[answer.records[i].length] == '\0',
		    "a record without its end", "");
	}
	dns_answer_clear(&answer);
	free(copy);
	return 0;
}
