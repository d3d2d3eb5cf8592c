/* SPDX-License-Identifier: BSD-2-Clause */
/* The header writer against the examples of docs/headers.md. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"
#include "session/session_private.h"

#define MAX_EXAMPLES 16

static char sessions[MAX_EXAMPLES][1000], clients[MAX_EXAMPLES][900];
static char flags[MAX_EXAMPLES][300];
static size_t count;

/* Headers in the page stand indented by four blanks; "..." marks a sketch. */
static void
take(const char *line, const char *name, char *target, size_t size)
{
	size_t length = strlen(name);

	if (strncmp(line, name, length) == 0)
		text_copy(target, size, line + length);
}

static int
read_examples(void **state)
{
	FILE *file = fopen(HEADERS_PAGE, "re");
	char line[1024];
	bool examples = false;

	if (file == NULL)
		return -1;
	while (fgets(line, sizeof line, file) != NULL) {
		char *text = text_trim(line);
		if (strcmp(text, "## Examples") == 0)
			examples = true;
		if (!examples || count == MAX_EXAMPLES)
			continue;
		take(
		    text, "X-TaRgrey-Session: ", sessions[count], sizeof *sessions);
		take(text, "X-TaRgrey-Client: ", clients[count], sizeof *clients);
		take(text, "X-TaRgrey-Flags: ", flags[count], sizeof *flags);
		if (*flags[count] != '\0')
			count++;
	}
	fclose(file);
	return count >= 3 ? 0 : -1;
}

/* key=value pairs of a header, in the order of session_keys. */
static void
parse(const char *text, struct session_words *words)
{
	char copy[1000], *rest = copy, *pair;

	memset(words, 0, sizeof *words);
	text_copy(copy, sizeof copy, text);
	for (size_t key = 0; (pair = strsep(&rest, ";")) != NULL; key++) {
		char *name = text_trim(pair), *value = strchr(name, '=');
		assert_non_null(value);
		*value++ = '\0';
		/* In this order; some stand there only where they are configured.
		 */
		while (
		    key < SESSION_KEYS && strcmp(name, session_keys[key].name) != 0)
			key++;
		assert_true(key < SESSION_KEYS);
		text_copy(words->value[key], SESSION_VALUE_SIZE, value);
	}
}

static void
the_session_header_is_written_as_documented(void **state)
{
	for (size_t i = 0; i < count; i++) {
		struct session_words words;
		char text[STAMP_SESSION_SIZE];
		parse(sessions[i], &words);
		stamp_session(&words, text);
		assert_string_equal(text, sessions[i]);
	}
}

static void
every_word_of_the_examples_stands_in_the_closed_lists(void **state)
{
	for (size_t i = 0; i < count; i++) {
		struct session_words words;
		parse(sessions[i], &words);
		for (size_t key = 0; key < SESSION_KEYS; key++) {
			const char *const *word = session_keys[key].words;
			if (key == SK_DNSBL || key >= SK_NET_HAM)
				continue;
			assert_string_not_equal(words.value[key], "");
			while (word != NULL && *word != NULL &&
			       strcmp(*word, words.value[key]) != 0)
				word++;
			if (word != NULL && *word == NULL)
				fail_msg("%s=%s", session_keys[key].name,
				    words.value[key]);
		}
	}
}

static void
the_flags_follow_from_the_words_as_documented(void **state)
{
	struct snapshot snapshot = {0};
	struct session session = {.snapshot = &snapshot, .now.wall = 1};

	for (size_t i = 0; i < count; i++) {
		struct session_words words;
		char text[STAMP_FLAGS_SIZE];
		parse(sessions[i], &words);
		stamp_flags(&session, &words, text);
		assert_string_equal(text, flags[i]);
	}
}

/* The value of "; key=" in text, percent-decoded, on the heap; NULL for "-". */
static char *
decoded(const char *text, const char *key)
{
	char wanted[32], *out = calloc(1, 900), *end = out;

	snprintf(wanted, sizeof wanted, "; %s=", key);
	const char *from = strstr(text, wanted);
	assert_non_null(from);
	from += strlen(wanted);
	while (*from != '\0' && *from != ';') {
		char hex[3] = {from[0] == '%' ? from[1] : '\0',
		    from[0] == '%' ? from[2] : '\0', 0};
		*end++ = *from == '%' ? (char)strtol(hex, NULL, 16) : *from;
		from += *from == '%' ? 3 : 1;
	}
	if (strcmp(out, "unknown") == 0 || strcmp(out, "-") == 0) {
		free(out);
		out = NULL;
	}
	return out;
}

static void
the_client_header_is_written_as_documented(void **state)
{
	for (size_t i = 0; i < count; i++) {
		struct session session = {0};
		char text[STAMP_CLIENT_SIZE];
		char *ip = decoded(clients[i], "ip");
		session.facts.name = decoded(clients[i], "name");
		session.facts.ptr = decoded(clients[i], "ptr");
		session.facts.helo = decoded(clients[i], "heloname");
		assert_true(ip_from_text(ip, &session.facts.ip));
		stamp_client(&session, text);
		assert_string_equal(text, clients[i]);
		free(ip);
		free((char *)session.facts.name);
		free((char *)session.facts.ptr);
		free((char *)session.facts.helo);
	}
}

/* As long as anything can be: all keys, longest words, longest names. */
static void
the_longest_headers_keep_their_limits(void **state)
{
	struct session_words words;
	struct session session = {0};
	char text[STAMP_SESSION_SIZE], client[STAMP_CLIENT_SIZE], name[600];

	memset(&words, 0, sizeof words);
	for (size_t key = 0; key < SESSION_KEYS; key++) {
		size_t longest = 0;
		const char *value = session_keys[key].is_number ? "4294967295" : "";
		for (const char *const *word = session_keys[key].words;
		     word != NULL && *word != NULL; word++) {
			if (strlen(*word) > longest) {
				longest = strlen(*word);
				value = *word;
			}
		}
		text_copy(words.value[key], SESSION_VALUE_SIZE, value);
	}
	text_copy(words.value[SK_V], SESSION_VALUE_SIZE, "1");
	memset(words.value[SK_ID], 'i', 64);
	memset(words.value[SK_SID], 's', 10);
	memset(words.value[SK_S25R_RULE], 'r', 24);
	memset(words.value[SK_LOCAL], 'l', 28);
	memset(words.value[SK_DNSBL], 'd', 28);
	text_copy(words.value[SK_NEW], SESSION_VALUE_SIZE,
	    "address,network,organisation,sender");
	stamp_session(&words, text);
	assert_true(strlen(text) <= 900);
	assert_non_null(strstr(text, "; fault=store; dnsbl=ddd"));
	assert_non_null(strstr(text, "; mx_order=secondary-first"));

	memset(name, 0xff, sizeof name - 1);
	name[sizeof name - 1] = '\0';
	session.facts.name = session.facts.ptr = session.facts.helo = name;
	assert_true(ip_from_text(
	    "2001:db8:1111:2222:3333:4444:5555:6666", &session.facts.ip));
	stamp_client(&session, client);
	assert_true(strlen(client) <= 800);
	assert_non_null(strstr(client, "%7E; key=2001:db8:1111:2222::/64"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_session_header_is_written_as_documented),
	    cmocka_unit_test(every_word_of_the_examples_stands_in_the_closed_lists),
	    cmocka_unit_test(the_flags_follow_from_the_words_as_documented),
	    cmocka_unit_test(the_client_header_is_written_as_documented),
	    cmocka_unit_test(the_longest_headers_keep_their_limits),
	};
	return cmocka_run_group_tests(tests, read_examples, NULL);
}
