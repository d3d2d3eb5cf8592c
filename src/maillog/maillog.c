/* SPDX-License-Identifier: BSD-2-Clause */
#include "maillog/maillog.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Days since 1970 of a date in the Gregorian calendar. */
static int64_t
days_of(int year, int month, int day)
{
	int y = month <= 2 ? year - 1 : year;
	int era = y / 400, yoe = y - era * 400;
	int doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return (int64_t)era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy -
	       719468;
}

static bool
two_digits(const char *at, int most, int *value_r)
{
	if ((at[0] != ' ' && (at[0] < '0' || at[0] > '9')) || at[1] < '0' ||
	    at[1] > '9')
		return false;
	*value_r = (at[0] == ' ' ? 0 : at[0] - '0') * 10 + at[1] - '0';
	return *value_r <= most;
}

static bool
clock_of(const char *at, int *seconds_r)
{
	int h, m, s;

	if (!two_digits(at, 23, &h) || at[2] != ':' ||
	    !two_digits(at + 3, 59, &m) || at[5] != ':' ||
	    !two_digits(at + 6, 60, &s))
		return false;
	*seconds_r = h * 3600 + m * 60 + s;
	return true;
}

static void
count_year(struct log_clock *clock, int month, int64_t now_s)
{
	if (clock->year == 0) {
		time_t now = (time_t)now_s;
		struct tm tm = {0};
		gmtime_r(&now, &tm);
		clock->year = tm.tm_year + 1900 - (month > tm.tm_mon + 1);
	} else if (month < clock->month - 6) {
		clock->year++;
	} else if (month > clock->month + 6) {
		clock->year--;
	}
	clock->month = month;
}

/* "Jan 26 00:57:38 "; returns what follows, or NULL */
static char *
old_time(struct log_clock *clock, char *line, int64_t now_s, int64_t *time_r)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int day, seconds;

	if (strnlen(line, 16) < 16 || line[3] != ' ' || line[6] != ' ' ||
	    line[15] != ' ' || !two_digits(line + 4, 31, &day) ||
	    !clock_of(line + 7, &seconds))
		return NULL;
	for (int month = 1; month <= 12; month++) {
		if (memcmp(line, months + 3 * (month - 1), 3) != 0)
			continue;
		count_year(clock, month, now_s);
		*time_r = days_of(clock->year, month, day) * 86400 + seconds;
		return line + 16;
	}
	return NULL;
}

/* "2026-01-31T23:59:59.123456+01:00 " */
static char *
new_time(char *line, int64_t *time_r)
{
	int century, year, month, day, seconds, zone_h, zone_m;

	if (strnlen(line, 20) < 20 || !two_digits(line, 99, &century) ||
	    !two_digits(line + 2, 99, &year) || line[4] != '-' ||
	    !two_digits(line + 5, 12, &month) || month < 1 || line[7] != '-' ||
	    !two_digits(line + 8, 31, &day) ||
	    (line[10] != 'T' && line[10] != ' ') || !clock_of(line + 11, &seconds))
		return NULL;
	char *at = line + 19;
	*time_r = days_of(century * 100 + year, month, day) * 86400 + seconds;
	if (*at == '.')
		at += 1 + strspn(at + 1, "0123456789");
	if ((*at == '+' || *at == '-') && two_digits(at + 1, 23, &zone_h) &&
	    at[3] == ':' && two_digits(at + 4, 59, &zone_m)) {
		int offset = zone_h * 3600 + zone_m * 60;
		*time_r -= *at == '+' ? offset : -offset;
		at += 6;
	} else if (*at == 'Z') {
		at++;
	}
	return *at == ' ' ? at + 1 : NULL;
}

/* Ends the text at the first of the given characters; returns what follows. */
static char *
cut(char *at, const char *ends)
{
	at += strcspn(at, ends);
	if (*at == '\0')
		return at;
	*at = '\0';
	return at + 1;
}

/* What stands between open and the next close, or "". */
static char *
between(char *text, const char *open, char close)
{
	static char nothing[1];
	char *at = strstr(text, open);

	if (at == NULL)
		return nothing;
	at += strlen(open);
	char *end = strchr(at, close);
	if (end == NULL)
		return nothing;
	*end = '\0';
	return at;
}

