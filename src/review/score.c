/* SPDX-License-Identifier: BSD-2-Clause */
#include "review/score.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SCORE_MOST 10000

static const char *
skip_blanks(const char *text)
{
	return text + strspn(text, " \t\r\n");
}

/* The number at the start of text; NaN if there is none. */
static double
number(const char *text)
{
	char *end;

	text = skip_blanks(text);
	double value = strtod(text, &end);
	/* strtod() accepts nan, hex and exponents, which no filter writes */
	if (end == text || strspn(text, "+-.0123456789") != (size_t)(end - text) ||
	    (*end != '\0' && strchr(" \t,;()/]\r\n", *end) == NULL))
		return NAN;
	return fabs(value) <= SCORE_MOST ? value : NAN;
}

static double
plain(const char *value)
{
	return number(value);
}

/* "Yes, score=7.1 required=5.0 tests=...", before 3.0 "hits=" */
static double
status(const char *value)
{
	static const char *const keys[] = {"score=", "hits="};
	const char *at = value + strcspn(value, ",");

	at += *at == ',';
	at = skip_blanks(at);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		size_t length = strlen(keys[i]);
		if (strncasecmp(at, keys[i], length) == 0)
			return number(at + length);
	}
	return NAN;
}

/* rspamd: "default: False [5.30 / 15.00]; ..." */
static double
result(const char *value)
{
	const char *at = strchr(value, '[');

	return at == NULL ? NAN : number(at + 1);
}

/* "*****"; no stars means below 1 */
static double
stars(const char *value)
{
	value = skip_blanks(value);
	size_t count = strspn(value, "*");

	return value[count] == '\0' || strchr(" \t\r\n", value[count]) != NULL
	           ? (double)count
	           : NAN;
}

/* rspamd: "+++++", "-----", "/" near zero */
static double
bar(const char *value)
{
	value = skip_blanks(value);
	if (*value == '/')
		return 0;
	size_t plus = strspn(value, "+"), minus = strspn(value, "-");
	return plus > 0 ? (double)plus : minus > 0 ? -(double)minus : NAN;
}

static const struct form {
	const char *name;
	enum score_kind kind;
	double (*read)(const char *value);
} forms[] = {
    {"X-Spam-Score", SCORE_EXACT, plain},
    {"X-Spam-Status", SCORE_EXACT, status},
    {"X-Spamd-Result", SCORE_EXACT, result},
    {"X-Rspamd-Score", SCORE_EXACT, plain},
    {"X-Spam_score", SCORE_EXACT, plain}, /* Exim's example */
    {"X-Spam-Level", SCORE_LEAST, stars},
    {"X-Spamd-Bar", SCORE_LEAST, bar},
};

struct test {
	char name[48];
	double points;
};

static void
keep_test(
    struct test *most, size_t count, const char *name, size_t length, double points)
{
	size_t at = count;

	while (at > 0 && points > most[at - 1].points)
		at--;
	if (at == count || length >= sizeof most->name)
		return;
	memmove(&most[at + 1], &most[at], (count - at - 1) * sizeof *most);
	snprintf(most[at].name, sizeof most[at].name, "%.*s", (int)length, name);
	most[at].points = points;
}

/* "A=1.2, B=3" and "A(1.2)[...];B(3)": names with points; commas or blanks. */
static void
read_tests(struct score *score, const char *text)
{
	static const char name_octets[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
	struct test most[3] = {{.points = 0}};
	size_t used = 0;

	for (const char *at = text; *at != '\0';) {
		size_t length = strspn(at, name_octets);
		if (length == 18 && memcmp(at, "TARGREY_DISCARD_OK", 18) == 0)
			score->may_discard = true;
		double points = at[length] == '=' || at[length] == '('
		                    ? number(at + length + 1)
		                    : NAN;
		if (length > 0 && isfinite(points) && points >= 0.1)
			keep_test(most, 3, at, length, points);
		at += length;
		if (at[0] == '=' || at[0] == '(')
			at += 1 + strspn(at + 1, "+-.0123456789");
		else if (*at != '\0')
			at++;
	}
	*score->tests = '\0';
	for (size_t i = 0; i < 3 && most[i].points > 0; i++)
		used += (size_t)snprintf(score->tests + used,
		    sizeof score->tests - used, "%s%s %.1f", i > 0 ? ", " : "",
		    most[i].name, most[i].points);
}

bool
score_field(struct score *score, const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		const struct form *form = &forms[i];
		if (strcasecmp(form->name, name) != 0)
			continue;
		double read = form->read(value);
		if (score->is_closed) {
			score->others += !isnan(read) && form->kind == SCORE_EXACT;
			return true;
		}
		const char *tests = strcasestr(value, "tests=");
		const char *semicolon = strchr(value, ';');
		if (form->read == status && tests != NULL)
			read_tests(score, tests + 6);
		else if (form->read == result && semicolon != NULL)
			read_tests(score, semicolon);
		if (isnan(read))
			return true;
		if (form->kind > score->kind) {
			score->kind = form->kind;
			score->value = read;
		} else if (form->kind == SCORE_EXACT &&
		           fabs(read - score->value) > 0.06) {
			score->others++;
		}
		return true;
	}
	return false;
}

void
score_received(struct score *score)
{
	if (score->kind != SCORE_NONE)
		score->is_closed = true;
}

const char *const band_words[BANDS + 1] = {
    "none", "good", "below", "above", "likely", "certain", NULL};
const char *const band_titles[BANDS] = {"no score", "likely good",
    "just below the mark", "just above the mark", "likely spam", "certain spam"};

/* In multiples of the mark. */
static const double edges[] = {0.4, 1, 2, 4};

enum band
band_of(enum score_kind kind, double score, double mark)
{
	int band = BAND_GOOD;

	if (kind == SCORE_NONE)
		return BAND_NONE;
	while (band < BAND_CERTAIN && score >= edges[band - BAND_GOOD] * mark)
		band++;
	return (enum band)band;
}

void
band_range(enum band band, double mark, double *least_r, double *most_r)
{
	*least_r = band <= BAND_GOOD ? -INFINITY : edges[band - BAND_BELOW] * mark;
	*most_r = band == BAND_CERTAIN ? INFINITY
	          : band == BAND_NONE  ? -INFINITY
	                               : edges[band - BAND_GOOD] * mark;
}
