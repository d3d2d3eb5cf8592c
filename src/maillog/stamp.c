/* SPDX-License-Identifier: BSD-2-Clause */
#include "maillog/stamp.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOUR_S 3600

/* One or two digits; returns what follows, or NULL. */
static const char *
number(const char *at, int least, int most, int *value_r)
{
	if (*at < '0' || *at > '9')
		return NULL;
	*value_r = *at++ - '0';
	if (*at >= '0' && *at <= '9')
		*value_r = *value_r * 10 + *at++ - '0';
	return *value_r >= least && *value_r <= most ? at : NULL;
}

/* Exactly two digits. */
static const char *
two(const char *at, int least, int most, int *value_r)
{
	const char *end = number(at, least, most, value_r);

	return end == at + 2 ? end : NULL;
}

/* "23:59:59" and a fraction; second 60 is a leap second. */
static const char *
time_of_day(const char *at, struct tm *tm)
{
	if ((at = two(at, 0, 23, &tm->tm_hour)) == NULL || *at != ':' ||
	    (at = two(at + 1, 0, 59, &tm->tm_min)) == NULL || *at != ':' ||
	    (at = two(at + 1, 0, 60, &tm->tm_sec)) == NULL)
		return NULL;
	if ((*at == '.' || *at == ',') && at[1] >= '0' && at[1] <= '9')
		at += 1 + strspn(at + 1, "0123456789");
	return at;
}

/* "Z", "+01", "+0100", "+01:00"; has_zone_r false when there is none */
static const char *
zone(const char *at, bool *has_zone_r, int64_t *offset_r)
{
	int hours, minutes = 0;

	*has_zone_r = true;
	*offset_r = 0;
	if (*at == 'Z')
		return at + 1;
	*has_zone_r = *at == '+' || *at == '-';
	if (!*has_zone_r)
		return at;
	int sign = *at == '+' ? 1 : -1;
	if ((at = two(at + 1, 0, 23, &hours)) == NULL)
		return NULL;
	const char *rest = two(at + (*at == ':'), 0, 59, &minutes);
	*offset_r = sign * (hours * HOUR_S + minutes * 60);
	return rest != NULL ? rest : at;
}

static bool
is_same_hour(int64_t time, const struct tm *tm)
{
	time_t at = (time_t)time;
	struct tm other;

	return localtime_r(&at, &other) != NULL && other.tm_hour == tm->tm_hour &&
	       other.tm_mday == tm->tm_mday;
}

static int64_t
distance(int64_t a, int64_t b)
{
	return a < b ? b - a : a - b;
}

/*
 * The start of a local hour. mktime() is slow, and clock changes fall on full
 * hours.
 */
static int64_t
start_of_hour(struct log_clock *clock, const struct tm *tm)
{
	int64_t hour =
	    (((int64_t)tm->tm_year * 12 + tm->tm_mon) * 31 + tm->tm_mday) * 24 +
	    tm->tm_hour + 1;

	for (unsigned i = 0; i < 2; i++) {
		if (clock->hours[i].hour == hour)
			return clock->hours[i].start;
	}
	struct tm local = *tm;
	local.tm_min = local.tm_sec = 0;
	local.tm_isdst = -1;
	int64_t start = mktime(&local);
	int64_t best = start;
	bool is_twice = false;
	for (int64_t other = start - HOUR_S; other <= start + HOUR_S;
	     other += 2 * HOUR_S) {
		if (!is_same_hour(other, tm))
			continue;
		is_twice = true;
		if (clock->last != 0 &&
		    distance(other, clock->last) < distance(best, clock->last))
			best = other;
	}
	if (is_twice)
		return best;
	clock->hours[1] = clock->hours[0];
	clock->hours[0].hour = hour;
	clock->hours[0].start = start;
	return start;
}

static int64_t
from_local(struct log_clock *clock, const struct tm *tm)
{
	return start_of_hour(clock, tm) + tm->tm_min * 60 + tm->tm_sec;
}

static int64_t
from_utc(struct tm tm)
{
	return timegm(&tm);
}

static void
count_year(struct log_clock *clock, const struct tm *tm, int64_t now_s)
{
	int month = tm->tm_mon + 1;

	if (clock->year == 0) {
		/* up to a day ahead: another time zone, not last year */
		time_t tomorrow = (time_t)now_s + 86400;
		struct tm now = {0};
		localtime_r(&tomorrow, &now);
		bool is_ahead =
		    tm->tm_mon > now.tm_mon ||
		    (tm->tm_mon == now.tm_mon && tm->tm_mday > now.tm_mday);
		clock->year = now.tm_year + 1900 - is_ahead;
	} else if (month < clock->month - 6) {
		clock->year++;
	} else if (month > clock->month + 6) {
		clock->year--;
	}
	clock->month = month;
}

/* "Jan 26 00:57:38", "Jan 6 ...", "Jan  6 ..." */
static const char *
old_form(struct log_clock *clock, const char *at, int64_t now_s, int64_t *time_r)
{
	struct tm tm = {0};
	int month = stamp_month(at, &at);

	if (month == 0 || *at != ' ')
		return NULL;
	tm.tm_mon = month - 1;
	at += 1 + (at[1] == ' ');
	if ((at = number(at, 1, 31, &tm.tm_mday)) == NULL || *at != ' ' ||
	    (at = time_of_day(at + 1, &tm)) == NULL)
		return NULL;
	count_year(clock, &tm, now_s);
	tm.tm_year = clock->year - 1900;
	*time_r = from_local(clock, &tm);
	return at;
}

