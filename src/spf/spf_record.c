/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf/spf_record_private.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "spf/macro_private.h"

#define VERSION        "v=spf1"
#define VERSION_LENGTH 6

enum domain_need { DOMAIN_NEVER, DOMAIN_MAY, DOMAIN_MUST };

static const struct mechanism {
	const char *name;
	enum spf_kind kind;
	enum domain_need domain;
	bool has_dual_prefix;
} mechanisms[] = {
    {"all", SPF_ALL, DOMAIN_NEVER, false},
    {"include", SPF_INCLUDE, DOMAIN_MUST, false},
    {"a", SPF_A, DOMAIN_MAY, true},
    {"mx", SPF_MX, DOMAIN_MAY, true},
    {"ptr", SPF_PTR, DOMAIN_MAY, false},
    {"ip4", SPF_IP4, DOMAIN_MUST, false},
    {"ip6", SPF_IP6, DOMAIN_MUST, false},
    {"exists", SPF_EXISTS, DOMAIN_MUST, false},
};

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
spf_record_is_ours(const char *text, size_t length)
{
	return length >= VERSION_LENGTH &&
	       strncasecmp(text, VERSION, VERSION_LENGTH) == 0 &&
	       (length == VERSION_LENGTH || text[VERSION_LENGTH] == ' ');
}

/* A prefix length without leading zeros, whole text; -1: none. */
static int
prefix_from(const char *text, int max)
{
	int value = 0;

	if (!is_digit(text[0]) || (text[0] == '0' && text[1] != '\0'))
		return -1;
	for (; *text != '\0'; text++) {
		if (!is_digit(*text))
			return -1;
		value = value * 10 + (*text - '0');
		if (value > max)
			return -1;
	}
	return value;
}

/*
 * The last "/digits" of text, cut off. *start_r is where it stood, NULL when
 * there is none. A slash may stand in a domain-spec too (macro-literal), so
 * what is not a prefix length is left to the check of the domain-spec.
 */
static bool
cut_prefix(char *text, int max, char **start_r, uint8_t *prefix_r)
{
	char *slash = strrchr(text, '/');

	*start_r = NULL;
	if (slash == NULL || !is_digit(slash[1]) ||
	    strspn(slash + 1, "0123456789") != strlen(slash + 1))
		return true;
	int value = prefix_from(slash + 1, max);
	if (value < 0)
		return false;
	*prefix_r = (uint8_t)value;
	*start_r = slash;
	*slash = '\0';
	return true;
}

/* dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ] */
static bool
cut_dual_prefix(char *text, struct spf_term *term)
{
	char *slash = strrchr(text, '/');
	char *start;

	if (slash != NULL && slash > text && slash[-1] == '/' &&
	    is_digit(slash[1])) {
		if (!cut_prefix(text, 128, &start, &term->prefix6))
			return false;
		if (start == NULL)
			return true;
		start[-1] = '\0';
	}
	return cut_prefix(text, 32, &start, &term->prefix4);
}

/* qnum "." qnum "." qnum "." qnum, no leading zeros */
static bool
parse_ip4(char *text, struct spf_term *term)
{
	char *start;
	struct in_addr address;

	if (!cut_prefix(text, 32, &start, &term->prefix4) ||
	    inet_pton(AF_INET, text, &address) != 1)
		return false;
	for (const char *p = text; *p != '\0'; p++)
		if (*p == '0' && is_digit(p[1]) && (p == text || p[-1] == '.'))
			return false;
	return ip_from_text(text, &term->ip);
}

static bool
parse_ip6(char *text, struct spf_term *term)
{
	char *start;

	return cut_prefix(text, 128, &start, &term->prefix6) &&
	       inet_pton(AF_INET6, text, term->ip.bytes) == 1;
}

/* What follows a mechanism's name, the colon or slash included. */
static bool
parse_argument(char *rest, const struct mechanism *mechanism, struct spf_term *term)
{
	bool has_colon = rest[0] == ':';

	if (has_colon && mechanism->domain == DOMAIN_NEVER)
		return false;
	if (!has_colon && mechanism->domain == DOMAIN_MUST)
		return false;
	if (mechanism->kind == SPF_IP4)
		return parse_ip4(rest + 1, term);
	if (mechanism->kind == SPF_IP6)
		return parse_ip6(rest + 1, term);
	if (mechanism->has_dual_prefix && !cut_dual_prefix(rest, term))
		return false;
	if (!has_colon)
		return rest[0] == '\0';
	term->spec = rest + 1;
	return spf_macro_check_domain(term->spec, &term->has_macro);
}

