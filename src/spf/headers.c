/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf/headers.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define VALUE_SIZE        256
#define QUOTED_VALUE_SIZE (VALUE_SIZE + 2)
#define WHOLE             (VALUE_SIZE - 1) /* domains are never cut there */
#define SHORT             120 /* of a value that stands beside others */

/* Octets that mean nothing in a comment, a quoted-string or a parameter. */
static bool
is_harmless(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-_.+@:/[]", c) != NULL);
}

static const char *
sanitise(char target[static VALUE_SIZE], size_t limit, const char *text)
{
	size_t i;

	for (i = 0; i < limit && text[i] != '\0'; i++)
		target[i] = is_harmless(text[i]) ? text[i] : '?';
	target[i] = '\0';
	return target;
}

/* Of what sanitise() leaves: atext and single inner dots (RFC 5322 3.2.3). */
static bool
is_dot_atom(const char *text)
{
	if (text[0] == '\0' || text[0] == '.' || text[strlen(text) - 1] == '.')
		return false;
	return strpbrk(text, "@:[]") == NULL && strstr(text, "..") == NULL;
}

static const char *
quote(char target[static QUOTED_VALUE_SIZE], size_t limit, const char *text)
{
	char clean[VALUE_SIZE];

	sanitise(clean, limit, text);
	snprintf(
	    target, QUOTED_VALUE_SIZE, is_dot_atom(clean) ? "%s" : "\"%s\"", clean);
	return target;
}

struct line {
	char *text;
	size_t size, length;
};

static void append(struct line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
append(struct line *line, const char *format, ...)
{
	va_list args;

	if (line->length >= line->size)
		return;
	va_start(args, format);
	int length = vsnprintf(
	    line->text + line->length, line->size - line->length, format, args);
	va_end(args);
	line->length += (size_t)length;
}

static size_t
finish(struct line *line)
{
	if (line->length < line->size)
		return line->length;
	if (line->size > 0)
		line->text[0] = '\0';
	return 0;
}

static void
append_comment(struct line *line, const struct spf_fact *fact, const char *ip,
    const char *receiver)
{
	char host[VALUE_SIZE], domain[VALUE_SIZE];

	append(line, " (%s: ", sanitise(host, SHORT, receiver));
	sanitise(domain, SHORT, fact->domain);
	switch (fact->result) {
	case SPF_PASS:
		append(line, "domain of %s designates %s as permitted sender",
		    domain, ip);
		break;
	case SPF_FAIL:
	case SPF_SOFTFAIL:
		append(line,
		    "domain of %s does not designate %s as permitted sender",
		    domain, ip);
		break;
	case SPF_NEUTRAL:
		append(line, "domain of %s says nothing about %s", domain, ip);
		break;
	case SPF_NONE:
		append(line, "%s%s", domain,
		    domain[0] == '\0' ? "no domain to check"
		                      : " has no SPF record");
		break;
	case SPF_TEMPERROR:
		append(line, "temporary error for %s", domain);
		break;
	case SPF_PERMERROR:
		append(line, "the SPF record of %s cannot be used", domain);
		break;
	case SPF_SKIPPED:
	case SPF_RESULTS:
		break;
	}
	append(line, ")");
}

size_t
spf_header_received(char *buf, size_t size, const struct spf_fact *fact,
    bool is_helo, const struct ip *ip, const char *helo, const char *sender,
    const char *receiver)
{
	struct line line = {buf, size, 0};
	char value[QUOTED_VALUE_SIZE], address[IP_TEXT_SIZE];

	if (size > 0)
		buf[0] = '\0';
	if (fact->result >= SPF_SKIPPED)
		return 0;
	ip_to_text(ip, address);
	append(&line, "%s", spf_result_words[fact->result]);
	append_comment(&line, fact, address, receiver);
	append(&line, " client-ip=%s;", quote(value, SHORT, address));
	append(&line, " envelope-from=%s;", quote(value, SHORT, sender));
	if (helo != NULL && helo[0] != '\0')
		append(&line, " helo=%s;", quote(value, SHORT, helo));
	append(&line, " receiver=%s;", quote(value, SHORT, receiver));
	if (fact->trouble != SPF_TROUBLE_NONE)
		append(&line, " problem=%s;", spf_trouble_words[fact->trouble]);
	append(&line, " identity=%s", is_helo ? "helo" : "mailfrom");
	return finish(&line);
}

size_t
spf_header_authres(char *buf, size_t size, const struct spf_fact *fact,
    bool is_helo, const char *receiver)
{
	struct line line = {buf, size, 0};
	char value[QUOTED_VALUE_SIZE];

	if (size > 0)
		buf[0] = '\0';
	if (fact->result >= SPF_SKIPPED || fact->domain[0] == '\0')
		return 0;
	append(&line, "%s;", quote(value, WHOLE, receiver));
	append(&line, " spf=%s smtp.%s=%s", spf_result_words[fact->result],
	    is_helo ? "helo" : "mailfrom", quote(value, WHOLE, fact->domain));
	return finish(&line);
}

/* What follows blanks and comments, which nest (RFC 5322 3.2.2). */
static const char *
skip_comments(const char *text)
{
	unsigned depth = 0;

	for (; *text != '\0'; text++) {
		if (*text == '(')
			depth++;
		else if (*text == ')' && depth > 0)
			depth--;
		else if (*text == '\\' && depth > 0 && text[1] != '\0')
			text++;
		else if (depth == 0 && strchr(" \t\r\n", *text) == NULL)
			break;
	}
	return text;
}

/* Is text the id, and then at its end or at one of ends? */
static bool
begins_with(const char *text, const char *id, const char *ends)
{
	for (; *id != '\0'; text++, id++) {
		if (*text == '\\' && *ends == '"')
			text++;
		if (strncasecmp(text, id, 1) != 0)
			return false;
	}
	return *text == '\0' || strchr(ends, *text) != NULL;
}

bool
spf_header_bears(const char *value, const char *id)
{
	const char *text = skip_comments(value);

	if (*text == '"')
		return begins_with(text + 1, id, "\"");
	return begins_with(text, id, " \t\r\n;(/");
}