/* "2026-01-31" and the time of day. */
static const char *
iso_form(const char *at, struct tm *tm)
{
	int century, year;

	*tm = (struct tm){0};
	if ((at = two(at, 19, 99, &century)) == NULL ||
	    (at = two(at, 0, 99, &year)) == NULL || *at != '-' ||
	    (at = two(at + 1, 1, 12, &tm->tm_mon)) == NULL || *at != '-' ||
	    (at = two(at + 1, 1, 31, &tm->tm_mday)) == NULL)
		return NULL;
	tm->tm_mon--;
	tm->tm_year = century * 100 + year - 1900;
	return *at == 'T' || *at == ' ' ? time_of_day(at + 1, tm) : NULL;
}

static const char *
new_form(struct log_clock *clock, const char *at, int64_t *time_r)
{
	struct tm tm;
	int64_t offset;
	bool has_zone;

	if ((at = iso_form(at, &tm)) == NULL ||
	    (at = zone(at, &has_zone, &offset)) == NULL)
		return NULL;
	*time_r = has_zone ? from_utc(tm) - offset : from_local(clock, &tm);
	return at;
}

/* "Fri 2025-03-07 11:00:00 CET": the zone's name must be UTC or this host's */
static const char *
full_form(struct log_clock *clock, const char *at, int64_t *time_r)
{
	struct tm tm;
	char name[8] = "";

	at = strchr(at, ' ');
	if (at == NULL || (at = iso_form(at + 1, &tm)) == NULL || *at != ' ')
		return NULL;
	size_t length = strcspn(++at, " ");
	if (length >= sizeof name)
		return NULL;
	memcpy(name, at, length);
	tzset();
	if (strcmp(name, "UTC") == 0)
		*time_r = from_utc(tm);
	else if (strcmp(name, tzname[0]) == 0 || strcmp(name, tzname[1]) == 0)
		*time_r = from_local(clock, &tm);
	else
		return NULL;
	return at + length;
}

/* "Fri Feb  1 05:22:38 2019" */
static const char *
spamd_form(struct log_clock *clock, const char *at, int64_t *time_r)
{
	struct tm tm = {0};
	int century, year;

	at = strchr(at, ' ');
	int month = at == NULL ? 0 : stamp_month(at + 1, &at);
	if (month == 0 || *at != ' ')
		return NULL;
	tm.tm_mon = month - 1;
	at += 1 + (at[1] == ' ');
	if ((at = number(at, 1, 31, &tm.tm_mday)) == NULL || *at != ' ' ||
	    (at = time_of_day(at + 1, &tm)) == NULL || *at != ' ' ||
	    (at = two(at + 1, 19, 99, &century)) == NULL ||
	    (at = two(at, 0, 99, &year)) == NULL)
		return NULL;
	tm.tm_year = century * 100 + year - 1900;
	*time_r = from_local(clock, &tm);
	return at;
}

/* "1741341600.123456" */
static const char *
unix_form(const char *at, int64_t *time_r)
{
	size_t digits = strspn(at, "0123456789");

	if (digits < 9 || digits > 11 || at[digits] != '.')
		return NULL;
	*time_r = strtoll(at, NULL, 10);
	size_t fraction = strspn(at + digits + 1, "0123456789");
	return fraction == 0 ? NULL : at + digits + 1 + fraction;
}

/* No stamp without a time of day near the start; most texts end here. */
static bool
has_time(const char *text)
{
	for (unsigned i = 0; i < 40 && text[i] != '\0'; i++) {
		if (text[i] == ':' && text[i + 1] >= '0' && text[i + 1] <= '9' &&
		    text[i + 2] >= '0' && text[i + 2] <= '9' && text[i + 3] == ':')
			return true;
	}
	return false;
}

char *
stamp_read(struct log_clock *clock, char *text, int64_t now_s, int64_t *time_r)
{
	bool is_digit = *text >= '0' && *text <= '9';
	const char *end = NULL;

	if (is_digit)
		end = unix_form(text, time_r);
	if (end == NULL && !has_time(text))
		return NULL;
	if (end == NULL && is_digit)
		end = new_form(clock, text, time_r);
	if (end == NULL)
		end = old_form(clock, text, now_s, time_r);
	if (end == NULL && !is_digit)
		end = full_form(clock, text, time_r);
	if (end == NULL && !is_digit)
		end = spamd_form(clock, text, time_r);
	if (end == NULL || *end != ' ')
		return NULL;
	clock->last = *time_r;
	return text + (end + 1 - text);
}

bool
stamp_whole(const char *text, bool is_utc, int64_t *time_r)
{
	struct log_clock clock = {0};
	struct tm tm;
	int64_t offset;
	bool has_zone;
	const char *at = iso_form(text, &tm);

	if (at == NULL || (at = zone(at, &has_zone, &offset)) == NULL ||
	    *at != '\0')
		return false;
	*time_r =
	    has_zone || is_utc ? from_utc(tm) - offset : from_local(&clock, &tm);
	return true;
}
