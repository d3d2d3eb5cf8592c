/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/packet.h"

#include <stdlib.h>
#include <string.h>

#include "dns/name.h"

#define HEADER_SIZE 12
#define MAX_CHAIN   16
#define MAX_WIRE    255 /* octets of a name, RFC 1035 3.1 */

struct packet {
	const uint8_t *bytes;
	size_t length;
	size_t answers_at; /* offset of the first resource record */
	unsigned answers;
	unsigned steps; /* labels, pointers and records read so far */
};

/* A resource record, RFC 1035 3.2.1. */
struct rr {
	char owner[DNS_NAME_SIZE];
	bool is_owner_text; /* false: the owner's name cannot be written as text */
	unsigned type, class;
	size_t data_at, data_length;
};

/* The text of an answer's records, in the same block after the records. */
struct arena {
	char *next;
	size_t left;
};

void
dns_answer_clear(struct dns_answer *answer)
{
	free(answer->records);
	*answer = (struct dns_answer){.status = answer->status};
}

static unsigned
read_16(const struct packet *packet, size_t at)
{
	return (unsigned)packet->bytes[at] << 8 | packet->bytes[at + 1];
}

/* false: the message costs more than any honest one. */
static bool
take_step(struct packet *packet)
{
	return packet->steps < DNS_STEPS_MAX && ++packet->steps > 0;
}

static bool
append_label(char text[static DNS_NAME_SIZE], size_t *at, const uint8_t *label,
    size_t length)
{
	if (*at + (*at > 0) + length >= DNS_NAME_SIZE)
		return false;
	if (*at > 0)
		text[(*at)++] = '.';
	for (size_t i = 0; i < length; i++) {
		uint8_t c = label[i];
		if (c == '\0' || c == '.')
			return false;
		text[(*at)++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
	}
	return true;
}

/*
 * Reads a name, following pointers (RFC 1035 4.1.4: to a prior occurrence), and
 * moves *at past it. false: the message is broken. *is_text_r false: well formed,
 * but cannot be written as text.
 */
static bool
read_name(struct packet *packet, size_t *at, char text[static DNS_NAME_SIZE],
    bool *is_text_r)
{
	size_t here = *at, first = *at, out = 0, wire = 0;
	bool has_jumped = false;

	*is_text_r = true;
	for (;;) {
		if (here >= packet->length || !take_step(packet))
			return false;
		unsigned size = packet->bytes[here];
		if (size >= 0xc0) {
			if (here + 2 > packet->length)
				return false;
			if (!has_jumped)
				*at = here + 2;
			has_jumped = true;
			here = read_16(packet, here) & 0x3fff;
			if (here >= first)
				return false;
			first = here;
			continue;
		}
		wire += 1 + size;
		if (size > 63 || here + 1 + size > packet->length ||
		    wire > MAX_WIRE)
			return false;
		if (size == 0)
			break;
		if (*is_text_r &&
		    !append_label(text, &out, packet->bytes + here + 1, size))
			*is_text_r = false;
		here += 1 + size;
	}
	if (!has_jumped)
		*at = here + 1;
	text[out] = '\0';
	return true;
}

static bool
read_rr(struct packet *packet, size_t *at, struct rr *rr)
{
	if (!read_name(packet, at, rr->owner, &rr->is_owner_text))
		return false;
	if (*at + 10 > packet->length)
		return false;
	rr->type = read_16(packet, *at);
	rr->class = read_16(packet, *at + 2);
	rr->data_length = read_16(packet, *at + 8);
	rr->data_at = *at + 10;
	if (rr->data_at + rr->data_length > packet->length)
		return false;
	*at = rr->data_at + rr->data_length;
	return true;
}

static bool
rr_is(const struct rr *rr, const char *owner, enum dns_type type)
{
	return rr->class == 1 && rr->type == (unsigned)type && rr->is_owner_text &&
	       strcmp(rr->owner, owner) == 0;
}

/* Reads the name in a record's data, which must fill it from offset skip on. */
static bool
read_name_data(struct packet *packet, const struct rr *rr, size_t skip,
    char text[static DNS_NAME_SIZE], bool *is_text_r)
{
	size_t at = rr->data_at + skip;

	return skip <= rr->data_length && read_name(packet, &at, text, is_text_r) &&
	       at == rr->data_at + rr->data_length;
}

/*
 * Follows the CNAMEs from name, then counts the records of the type and the most
 * room that their text needs. false: broken, or a loop.
 */
static bool
follow(struct packet *packet, enum dns_type type, char name[static DNS_NAME_SIZE],
    size_t *count_r, size_t *room_r)
{
	for (unsigned step = 0; step <= MAX_CHAIN; step++) {
		char alias[DNS_NAME_SIZE] = "";
		size_t at = packet->answers_at;

		*count_r = *room_r = 0;
		for (unsigned i = 0; i < packet->answers; i++) {
			struct rr rr;
			bool is_text;

			if (!read_rr(packet, &at, &rr))
				return false;
			if (rr_is(&rr, name, type)) {
				(*count_r)++;
				*room_r += type == DNS_TXT ? rr.data_length + 1
				                           : DNS_NAME_SIZE;
			} else if (rr_is(&rr, name, DNS_CNAME) &&
			           alias[0] == '\0') {
				if (!read_name_data(
				        packet, &rr, 0, alias, &is_text) ||
				    !is_text)
					return false;
			}
		}
		if (*count_r > 0 || alias[0] == '\0')
			return true;
		memcpy(name, alias, sizeof alias);
	}
	return false;
}

static bool
fill_text(const struct packet *packet, const struct rr *rr, struct arena *arena,
    struct dns_record *record)
{
	size_t at = rr->data_at, end = rr->data_at + rr->data_length;

	record->text = arena->next;
	while (at < end) {
		size_t size = packet->bytes[at++];
		if (size > end - at)
			return false;
		memcpy(arena->next, packet->bytes + at, size);
		arena->next += size;
		at += size;
	}
	record->length = (size_t)(arena->next - record->text);
	*arena->next++ = '\0';
	return true;
}

/* *is_text_r false: skip the record */
static bool
fill_name(struct packet *packet, const struct rr *rr, size_t skip,
    struct arena *arena, struct dns_record *record, bool *is_text_r)
{
	char name[DNS_NAME_SIZE];

	if (!read_name_data(packet, rr, skip, name, is_text_r))
		return false;
	if (!*is_text_r)
		return true;
	record->length = strlen(name);
	record->text = memcpy(arena->next, name, record->length + 1);
	arena->next += record->length + 1;
	return true;
}

static bool
fill_ip(const struct packet *packet, const struct rr *rr, struct dns_record *record)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	size_t skip = rr->type == DNS_A ? 12 : 0;

	if (rr->data_length != 16 - skip)
		return false;
	memcpy(record->ip.bytes, mapped, skip);
	memcpy(
	    record->ip.bytes + skip, packet->bytes + rr->data_at, rr->data_length);
	return true;
}

