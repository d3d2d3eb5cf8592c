/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/doc.h"
#include "report/histogram.h"
#include "report/tally.h"

/* The linker puts these before the C library's. */
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

static int left = -1; /* allocations until memory is out; -1: it never is */
static bool was_out;

static bool
is_out(void)
{
	if (left < 0)
		return false;
	was_out = left == 0;
	if (!was_out)
		left--;
	return was_out;
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return is_out() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
	return is_out() ? NULL : __real_realloc(old, size);
}

char *
__wrap_strdup(const char *text)
{
	return is_out() ? NULL : __real_strdup(text);
}

static const struct column columns[] = {
    {"name", "Name", 0, false},
    {"count", "Count", 0, false},
    {"note", "Note", 0, true},
};

static struct doc *
sample(void)
{
	struct doc *doc = doc_new("sample");

	if (doc == NULL)
		return NULL;
	doc_section(doc, "one", "One");
	doc_table(doc, columns, 3);
	doc_row(doc, (struct cell[]){
	                 cell_text("=evil()"), cell_count(7), cell_text("a, b")});
	doc_row(doc,
	    (struct cell[]){cell_text("<b>\033[31m"), cell_count(12), cell_none()});
	return doc;
}

static char *
written(struct doc *doc, enum doc_format format, unsigned width)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_true(doc_write(doc, format, width, file));
	fclose(file);
	return text;
}

static const struct {
	enum doc_format format;
	unsigned width;
	const char *wanted;
} forms[] = {
    {DOC_TEXT, 80,
        "Name         Count\n"
        "=evil()          7\n"
        "<b>\\x1b[31m     12\n"},
    {DOC_TEXT, 0,
        "Name         Count  Note\n"
        "=evil()          7  a, b\n"
        "<b>\\x1b[31m     12  -\n"},
    {DOC_CSV, 0,
        "name,count,note\r\n"
        "\"'=evil()\",7,\"a, b\"\r\n"
        "<b>\\x1b[31m,12,\r\n"},
    {DOC_JSON, 0,
        "{\n  \"title\": \"sample\",\n  \"one\": {\n    \"rows\": [\n"
        "      {\"name\": \"=evil()\", \"count\": 7, \"note\": \"a, b\"},\n"
        "      {\"name\": \"\\u003cb>\\u001b[31m\", \"count\": 12, \"note\": "
        "null}]}\n}\n"},
};

static void
every_form_says_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct doc *doc = sample();
		char *text = written(doc, forms[i].format, forms[i].width);
		assert_string_equal(text, forms[i].wanted);
		free(text);
		doc_free(&doc);
	}
}

static void
a_name_is_never_cut_and_a_detail_only_on_a_terminal(void **state)
{
	static const struct column mixed[] = {
	    {"name", "Name", 0, false}, {"detail", "Detail", 30, false}};
	static const char name[] = "mail-with-a-long-name.example.org",
	                  detail[] = "/etc/targrey/s25r.rules:19 rule 1 and more";

	(void)state;
	for (unsigned width = 0; width <= 80; width += 40) {
		struct doc *doc = doc_new("sample");
		doc_section(doc, "one", "One");
		doc_table(doc, mixed, 2);
		doc_row(doc, (struct cell[]){cell_text(name), cell_text(detail)});
		char *text = written(doc, DOC_TEXT, width);
		assert_non_null(strstr(text, name));
		assert_int_equal(strstr(text, detail) != NULL, width == 0);
		free(text);
		doc_free(&doc);
	}
}

static void
html_holds_no_markup_of_strangers(void **state)
{
	struct doc *doc = sample();
	char *text = written(doc, DOC_HTML, 0);

	(void)state;
	assert_non_null(strstr(text, "&#60;b&#62;\\x1b[31m"));
	assert_null(strstr(text, "<b>"));
	assert_null(strstr(text, "<script"));
	free(text);
	doc_free(&doc);
}

