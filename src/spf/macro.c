/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf/macro_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DELIMITERS ".-+,/_="
#define LETTERS    "slodiphv" /* c, r and t: in explanations alone (7.2) */

/* One macro-expand with braces. */
struct macro {
	char letter; /* lower case */
	bool is_escaped, is_reversed;
	unsigned keep; /* parts from the right; 0 = all */
	char delimiters[sizeof DELIMITERS];
	size_t length; /* of the whole macro-expand */
};

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

/* text begins with "%{"; transformers = *DIGIT [ "r" ], then *delimiter "}" */
static bool
parse_macro(const char *text, struct macro *macro)
{
	const char *p = text + 2;
	bool has_digits = false;
	size_t delimiters = 0;

	*macro = (struct macro){0};
	macro->is_escaped = *p >= 'A' && *p <= 'Z';
	macro->letter = (char)(macro->is_escaped ? *p + 32 : *p);
	if (macro->letter == '\0' || strchr(LETTERS, macro->letter) == NULL)
		return false;
	for (p++; *p >= '0' && *p <= '9'; p++) {
		has_digits = true;
		macro->keep = macro->keep * 10 + (unsigned)(*p - '0');
		if (macro->keep > 100000)
			macro->keep = 100000;
	}
	if (has_digits && macro->keep == 0)
		return false;
	if (*p == 'r' || *p == 'R') {
		macro->is_reversed = true;
		p++;
	}
	for (; *p != '\0' && strchr(DELIMITERS, *p) != NULL; p++)
		if (strchr(macro->delimiters, *p) == NULL)
			macro->delimiters[delimiters++] = *p;
	if (delimiters == 0)
		macro->delimiters[0] = '.';
	macro->length = (size_t)(p - text) + 1;
	return *p == '}';
}

/*
 * Length of the macro-string element at text: a macro-expand (*is_expand_r)
 * or one macro-literal. 0: neither.
 */
static size_t
element(const char *text, bool *is_expand_r, struct macro *macro)
{
	macro->letter = '\0';
	*is_expand_r = *text == '%';
	if (!*is_expand_r)
		return *text > 0x20 && *text < 0x7f;
	if (text[1] == '%' || text[1] == '_' || text[1] == '-')
		return 2;
	return text[1] == '{' && parse_macro(text, macro) ? macro->length : 0;
}

bool
spf_macro_check(const char *text)
{
	while (*text != '\0') {
		struct macro macro;
		bool is_expand;
		size_t length = element(text, &is_expand, &macro);
		if (length == 0)
			return false;
		text += length;
	}
	return true;
}

/* toplabel: letters, digits and inner hyphens, not digits alone (RFC 7208 7.1) */
static bool
is_toplabel(const char *text, size_t length)
{
	bool has_other = false;

	if (length == 0 || text[0] == '-' || text[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!is_alnum(text[i]) && text[i] != '-')
			return false;
		has_other = has_other || text[i] < '0' || text[i] > '9';
	}
	return has_other;
}

bool
spf_macro_check_domain(const char *text, bool *has_macro_r)
{
	const char *tail = text; /* what follows the last macro-expand */
	bool is_expand = false;

	*has_macro_r = false;
	if (*text == '\0')
		return false;
	while (*text != '\0') {
		struct macro macro;
		size_t length = element(text, &is_expand, &macro);
		if (length == 0)
			return false;
		text += length;
		if (is_expand)
			tail = text;
		if (macro.letter != '\0' && macro.letter != 'd' &&
		    macro.letter != 'o')
			*has_macro_r = true;
	}
	if (is_expand)
		return true;
	size_t length = strlen(tail);
	if (length > 0 && tail[length - 1] == '.')
		length--;
	size_t start = length;
	while (start > 0 && tail[start - 1] != '.')
		start--;
	return start > 0 && is_toplabel(tail + start, length - start);
}

/* Text that grows; broken when out of memory. */
struct growing {
	char *text;
	size_t length, size;
	bool is_broken;
};

static void
put(struct growing *out, const char *text, size_t length)
{
	if (out->length + length + 1 > out->size) {
		size_t size = (out->length + length + 1) * 2;
		char *bigger = realloc(out->text, size);
		if (bigger == NULL) {
			out->is_broken = true;
			return;
		}
		out->text = bigger;
		out->size = size;
	}
	memcpy(out->text + out->length, text, length);
	out->length += length;
	out->text[out->length] = '\0';
}

/* As it is, or with everything but "unreserved" of RFC 3986 as %HH. */
static void
put_escaped(struct growing *out, const char *text, size_t length, bool is_escaped)
{
	for (size_t i = 0; i < length; i++) {
		char hex[4];
		if (!is_escaped || is_alnum(text[i]) ||
		    (text[i] != '\0' && strchr("-._~", text[i]) != NULL)) {
			put(out, &text[i], 1);
		} else {
			snprintf(hex, sizeof hex, "%%%02X", (unsigned char)text[i]);
			put(out, hex, 3);
		}
	}
}

/* Splits, reverses, keeps the rightmost parts, joins with dots. */
static void
put_macro(struct growing *out, const struct macro *macro, const char *value)
{
	size_t count = 1;

	for (const char *p = value; *p != '\0'; p++)
		count += strchr(macro->delimiters, *p) != NULL;
	const char **parts = calloc(count, sizeof *parts);
	if (parts == NULL) {
		out->is_broken = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		parts[macro->is_reversed ? count - 1 - i : i] = value;
		value += strcspn(value, macro->delimiters) + 1;
	}
	size_t keep = macro->keep == 0 || macro->keep > count ? count : macro->keep;
	for (size_t i = count - keep; i < count; i++) {
		if (i > count - keep)
			put(out, ".", 1);
		put_escaped(out, parts[i], strcspn(parts[i], macro->delimiters),
		    macro->is_escaped);
	}
	free(parts);
}

static void
expand(struct growing *out, const char *spec, spf_macro_value *value, void *ctx)
{
	while (*spec != '\0') {
		struct macro macro;
		bool is_expand;
		size_t length = element(spec, &is_expand, &macro);

		if (length == 0)
			break;
		if (!is_expand)
			put(out, spec, 1);
		else if (macro.letter != '\0')
			put_macro(out, &macro, value(ctx, macro.letter));
		else if (spec[1] == '-')
			put(out, "%20", 3);
		else
			put(out, spec[1] == '_' ? " " : "%", 1);
		spec += length;
	}
}

enum spf_expansion
spf_macro_expand(char target[static DNS_NAME_SIZE], const char *spec,
    spf_macro_value *value, void *ctx)
{
	struct growing out = {0};
	enum spf_expansion done = SPF_NO_MEMORY;

	target[0] = '\0';
	put(&out, "", 0);
	expand(&out, spec, value, ctx);
	if (!out.is_broken) {
		const char *name = out.text;
		if (out.length > 0 && out.text[out.length - 1] == '.')
			out.text[--out.length] = '\0';
		while (name != NULL && strlen(name) >= DNS_NAME_SIZE) {
			name = strchr(name, '.');
			name = name == NULL ? NULL : name + 1;
		}
		done = name != NULL && dns_name_clean(target, name) ? SPF_EXPANDED
		                                                    : SPF_NO_NAME;
	}
	free(out.text);
	return done;
}