/* Reads one record; false: the message is broken. */
static bool
fill(struct packet *packet, const struct rr *rr, struct arena *arena,
    struct dns_record *record, bool *is_kept_r)
{
	*is_kept_r = true;
	switch ((enum dns_type)rr->type) {
	case DNS_A:
	case DNS_AAAA:
		return fill_ip(packet, rr, record);
	case DNS_TXT:
		return fill_text(packet, rr, arena, record);
	case DNS_PTR:
	case DNS_CNAME:
		return fill_name(packet, rr, 0, arena, record, is_kept_r);
	case DNS_MX:
		if (rr->data_length < 3)
			return false;
		return fill_name(packet, rr, 2, arena, record, is_kept_r);
	}
	return false;
}

static bool
collect(struct packet *packet, const char *name, enum dns_type type,
    struct arena *arena, struct dns_answer *answer)
{
	size_t at = packet->answers_at;

	for (unsigned i = 0; i < packet->answers; i++) {
		struct rr rr;
		bool is_kept;

		if (!read_rr(packet, &at, &rr))
			return false;
		if (!rr_is(&rr, name, type))
			continue;
		struct dns_record *record = &answer->records[answer->count];
		if (!fill(packet, &rr, arena, record, &is_kept))
			return false;
		answer->count += is_kept;
	}
	return true;
}

/* Reads header and question; false: broken, or an error from the server. */
static bool
open_packet(struct packet *packet, unsigned *code_r)
{
	size_t at = HEADER_SIZE;

	if (packet->length < HEADER_SIZE)
		return false;
	unsigned flags = read_16(packet, 2);
	*code_r = flags & 15;
	bool is_answer = (flags & 0x8000) != 0, is_cut = (flags & 0x0200) != 0;
	if (!is_answer || is_cut || (*code_r != 0 && *code_r != 3))
		return false;
	for (unsigned i = read_16(packet, 4); i > 0; i--) {
		char text[DNS_NAME_SIZE];
		bool is_text;
		if (!read_name(packet, &at, text, &is_text))
			return false;
		at += 4;
	}
	packet->answers = read_16(packet, 6);
	packet->answers_at = at;
	return true;
}

static void
parse(struct packet *packet, const char *name, enum dns_type type,
    struct dns_answer *answer_r)
{
	struct dns_answer answer = {.status = DNS_SERVFAIL};
	char end[DNS_NAME_SIZE];
	size_t count, room;
	unsigned code;

	if (!open_packet(packet, &code) || !dns_name_clean(end, name) ||
	    !follow(packet, type, end, &count, &room))
		return;
	if (count == 0) {
		answer_r->status = code == 3 ? DNS_NXDOMAIN : DNS_NODATA;
		return;
	}
	answer.records = calloc(1, count * sizeof *answer.records + room);
	if (answer.records == NULL)
		return;
	struct arena arena = {(char *)(answer.records + count), room};
	if (!collect(packet, end, type, &arena, &answer)) {
		free(answer.records);
		return;
	}
	answer.status = answer.count > 0 ? DNS_OK : DNS_NODATA;
	*answer_r = answer;
	if (answer.count == 0)
		dns_answer_clear(answer_r);
}

unsigned
dns_packet_parse(const uint8_t *bytes, size_t length, const char *name,
    enum dns_type type, struct dns_answer *answer_r)
{
	struct packet packet = {.bytes = bytes, .length = length};

	*answer_r = (struct dns_answer){.status = DNS_SERVFAIL};
	parse(&packet, name, type, answer_r);
	return packet.steps;
}