/* "name[address]..." */
static bool
take_client(struct log_line *line, char *at)
{
	char *open = strchr(at, '[');
	char *close = open == NULL ? NULL : strchr(open, ']');

	if (close == NULL || open == at)
		return false;
	*open = *close = '\0';
	line->name = at;
	return ip_from_text(open + 1, &line->ip);
}

static void
parse_refusal(struct log_line *line, enum log_kind kind, char *at)
{
	char *from = strstr(at, " from ");
	char *tail = from == NULL ? NULL : strstr(from, "]: ");

	if (tail == NULL)
		return;
	tail += 3;
	line->code = (unsigned)strtoul(tail, NULL, 10);
	/* from the right: a reply text may hold anything */
	char *helo = strstr(tail, " helo=<");
	char *facts = strstr(tail, "; from=<");
	if (helo != NULL)
		line->helo = between(helo, "helo=<", '>');
	if (facts != NULL) {
		char *to = strstr(facts, " to=<");
		if (to != NULL)
			line->recipient = between(to, "to=<", '>');
		line->sender = between(facts, "from=<", '>');
	}
	if (take_client(line, from + 6))
		line->kind = kind;
}

static void
parse_smtpd(struct log_line *line, char *at)
{
	static const char *const heard[] = {"connect from ", "disconnect from "};

	for (size_t i = 0; i < sizeof(heard) / sizeof(*heard); i++) {
		size_t length = strlen(heard[i]);
		if (strncmp(at, heard[i], length) == 0) {
			if (take_client(line, at + length))
				line->kind = LOG_CONNECT;
			return;
		}
	}
	if (strncmp(at, "lost connection after ", 22) == 0 ||
	    strncmp(at, "timeout after ", 14) == 0) {
		char *from = strstr(at, " from ");
		if (from != NULL && take_client(line, from + 6))
			line->kind = LOG_CONNECT;
		return;
	}
	char *id = at, *rest = strstr(at, ": ");
	if (rest == NULL || (size_t)(rest - at) > 20)
		return;
	*rest = '\0';
	rest += 2;
	if (strncmp(rest, "client=", 7) == 0) {
		line->queue_id = id;
		if (take_client(line, rest + 7))
			line->kind = LOG_ACCEPT;
	} else if (strncmp(rest, "reject: ", 8) == 0 ||
	           strncmp(rest, "milter-reject: ", 15) == 0) {
		parse_refusal(line, LOG_REFUSE, rest);
	} else if (strncmp(rest, "reject_warning: ", 16) == 0) {
		parse_refusal(line, LOG_WARNING, rest);
	}
}

static const char *
verdict_of(bool is_spam)
{
	return is_spam ? "spam" : "ham";
}

/* "QID: message-id=<...>", or a header that header_checks wrote down. */
static void
parse_cleanup(struct log_line *line, char *at)
{
	char *rest = strstr(at, ": ");

	if (rest == NULL)
		return;
	*rest = '\0';
	rest += 2;
	line->queue_id = at;
	char *status = strstr(rest, "header X-Spam-Status: ");
	if (strncmp(rest, "message-id=", 11) == 0) {
		line->message_id = rest + 11;
		cut(rest + 11, " ");
		line->kind = LOG_MESSAGE;
	} else if (status != NULL) {
		char *score = strstr(status, "score=");
		line->score = score == NULL ? (double)NAN : strtod(score + 6, NULL);
		line->verdict = verdict_of(strncmp(status + 22, "Yes", 3) == 0);
		line->kind = LOG_VERDICT;
	}
}

