/* SPDX-License-Identifier: BSD-2-Clause */
#include "facts/helo.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/domain.h"
#include "base/text.h"

#define NAME_SIZE 256 /* RFC 1035 2.3.4: 255 octets */

static bool
same_name(const char *a, const char *b)
{
	char left[DOMAIN_SIZE], right[DOMAIN_SIZE];

	if (b == NULL || *a == '\0')
		return false;
	domain_normalize(left, sizeof left, a);
	domain_normalize(right, sizeof right, b);
	return strcmp(left, right) == 0;
}

static bool
is_our_name(const char *name, const struct ours *ours)
{
	if (ours == NULL)
		return false;
	if (same_name(name, ours->hostname))
		return true;
	for (size_t i = 0; i < ours->names_count; i++) {
		if (same_name(name, ours->names[i]))
			return true;
	}
	return false;
}

/* RFC 5321 4.1.3: "[192.0.2.1]", "[IPv6:2001:db8::1]"; the tag may be missing. */
static bool
read_literal(const char *helo, struct ip *ip_r)
{
	char text[IP_TEXT_SIZE];
	size_t length = strlen(helo);

	if (length < 3 || helo[0] != '[' || helo[length - 1] != ']')
		return false;
	const char *start = helo + 1;
	if (strncasecmp(start, "IPv6:", 5) == 0)
		start += 5;
	size_t inside = (size_t)(helo + length - 1 - start);
	if (inside >= sizeof text)
		return false;
	memcpy(text, start, inside);
	text[inside] = '\0';
	return ip_from_text(text, ip_r);
}

static bool
is_localhost(const char *helo)
{
	static const char *const names[] = {"localhost", "localhost.localdomain",
	    "localhost6", "localhost6.localdomain6", "localhost4.localdomain4"};
	static const char below[] = ".localhost";
	size_t length = strlen(helo);

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (same_name(helo, names[i]))
			return true;
	}
	return length > sizeof below - 1 &&
	       strcasecmp(helo + length - (sizeof below - 1), below) == 0;
}

static bool
is_fqdn(const char *helo)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t labels = 0;
	bool number = true;

	for (const char *label = helo; *label != '\0';) {
		size_t length = strspn(label, allowed);
		if (length == 0 || length > 63 ||
		    (label[length] != '.' && label[length] != '\0'))
			return false;
		number = strspn(label, "0123456789") == length;
		labels++;
		label += length;
		if (*label == '.')
			label++;
	}
	return labels >= 2 && !number;
}

enum helo_class
helo_classify(const char *helo, const struct ours *ours)
{
	struct ip ip;

	if (helo == NULL || *helo == '\0')
		return HELO_MISSING;
	bool bracketed = read_literal(helo, &ip);
	if (bracketed || ip_from_text(helo, &ip)) {
		if (ours != NULL && ours->server != NULL &&
		    ip_equal(&ip, ours->server))
			return HELO_OURS;
		return bracketed ? HELO_LITERAL : HELO_IP;
	}
	if (is_localhost(helo))
		return HELO_LOCALHOST;
	if (is_our_name(helo, ours))
		return HELO_OURS;
	return is_fqdn(helo) ? HELO_FQDN : HELO_BARE;
}

enum from_state
from_classify(const char *sender, const char *recipient, const struct ours *ours)
{
	if (*sender == '\0')
		return FROM_NULL;
	if (recipient != NULL && strcasecmp(sender, recipient) == 0)
		return FROM_SELF;
	const char *at = strrchr(sender, '@');
	return at != NULL && is_our_name(at + 1, ours) ? FROM_OURS : FROM_OK;
}

/* ------------------------------------------------- an address inside a name */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The digits at *at as a number of at most 999, zeros in front; moves *at on. */
static bool
read_octet(const char **at, unsigned *value_r)
{
	size_t length = strspn(*at, "0123456789");

	if (length == 0 || length > 3)
		return false;
	*value_r = (unsigned)strtoul(*at, NULL, 10);
	*at += length;
	return true;
}