static void
sections_of_facts_become_long_csv(void **state)
{
	struct doc *doc = doc_new("x");

	(void)state;
	doc_section(doc, "s", "S");
	doc_fact(doc, "a", "A", cell_seconds(90));
	doc_fact(doc, "b", "B", cell_time(86400));
	doc_fact(doc, "c", "C", cell_share(1, 4));
	doc_say(doc, "It's %d.", 5);
	char *text = written(doc, DOC_CSV, 0);
	assert_string_equal(text, "section,row,column,value\r\ns,,a,90\r\n"
	                          "s,,b,1970-01-02T00:00:00Z\r\ns,,c,0.2500\r\n"
	                          "s,,say,It's 5.\r\n");
	free(text);
	doc_free(&doc);
}

static void
what_may_be_cut_does_not_overrun_a_narrow_terminal(void **state)
{
	static const struct column details[] = {{"detail", "Detail", 60, false},
	    {"count", "Count", 0, false}, {"note", "Note", 0, true}};
	struct doc *doc = doc_new("x");
	char name[120];

	(void)state;
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	doc_section(doc, "one", "One");
	doc_table(doc, details, 3);
	doc_row(doc, (struct cell[]){cell_text(name), cell_count(7), cell_none()});
	char *text = written(doc, DOC_TEXT, 40);
	for (char *line = strtok(text, "\n"); line != NULL;
	     line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 40);
	free(text);
	doc_free(&doc);
}

static void
the_tally_keeps_the_frequent_in_bounded_room(void **state)
{
	struct tally *tally = tally_new(64);
	size_t count;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		char name[16];
		if (i % 4 == 0)
			snprintf(name, sizeof name, "often%d", i % 3);
		else
			snprintf(name, sizeof name, "rare%d", i);
		assert_non_null(tally_add(tally, name, 1, i));
	}
	const struct tally_row *rows = tally_sort(tally, &count);
	assert_true(count <= 64);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(strncmp(rows[i].name, "often", 5), 0);
		/* each came 8333 or 8334 times */
		assert_true(rows[i].rank + tally_error(tally) >= 8333);
		assert_true(rows[i].rank <= 8334);
	}
	tally_free(&tally);
}

static void
quantiles_are_within_two_percent(void **state)
{
	static struct histogram histogram;

	(void)state;
	for (int i = 1; i <= 100000; i++)
		histogram_add(&histogram, i * 10.0);
	assert_true(fabs(histogram_at(&histogram, 0.5) / 500000 - 1) < 0.02);
	assert_true(fabs(histogram_at(&histogram, 0.95) / 950000 - 1) < 0.02);
	/* the largest, and no more than that */
	assert_true(histogram_at(&histogram, 1) <= 1000000);
	assert_true(histogram_at(&histogram, 1) > 980000);
}

static struct doc *
all_kinds(void)
{
	struct doc *doc = sample();

	if (doc == NULL)
		return NULL;
	doc_section(doc, "two", "Two");
	doc_headline(doc);
	doc_subtitle(doc);
	doc_front(doc);
	doc_long(doc);
	doc_say(doc, "%d words", 2);
	doc_fact(doc, "fact", "Fact", cell_text("a text"));
	doc_table(doc, columns, 3);
	doc_chart(doc, &(struct chart){0});
	return doc;
}

static void
without_memory_a_document_is_not_written(void **state)
{
	int points = 0;

	(void)state;
	for (bool is_whole = false; !is_whole; points++) {
		left = points;
		was_out = false;
		struct doc *doc = all_kinds();
		is_whole = !was_out;
		left = -1;
		if (doc == NULL)
			continue;
		char *text = NULL;
		size_t size;
		FILE *file = open_memstream(&text, &size);
		assert_int_equal(doc_write(doc, DOC_TEXT, 80, file), is_whole);
		fclose(file);
		assert_int_equal(size > 0, is_whole);
		free(text);
		doc_free(&doc);
	}
	print_message("%d points\n", points);
	assert_true(points > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_form_says_the_same),
	    cmocka_unit_test(a_name_is_never_cut_and_a_detail_only_on_a_terminal),
	    cmocka_unit_test(html_holds_no_markup_of_strangers),
	    cmocka_unit_test(sections_of_facts_become_long_csv),
	    cmocka_unit_test(what_may_be_cut_does_not_overrun_a_narrow_terminal),
	    cmocka_unit_test(the_tally_keeps_the_frequent_in_bounded_room),
	    cmocka_unit_test(without_memory_a_document_is_not_written),
	    cmocka_unit_test(quantiles_are_within_two_percent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