/* "(id) Passed CLEAN {...}, ..., Queue-ID: Q, Message-ID: <M>, Hits: 1.2, ..." */
static void
parse_amavis(struct log_line *line, char *at)
{
	char *what = strstr(at, ") Passed ");

	if (what == NULL)
		what = strstr(at, ") Blocked ");
	if (what == NULL)
		return;
	char *class = strchr(what + 2, ' ') + 1;
	char *hits = strstr(class, ", Hits: ");
	line->score = (double)NAN;
	if (hits != NULL) {
		char *end;
		double score = strtod(hits + 8, &end);
		if (end > hits + 8)
			line->score = score;
	}
	char *queue_id = strstr(class, "Queue-ID: ");
	char *message_id = strstr(class, "Message-ID: ");
	if (queue_id != NULL) {
		line->queue_id = queue_id + 10;
		cut(queue_id + 10, ", ");
	}
	if (message_id != NULL) {
		line->message_id = message_id + 12;
		cut(message_id + 12, ", ");
	}
	bool is_spam =
	    strncmp(class, "SPAM", 4) == 0 || strncmp(class, "INFECTED", 8) == 0;
	if (is_spam || strncmp(class, "CLEAN", 5) == 0 ||
	    strncmp(class, "BAD-HEADER", 10) == 0)
		line->verdict = verdict_of(is_spam);
	if (queue_id != NULL || message_id != NULL)
		line->kind = LOG_VERDICT;
}

/* "spamd: result: Y 15 - RULES scantime=...,mid=<M>,..." */
static void
parse_spamd(struct log_line *line, char *at)
{
	char *result = strstr(at, "result: ");
	char *mid = result == NULL ? NULL : strstr(result, ",mid=<");

	if (mid == NULL || result[8] == '\0' || result[9] != ' ')
		return;
	line->verdict = verdict_of(result[8] == 'Y');
	line->score = strtod(result + 9, NULL);
	line->message_id = mid + 5;
	cut(mid + 5, ",");
	line->kind = LOG_VERDICT;
}

/* "id: <M>, qid: <Q>, ... (default: T (reject): [21.3/15.0] [...]" */
static void
parse_rspamd(struct log_line *line, char *at)
{
	char *qid = strstr(at, "qid: <");
	char *score = strstr(at, "(default: ");

	score = score == NULL ? NULL : strstr(score, "): [");
	if (qid == NULL || score == NULL)
		return;
	char *need = strchr(score, '/');
	line->score = strtod(score + 4, NULL);
	if (need != NULL)
		line->verdict = verdict_of(strstr(at, "(no action)") == NULL &&
		                           strstr(at, "(greylist)") == NULL);
	line->queue_id = qid + 6;
	char *id = strstr(at, "id: <");
	if (id != NULL && id < qid) {
		line->message_id = id + 4;
		cut(id + 4, ",");
	}
	cut(qid + 6, ">");
	line->kind = LOG_VERDICT;
}

static void
parse_program(struct log_line *line, char *text)
{
	const char *program = line->program;
	const char *slash = strrchr(program, '/');
	const char *last = slash == NULL ? program : slash + 1;

	if (strcmp(last, "smtpd") == 0)
		parse_smtpd(line, text);
	else if (strcmp(last, "cleanup") == 0)
		parse_cleanup(line, text);
	else if (strncmp(last, "amavis", 6) == 0)
		parse_amavis(line, text);
	else if (strcmp(last, "spamd") == 0)
		parse_spamd(line, text);
	else if (strncmp(last, "rspamd", 6) == 0)
		parse_rspamd(line, text);
}

struct log_line
maillog_parse(struct log_clock *clock, char *text, int64_t now_s)
{
	struct log_line line = {.kind = LOG_BROKEN,
	    .program = "",
	    .queue_id = "",
	    .message_id = "",
	    .name = "",
	    .sender = "",
	    .recipient = "",
	    .helo = "",
	    .score = (double)NAN};
	char *at = old_time(clock, text, now_s, &line.time);

	if (at == NULL)
		at = new_time(text, &line.time);
	if (at == NULL)
		return line;
	line.kind = LOG_OTHER;
	at = strchr(at, ' '); /* behind the host */
	if (at == NULL)
		return line;
	line.program = ++at;
	char *end = at + strcspn(at, "[: ");
	char *rest = strstr(end, ": ");
	if (rest == NULL || *end == ' ')
		return line;
	*end = '\0';
	rest += 2;
	if (strncmp(rest, "[ID ", 4) == 0 && strstr(rest, "] ") != NULL)
		rest = strstr(rest, "] ") + 2;
	parse_program(&line, rest);
	return line;
}
