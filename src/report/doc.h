/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What targreyctl has to say, whatever the format: sections of sentences, facts, a
 * table, a chart of that table. Four writers (text, JSON, CSV, HTML) share one
 * content, so that no two formats can differ in what they say.
 *
 * A doc belongs to one thread. Out of memory is remembered and makes the
 * writers fail, so that callers check once.
 */
#ifndef REPORT_DOC_H
#define REPORT_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum cell_kind {
	CELL_NONE, /* nothing to say */
	CELL_TEXT,
	CELL_COUNT,   /* whole number */
	CELL_REAL,    /* two decimals */
	CELL_SHARE,   /* 0..1, shown as percent */
	CELL_SECONDS, /* a span: "2h 05m" to people, seconds to programs */
	CELL_TIME     /* seconds since 1970; 0 = never */
};

struct cell {
	enum cell_kind kind;
	const char *text; /* CELL_TEXT; borrowed for the call */
	double number;
};
struct cell cell_none(void);
struct cell cell_text(const char *text); /* NULL: cell_none() */
struct cell cell_count(uint64_t number);
struct cell cell_real(double number);              /* NaN: cell_none() */
struct cell cell_share(double part, double whole); /* none when whole is 0 */
struct cell cell_seconds(double seconds);
struct cell cell_time(int64_t time);

/* key: in JSON and CSV; title: for people. String literals. */
struct column {
	const char *key, *title;
	/*
	 * A text may be cut to that many columns, or fewer, on a terminal without
	 * --wide; 0 = never cut, as addresses and names.
	 */
	unsigned width;
	bool is_minor; /* left out on a terminal without --wide */
};
#define COLUMNS_MAX 24

enum chart_kind {
	CHART_BARS,    /* one horizontal bar a row: label and one number */
	CHART_STACKED, /* one upright bar a row; several numbers stacked */
	CHART_STEPS,   /* a falling line over a number: x, share, number at risk */
	CHART_FLOW,    /* a row is a stream: label is from, values[0] is to */
	CHART_HEAT     /* a row is a cell: 24 hours of each of 7 days */
};
#define CHART_MARKS 2

struct chart {
	enum chart_kind kind;
	const char *title;
	char alternative[640]; /* what a person who cannot see it must know */
	unsigned label;        /* column of the label or of x */
	unsigned values[3];    /* columns of the numbers */
	size_t values_count;
	struct {
		double at; /* CHART_STEPS: an upright line there; 0 = none */
		const char *text;
	} marks[CHART_MARKS];
	size_t rows;     /* only the first so many; 0 = all */
	bool skips_zero; /* CHART_BARS: rows of 0 are left to the table */
};

struct doc;

/* The title is copied. NULL when out of memory. */
struct doc *doc_new(const char *title);
/* Accepts NULL; nulls. */
void doc_free(struct doc **doc);

/*
 * Everything after this goes into it, until the next. key and title are copied;
 * the keys and titles of facts are not, and must outlive the doc.
 */
void doc_section(struct doc *doc, const char *key, const char *title);
/*
 * The facts of this section are what a reader in a hurry wants; on a page, in
 * large type.
 */