static bool
parse_directive(char *text, struct spf_term *term)
{
	term->qualifier = '+';
	if (*text != '\0' && strchr("+-~?", *text) != NULL)
		term->qualifier = *text++;
	size_t length = strcspn(text, ":/");
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
		const struct mechanism *mechanism = &mechanisms[i];
		if (strlen(mechanism->name) != length ||
		    strncasecmp(mechanism->name, text, length) != 0)
			continue;
		term->kind = mechanism->kind;
		return parse_argument(text + length, mechanism, term);
	}
	return false;
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ), then "="; 0: no modifier */
static size_t
modifier_length(const char *text)
{
	size_t length = 0;

	if (!is_alpha(text[0]))
		return 0;
	while (is_alpha(text[length]) || is_digit(text[length]) ||
	       (text[length] != '\0' && strchr("-_.", text[length]) != NULL))
		length++;
	return text[length] == '=' ? length : 0;
}

struct modifiers {
	bool has_redirect, has_explanation;
	struct spf_term redirect;
};

static bool
parse_modifier(char *text, size_t length, struct modifiers *seen)
{
	char *value = text + length + 1;
	bool has_macro;

	if (length == 8 && strncasecmp(text, "redirect", 8) == 0) {
		if (seen->has_redirect)
			return false;
		seen->has_redirect = true;
		seen->redirect.kind = SPF_REDIRECT;
		seen->redirect.qualifier = '+';
		seen->redirect.spec = value;
		return spf_macro_check_domain(value, &seen->redirect.has_macro);
	}
	if (length == 3 && strncasecmp(text, "exp", 3) == 0) {
		if (seen->has_explanation)
			return false;
		seen->has_explanation = true;
		return spf_macro_check_domain(value, &has_macro);
	}
	return spf_macro_check(value);
}

static enum spf_grammar
parse_terms(struct spf_record *record)
{
	struct modifiers seen = {0};
	bool has_all = false;
	char *rest = record->text + VERSION_LENGTH;

	for (char *text; (text = strsep(&rest, " ")) != NULL;) {
		struct spf_term *term = &record->terms[record->count];
		size_t length = modifier_length(text);

		if (*text == '\0')
			continue;
		if (strlen(text) > SPF_TERM_MAX)
			return SPF_GRAMMAR_SIZE;
		if (length > 0) {
			if (!parse_modifier(text, length, &seen))
				return SPF_GRAMMAR_BAD;
			continue;
		}
		*term = (struct spf_term){
		    .record = record, .spec = "", .prefix4 = 32, .prefix6 = 128};
		if (!parse_directive(text, term))
			return SPF_GRAMMAR_BAD;
		has_all = has_all || term->kind == SPF_ALL;
		record->count++;
	}
	if (seen.has_redirect && !has_all) {
		record->redirect = &record->terms[record->count];
		*record->redirect = seen.redirect;
		record->redirect->record = record;
	}
	return SPF_GRAMMAR_OK;
}

enum spf_grammar
spf_record_parse(const char *text, size_t length, const char *domain,
    struct spf_record **record_r)
{
	struct spf_record *record;
	size_t most = 1; /* one for the redirect */

	*record_r = NULL;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return SPF_GRAMMAR_BAD;
		most += text[i] == ' ';
	}
	if (length > SPF_RECORD_MAX)
		return SPF_GRAMMAR_SIZE;
	record = calloc(1, sizeof *record);
	if (record == NULL)
		return SPF_GRAMMAR_MEMORY;
	record->text = strndup(text, length);
	record->terms = calloc(most, sizeof *record->terms);
	enum spf_grammar grammar = SPF_GRAMMAR_MEMORY;
	if (record->text != NULL && record->terms != NULL) {
		strncpy(record->domain, domain, sizeof record->domain - 1);
		grammar = parse_terms(record);
	}
	if (grammar == SPF_GRAMMAR_OK)
		*record_r = record;
	else
		spf_record_free(&record);
	return grammar;
}

void
spf_record_free(struct spf_record **record_ptr)
{
	struct spf_record *record = *record_ptr;

	if (record == NULL)
		return;
	*record_ptr = NULL;
	free(record->terms);
	free(record->text);
	free(record);
}
