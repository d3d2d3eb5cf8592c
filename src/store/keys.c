/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "record/history.h"

#define PART_MAX 320 /* an RFC 5321 address with room to spare */

/*
 * Parts longer than PART_MAX are replaced by their hash, so that all fits the
 * buffer and two long texts still differ.
 */
static size_t
add_part(
    const uint8_t secret[static SIPHASH_KEY_SIZE], uint8_t *buf, const char *part)
{
	size_t length = strlen(part);

	if (length <= PART_MAX) {
		memcpy(buf, part, length + 1);
		return length + 1;
	}
	uint64_t hash = siphash(secret, part, length);
	buf[0] = 0xff; /* never the first octet of a short UTF-8 part */
	memcpy(buf + 1, &hash, sizeof hash);
	return 1 + sizeof hash;
}

int64_t
key_triplet(const uint8_t secret[static SIPHASH_KEY_SIZE], const char *client,
    const char *sender, const char *recipient)
{
	uint8_t buf[3 * (PART_MAX + 1)];
	size_t used = add_part(secret, buf, client);

	used += add_part(secret, buf + used, sender);
	used += add_part(secret, buf + used, recipient);
	/* The last NUL separates nothing. */
	return (int64_t)siphash(secret, buf, used - 1);
}

int64_t
key_text(const uint8_t secret[static SIPHASH_KEY_SIZE], const char *kind,
    const char *text)
{
	uint8_t buf[2 * (PART_MAX + 1)];
	size_t used = add_part(secret, buf, kind);

	used += add_part(secret, buf + used, text);
	/* 47 bits: six octets where integers are stored in as many as they need. */
	return (int64_t)(siphash(secret, buf, used) & 0x7fffffffffff);
}

int64_t
key_from_ip(const struct ip *ip)
{
	struct ip key = key_address(ip);
	const uint8_t *bytes = ip_is_v4(&key) ? key.bytes + 12 : key.bytes;
	size_t count = ip_is_v4(&key) ? 4 : 8;
	uint64_t number = 0;

	for (size_t i = 0; i < count; i++)
		number = number << 8 | bytes[i];
	/* ::/32 would collide with the IPv4 numbers; 8000::/32 is unassigned. */
	if (count == 8 && number >> 32 == 0)
		number |= UINT64_C(0x8000000000000000);
	return (int64_t)number;
}

struct ip
key_to_ip(int64_t key)
{
	struct ip ip = {{0}};
	uint64_t number = (uint64_t)key;

	if (number >> 32 == 0) {
		ip.bytes[10] = ip.bytes[11] = 0xff;
		for (int i = 0; i < 4; i++)
			ip.bytes[12 + i] = (uint8_t)(number >> (24 - 8 * i));
		return ip;
	}
	if (number >> 32 == 0x80000000)
		number &= 0xffffffff;
	for (int i = 0; i < 8; i++)
		ip.bytes[i] = (uint8_t)(number >> (56 - 8 * i));
	return ip;
}

void
key_range(const struct ipnet *net, int64_t *low_r, int64_t *high_r)
{
	static const uint8_t zero[4];
	struct ip last = net->ip;
	bool is_v4 = ip_is_v4(&net->ip) && net->prefix >= 96;

	/* ::/32 also contains IPv4, and the remaining keys are not in order. */
	if (!is_v4 && memcmp(net->ip.bytes, zero, sizeof zero) == 0) {
		*low_r = INT64_MIN;
		*high_r = INT64_MAX;
		return;
	}
	for (unsigned i = 0; i < 16; i++) {
		unsigned bits = net->prefix > i * 8 ? net->prefix - i * 8 : 0;
		if (bits < 8)
			last.bytes[i] |= (uint8_t)(0xff >> bits);
	}
	*low_r = key_from_ip(&net->ip);
	*high_r = key_from_ip(&last);
}

/* Ignores case; a text longer than the buffer counts by its end too. */
static uint64_t
hash_person(const uint8_t secret[static SIPHASH_KEY_SIZE], const char *person,
    size_t length)
{
	char buf[PART_MAX + 1];
	size_t used = length < PART_MAX ? length : PART_MAX;

	memcpy(buf, person, used);
	buf[used] = '\0';
	text_lower(buf);
	uint64_t hash = siphash(secret, buf, used);
	return length > used ? hash ^ siphash(secret, person, length) : hash;
}

const char *
person_hash(const uint8_t secret[static SIPHASH_KEY_SIZE], const char *person,
    char buf[static PERSON_SIZE])
{
	buf[0] = '\0';
	if (person[0] != '\0')
		snprintf(buf, PERSON_SIZE, "#%016" PRIx64,
		    hash_person(secret, person, strlen(person)));
	return buf;
}

static bool
is_person_hash(const char *text)
{
	return text[0] == '#' && strlen(text) == PERSON_SIZE - 1 &&
	       strspn(text + 1, "0123456789abcdef") == PERSON_SIZE - 2;
}

int64_t
key_pair(const uint8_t secret[static SIPHASH_KEY_SIZE], const char *client,
    const char *sender)
{
	uint8_t buf[2 * (PART_MAX + 1)];
	char hash[PERSON_SIZE];
	size_t used = add_part(secret, buf, client);

	used += add_part(secret, buf + used,
	    is_person_hash(sender) ? sender : person_hash(secret, sender, hash));
	return (int64_t)siphash(secret, buf, used - 1);
}

const char *
person_hash_list(const uint8_t secret[static SIPHASH_KEY_SIZE], const char *list,
    char *buf, unsigned size)
{
	size_t used = 0;

	buf[0] = '\0';
	while (*list != '\0' && used + PERSON_SIZE < size) {
		size_t length = strcspn(list, " ");
		if (length > 0)
			used += (size_t)snprintf(buf + used, size - used,
			    "%s#%016" PRIx64, used > 0 ? " " : "",
			    siphash(secret, list, length));
		list += length;
		list += strspn(list, " ");
	}
	return buf;
}
