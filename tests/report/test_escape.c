/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/escape.h"

static void
terminal(FILE *file, const char *text)
{
	escape_terminal(file, text, 0);
}

static const struct {
	const char *name;
	void (*escape)(FILE *, const char *);
	const char *input, *wanted;
} cases[] = {
    {"terminal: plain", terminal, "mail.example.jp", "mail.example.jp"},
    {"terminal: escape sequence", terminal, "a\033[2Jb", "a\\x1b[2Jb"},
    {"terminal: C1 control", terminal,
        "a\xc2\x9b"
        "2J",
        "a\\xc2\\x9b2J"},
    {"terminal: newline, tab, bell", terminal, "\n\t\a", "\\x0a\\x09\\x07"},
    {"terminal: right-to-left override", terminal, "\xe2\x80\xae",
        "\\xe2\\x80\\xae"},
    {"terminal: broken UTF-8", terminal, "\xff\xc3(", "\\xff\\xc3("},
    {"terminal: overlong", terminal, "\xc0\xaf", "\\xc0\\xaf"},
    {"terminal: good UTF-8", terminal, "\xe3\x81\x82", "\xe3\x81\x82"},
    {"html: markup", escape_html, "<script>alert(\"1\")&'</script>",
        "&#60;script&#62;alert(&#34;1&#34;)&#38;&#39;&#60;/script&#62;"},
    {"html: control", escape_html, "\001", "\\x01"},
    {"csv: plain", escape_csv, "a b", "a b"},
    {"csv: formula =", escape_csv, "=1+1", "\"'=1+1\""},
    {"csv: formula +", escape_csv, "+1", "\"'+1\""},
    {"csv: formula -", escape_csv, "-1", "\"'-1\""},
    {"csv: formula @", escape_csv, "@SUM(A1)", "\"'@SUM(A1)\""},
    {"csv: tab first", escape_csv, "\t=1", "\"'\\x09=1\""},
    {"csv: quotes and commas", escape_csv, "a\",b", "\"a\"\",b\""},
    {"csv: line ends", escape_csv, "a\r\nb", "\"a\\x0d\\x0ab\""},
    {"json: quotes", escape_json, "a\"\\b", "\"a\\\"\\\\b\""},
    {"json: control", escape_json, "\n\033", "\"\\u000a\\u001b\""},
    {"json: closing a script", escape_json, "</script>", "\"\\u003c/script>\""},
    {"json: broken UTF-8", escape_json, "\xff", "\"\\ufffd\""},
    {"label: quotes and lines", escape_label, "a\"b\\c\nd", "a\\\"b\\\\c\\\\x0ad"},
};

static void
text_of_strangers_is_harmless(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *text = NULL;
		size_t size;
		FILE *file = open_memstream(&text, &size);
		assert_non_null(file);
		cases[i].escape(file, cases[i].input);
		fclose(file);
		if (strcmp(text, cases[i].wanted) != 0)
			print_error("%s: %s\n", cases[i].name, text);
		assert_string_equal(text, cases[i].wanted);
		free(text);
	}
}

static void
a_cut_text_says_so_and_keeps_the_width(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(escape_terminal(file, "abcdefghij", 5), 5);
	fclose(file);
	assert_string_equal(text, "abcd~");
	free(text);
	assert_int_equal(escape_terminal(NULL, "abcde", 5), 5);
	assert_int_equal(escape_terminal(NULL, NULL, 5), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_of_strangers_is_harmless),
	    cmocka_unit_test(a_cut_text_says_so_and_keeps_the_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
