/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/name.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

bool
dns_name_clean(char target[static DNS_NAME_SIZE], const char *name)
{
	size_t length = strlen(name);
	size_t label = 0;

	target[0] = '\0';
	if (length > 0 && name[length - 1] == '.')
		length--;
	if (length == 0 || length >= DNS_NAME_SIZE)
		return false;
	for (size_t i = 0; i < length; i++) {
		label = name[i] == '.' ? 0 : label + 1;
		if (label > 63 || (label == 0 && (i == 0 || name[i - 1] == '.')))
			return false;
	}
	if (label == 0)
		return false;
	memcpy(target, name, length);
	target[length] = '\0';
	text_lower(target);
	return true;
}

size_t
dns_name_labels(const char *name)
{
	size_t count = name[0] != '\0';

	for (; *name != '\0'; name++)
		count += *name == '.';
	return count;
}

bool
dns_name_is_below(const char *name, const char *parent)
{
	size_t length = strlen(name), tail = strlen(parent);

	if (tail > length || strcmp(name + length - tail, parent) != 0)
		return false;
	return tail == length || name[length - tail - 1] == '.';
}

bool
dns_name_reverse(
    char target[static DNS_NAME_SIZE], const struct ip *ip, const char *suffix)
{
	char digits[16 * 4 + 1];
	size_t at = 0;
	const uint8_t *b = ip->bytes;

	if (ip_is_v4(ip)) {
		snprintf(digits, sizeof digits, "%u.%u.%u.%u.", b[15], b[14], b[13],
		    b[12]);
	} else {
		static const char hex[] = "0123456789abcdef";
		for (int i = 15; i >= 0; i--) {
			digits[at++] = hex[b[i] & 15];
			digits[at++] = '.';
			digits[at++] = hex[b[i] >> 4];
			digits[at++] = '.';
		}
		digits[at] = '\0';
	}
	if (suffix == NULL)
		suffix = ip_is_v4(ip) ? "in-addr.arpa" : "ip6.arpa";
	if (strlen(digits) + strlen(suffix) >= DNS_NAME_SIZE) {
		target[0] = '\0';
		return false;
	}
	snprintf(target, DNS_NAME_SIZE, "%s%s", digits, suffix);
	return true;
}
