/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/domain.h"

#include <idn2.h>
#include <string.h>

#include "base/text.h"

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text >= 0x80)
			return false;
	}
	return true;
}

/* Only lowers the case and drops a final dot; false when it was cut. */
static bool
copy_plain(char *target, size_t size, const char *domain)
{
	bool fits = text_copy(target, size, domain);
	size_t length = strlen(target);

	text_lower(target);
	if (fits && length > 1 && target[length - 1] == '.')
		target[length - 1] = '\0';
	return fits;
}

bool
domain_normalize(char *target, size_t size, const char *domain)
{
	uint8_t *ascii = NULL;

	bool fits = copy_plain(target, size, domain);
	if (!fits || is_ascii(target))
		return fits;
	if (idn2_lookup_u8((const uint8_t *)target, &ascii,
	        IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	char converted[DOMAIN_SIZE];
	fits = text_copy(converted, sizeof converted, (const char *)ascii) &&
	       strlen(converted) < size;
	if (fits)
		copy_plain(target, size, converted);
	idn2_free(ascii);
	return fits;
}

bool
domain_to_unicode(char *target, size_t size, const char *domain)
{
	char *unicode = NULL;

	target[0] = '\0';
	if (strstr(domain, "xn--") == NULL ||
	    idn2_to_unicode_8z8z(domain, &unicode, IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	bool fits = !is_ascii(unicode) && strlen(unicode) < size;
	if (fits)
		text_copy(target, size, unicode);
	idn2_free(unicode);
	return fits;
}

bool
domain_is_name(const char *text)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	bool number = true;

	if (*text == '.')
		text++;
	if (strlen(text) > 255)
		return false;
	while (*text != '\0') {
		size_t length = strspn(text, allowed);
		if (length == 0 || (text[length] != '.' && text[length] != '\0'))
			return false;
		number = strspn(text, "0123456789") == length;
		text += length;
		if (*text == '.' && *++text == '\0')
			return false;
	}
	return !number;
}