/* Four numbers separated by one other character each, in order or reversed. */
static bool
has_octets(const char *name, const uint8_t octets[static 4])
{
	for (const char *at = name; *at != '\0'; at++) {
		if (!is_digit(*at) || (at > name && is_digit(at[-1])))
			continue;
		unsigned found[4] = {0};
		const char *end = at;
		size_t count = 0;
		while (count < 4 && read_octet(&end, &found[count])) {
			count++;
			if (count < 4 && *end != '\0')
				end++;
		}
		if (count < 4 || is_digit(*end))
			continue;
		bool forward = true, backward = true;
		for (size_t i = 0; i < 4; i++) {
			forward = forward && found[i] == octets[i];
			backward = backward && found[i] == octets[3 - i];
		}
		if (forward || backward)
			return true;
	}
	return false;
}

/* The digits of a name without their separators, in lower case. */
static void
squeeze(const char *name, char buf[static NAME_SIZE])
{
	size_t used = 0;

	for (; *name != '\0' && used < NAME_SIZE - 1; name++) {
		if (strchr("-._:", *name) == NULL)
			buf[used++] = *name;
	}
	buf[used] = '\0';
}

/* Twelve decimal or eight hexadecimal digits. */
static bool
has_run(const char *squeezed, unsigned a, unsigned b, unsigned c, unsigned d)
{
	char decimal[48], hex[48];

	snprintf(decimal, sizeof decimal, "%03u%03u%03u%03u", a, b, c, d);
	snprintf(hex, sizeof hex, "%02x%02x%02x%02x", a, b, c, d);
	return strstr(squeezed, decimal) != NULL || strstr(squeezed, hex) != NULL;
}

static bool
has_v4(const char *name, const uint8_t octets[static 4])
{
	char squeezed[NAME_SIZE], wanted[16];
	const uint8_t *o = octets;

	squeeze(name, squeezed);
	if (has_octets(name, octets) || has_run(squeezed, o[0], o[1], o[2], o[3]) ||
	    has_run(squeezed, o[3], o[2], o[1], o[0]))
		return true;
	uint32_t number = (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 |
	                  (uint32_t)o[2] << 8 | o[3];
	snprintf(wanted, sizeof wanted, "%u", number);
	const char *at = strlen(wanted) < 8 ? NULL : strstr(name, wanted);
	return at != NULL && (at == name || !is_digit(at[-1])) &&
	       !is_digit(at[strlen(wanted)]);
}

static bool
has_nibbles(const char *name, const struct ip *ip)
{
	static const char digits[] = "0123456789abcdef";
	char squeezed[NAME_SIZE], forward[33], backward[33];

	for (size_t i = 0; i < 32; i++) {
		unsigned octet = ip->bytes[i / 2];
		unsigned nibble = i % 2 == 0 ? octet >> 4 : octet & 15;
		forward[i] = backward[31 - i] = digits[nibble];
	}
	forward[32] = backward[32] = '\0';
	squeeze(name, squeezed);
	return strstr(squeezed, forward) != NULL ||
	       strstr(squeezed, backward) != NULL;
}

static bool
has_text(const char *name, char *text)
{
	static const char separators[] = "-.x";
	char before = ':';

	for (const char *separator = separators; *separator != '\0'; separator++) {
		for (char *at = text; *at != '\0'; at++) {
			if (*at == before)
				*at = *separator;
		}
		before = *separator;
		if (strstr(name, text) != NULL)
			return true;
	}
	return false;
}

static bool
has_v6(const char *name, const struct ip *ip)
{
	char text[IP_TEXT_SIZE];
	unsigned groups[8];

	ip_to_text(ip, text);
	if (has_nibbles(name, ip) || has_text(name, text))
		return true;
	for (size_t i = 0; i < 8; i++)
		groups[i] = (unsigned)ip->bytes[2 * i] << 8 | ip->bytes[2 * i + 1];
	snprintf(text, sizeof text, "%x:%x:%x:%x:%x:%x:%x:%x", groups[0], groups[1],
	    groups[2], groups[3], groups[4], groups[5], groups[6], groups[7]);
	return has_text(name, text);
}

bool
helo_has_address(const char *name, const struct ip *ip)
{
	char lower[NAME_SIZE];

	if (name == NULL)
		return false;
	text_copy(lower, sizeof lower, name);
	text_lower(lower);
	return ip_is_v4(ip) ? has_v4(lower, ip->bytes + 12) : has_v6(lower, ip);
}
