/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/escape.h"

#include <stdbool.h>
#include <string.h>

static bool
decode(const unsigned char *at, size_t *length_r, unsigned *code_r)
{
	static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = 1;
	unsigned code = at[0];

	if (code >= 0xf0 && code < 0xf8)
		length = 4;
	else if (code >= 0xe0 && code < 0xf0)
		length = 3;
	else if (code >= 0xc2 && code < 0xe0)
		length = 2;
	else if (code >= 0x80)
		return false;
	if (length > 1)
		code &= 0x7fU >> length;
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return false;
		code = code << 6 | (at[i] & 0x3fU);
	}
	*length_r = length;
	*code_r = code;
	return code >= least[length] && code <= 0x10ffff &&
	       (code < 0xd800 || code > 0xdfff);
}

static bool
is_harmful(unsigned code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad ||
	       code == 0x61c || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
	       (code >= 0xfff0 && code <= 0xffff) ||
	       (code >= 0xe0000 && code <= 0xe0fff);
}

size_t
escape_utf8(const char *text, unsigned *code_r)
{
	size_t length;
	unsigned code;

	if (!decode((const unsigned char *)text, &length, &code) ||
	    is_harmful(code))
		return 0;
	if (code_r != NULL)
		*code_r = code;
	return length;
}

/* Columns of a character: East Asian wide and emoji take two (UAX 11). */
static size_t
width_of(unsigned code)
{
	static const struct {
		unsigned first, last;
	} wide[] = {{0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0x4dbf},
	    {0x4e00, 0xa4cf}, {0xa960, 0xa97c}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
	    {0xfe30, 0xfe6f}, {0xff01, 0xff60}, {0xffe0, 0xffe6},
	    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff},
	    {0x20000, 0x3fffd}};

	for (size_t i = 0; code >= 0x1100 && i < sizeof wide / sizeof *wide; i++) {
		if (code >= wide[i].first && code <= wide[i].last)
			return 2;
	}
	return 1;
}

/*
 * Length of what needs no escaping at the start: printable ASCII, one column each.
 */
static size_t
plain_length(const char *text)
{
	size_t length = 0;

	while (text[length] >= ' ' && text[length] <= '~')
		length++;
	return length;
}

size_t
escape_terminal(FILE *file, const char *text, size_t limit)
{
	if (text == NULL)
		return 0;
	size_t columns = plain_length(text);
	if (limit == 0 || (columns <= limit && text[columns] == '\0')) {
		if (file != NULL)
			fwrite(text, 1, columns, file);
		text += columns;
	} else {
		columns = 0;
	}
	if (limit > 0 && escape_terminal(NULL, text, 0) <= limit)
		limit = 0;
	while (*text != '\0') {
		unsigned code = 0;
		size_t length = escape_utf8(text, &code);
		size_t width = length > 0 ? width_of(code) : 4;

		if (limit > 0 && columns + width > limit - 1) {
			if (file != NULL)
				fputc('~', file);
			return columns + 1;
		}
		if (file != NULL && length > 0)
			fwrite(text, 1, length, file);
		else if (file != NULL)
			fprintf(file, "\\x%02x", (unsigned char)*text);
		columns += width;
		text += length > 0 ? length : 1;
	}
	return columns;
}

void
escape_html(FILE *file, const char *text)
{
	for (; text != NULL && *text != '\0';) {
		size_t length = escape_utf8(text, NULL);

		if (length == 0)
			fprintf(file, "\\x%02x", (unsigned char)*text);
		else if (strchr("<>&\"'`", *text) != NULL)
			fprintf(file, "&#%d;", *text);
		else
			fwrite(text, 1, length, file);
		text += length > 0 ? length : 1;
	}
}

void
escape_csv(FILE *file, const char *text)
{
	if (text == NULL)
		return;
	bool formula = *text != '\0' && strchr("=+-@\t\r", *text) != NULL;
	bool quoted = formula || strpbrk(text, ",\"\r\n\t;") != NULL;

	if (quoted)
		fputc('"', file);
	if (formula)
		fputc('\'', file);
	while (*text != '\0') {
		size_t length = escape_utf8(text, NULL);

		if (length == 0)
			fprintf(file, "\\x%02x", (unsigned char)*text);
		else
			fwrite(text, 1, length, file);
		if (*text == '"')
			fputc('"', file);
		text += length > 0 ? length : 1;
	}
	if (quoted)
		fputc('"', file);
}

void
escape_json(FILE *file, const char *text)
{
	fputc('"', file);
	while (text != NULL && *text != '\0') {
		size_t length;
		unsigned code;

		if (!decode((const unsigned char *)text, &length, &code)) {
			fputs("\\ufffd", file);
			text++;
			continue;
		}
		if (code == '"' || code == '\\')
			fprintf(file, "\\%c", (int)code);
		else if (code < 0x10000 && (is_harmful(code) || code == '<'))
			fprintf(file, "\\u%04x", code);
		else
			fwrite(text, 1, length, file);
		text += length;
	}
	fputc('"', file);
}

void
escape_label(FILE *file, const char *text)
{
	for (; text != NULL && *text != '\0';) {
		size_t length = escape_utf8(text, NULL);

		if (*text == '"' || *text == '\\')
			fprintf(file, "\\%c", *text);
		else if (length == 0)
			fprintf(file, "\\\\x%02x", (unsigned char)*text);
		else
			fwrite(text, 1, length, file);
		text += length > 0 ? length : 1;
	}
}