void doc_headline(struct doc *doc);
/* The facts of this section say what the doc is about; on a page, in one line. */
void doc_subtitle(struct doc *doc);
/* On a page this section comes before the others. */
void doc_front(struct doc *doc);
/* Text leaves out this section's table; its sentences must be enough. */
void doc_long(struct doc *doc);
void doc_say(struct doc *doc, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void doc_fact(
    struct doc *doc, const char *key, const char *title, struct cell cell);
/* The same, but left out for people when it is 0, none or never. */
void doc_detail(
    struct doc *doc, const char *key, const char *title, struct cell cell);
/*
 * One table a section; rows follow. columns must outlive the doc; at most
 * COLUMNS_MAX.
 */
void doc_table(struct doc *doc, const struct column *columns, size_t count);
/* One cell for each column; texts are copied. */
void doc_row(struct doc *doc, const struct cell *cells);
/* Copied, but for its title and the texts of its marks. */
void doc_chart(struct doc *doc, const struct chart *chart);
size_t doc_rows(const struct doc *doc); /* of the section's table, so far */

enum doc_format { DOC_TEXT, DOC_JSON, DOC_CSV, DOC_HTML, DOC_FORMATS };
extern const char *const doc_format_words[DOC_FORMATS + 1]; /* NULL at the end */

/*
 * width  columns of the terminal for DOC_TEXT; 0 = no limit (--wide, a pipe)
 * Flushes the file. Returns false if memory ran out while the doc was filled, or
 * if writing to the file failed.
 */
bool doc_write(struct doc *doc, enum doc_format format, unsigned width, FILE *file);

/*
 * Rows of the table that was begun last go to file a thousand at a time, instead of
 * being kept; doc_write() with the same format and file ends it. For a doc of one
 * section with one table and nothing else, however long. The first thousand rows
 * set the widths of the columns for text. DOC_HTML: nothing changes.
 */
void doc_stream(
    struct doc *doc, enum doc_format format, unsigned width, FILE *file);

/*
 * The same as a message for sendmail -t, in text and HTML. to: addresses as in a To
 * field; subject: ASCII. Neither may contain a line break. Returns as doc_write().
 */
bool doc_write_mail(
    struct doc *doc, const char *to, const char *subject, FILE *file);

/* The four writers, each in its own file. */
void doc_write_text(const struct doc *doc, unsigned width, FILE *file);
void doc_write_json(const struct doc *doc, FILE *file);
void doc_write_csv(const struct doc *doc, FILE *file);
void doc_write_html(const struct doc *doc, FILE *file);

/* --- for the writers --- */

struct doc_cell {
	enum cell_kind kind;
	char *text;
	double number;
};
struct doc_fact_row {
	const char *key, *title;
	struct doc_cell cell;
	bool is_detail;
};
struct section {
	char *key, *title;
	char **says;
	size_t says_count;
	struct doc_fact_row *facts;
	size_t facts_count;
	const struct column *columns;
	size_t columns_count;
	struct doc_cell *cells; /* row after row */
	size_t rows_count;
	struct chart chart;
	bool has_table, has_chart, is_headline, is_subtitle, is_front, is_long;
};
struct doc {
	char *title;
	struct section *sections;
	size_t sections_count;
	size_t facts_room, says_room, cells_room; /* of the last section */
	bool failed;
	struct stream {
		FILE *file; /* NULL: rows are kept */
		enum doc_format format;
		unsigned width;
		size_t written; /* rows */
		size_t wide[COLUMNS_MAX];
	} stream;
};
const struct doc_cell *section_cell(
    const struct section *section, size_t row, size_t column);

/* Parts of tables. */
void text_head(const struct section *section, unsigned width,
    size_t wide[static COLUMNS_MAX], FILE *file);
void text_row(const struct section *section, size_t row, unsigned width,
    const size_t *wide, FILE *file);
void json_row(const struct section *section, size_t row, bool is_first, FILE *file);
void csv_head(const struct section *section, FILE *file);
void csv_row(const struct section *section, size_t row, FILE *file);

/* stream.c: writes and drops the rows kept so far; ends the table. */
#define STREAM_ROWS 1000
void stream_rows(struct doc *doc);
void stream_end(struct doc *doc);

/*
 * What people are not shown: in a report (a doc of more than three sections) rows
 * whose numbers are all 0, and sections that say nothing; in any doc, details that
 * are 0, none or never.
 */
bool doc_is_report(const struct doc *doc);
bool section_is_zero(const struct section *section, size_t row);
bool section_shows_fact(const struct section *section, size_t fact);
bool section_is_empty(const struct section *section);

/* A column of numbers, which are right-aligned. */
bool section_is_right(const struct section *section, size_t column);

/*
 * A cell's value as text: for people (with units, percent, local time) or for
 * programs (plain numbers, ISO 8601 UTC). Texts are returned as they are.
 */
#define CELL_TEXT_SIZE 48
const char *cell_for_people(
    const struct doc_cell *cell, char buf[static CELL_TEXT_SIZE]);
/* As for people, with separators between thousands. */
const char *cell_for_page(
    const struct doc_cell *cell, char buf[static CELL_TEXT_SIZE]);
const char *cell_for_programs(
    const struct doc_cell *cell, char buf[static CELL_TEXT_SIZE]);

#endif
