/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "report/doc.h"

struct cell
cell_none(void)
{
	return (struct cell){.kind = CELL_NONE};
}

struct cell
cell_text(const char *text)
{
	return text == NULL ? cell_none()
	                    : (struct cell){.kind = CELL_TEXT, .text = text};
}

struct cell
cell_count(uint64_t number)
{
	return (struct cell){.kind = CELL_COUNT, .number = (double)number};
}

struct cell
cell_real(double number)
{
	return isnan(number) ? cell_none()
	                     : (struct cell){.kind = CELL_REAL, .number = number};
}

struct cell
cell_share(double part, double whole)
{
	if (!(whole > 0))
		return cell_none();
	return (struct cell){.kind = CELL_SHARE, .number = part / whole};
}

struct cell
cell_seconds(double seconds)
{
	return (struct cell){.kind = CELL_SECONDS, .number = seconds};
}

struct cell
cell_time(int64_t time)
{
	return (struct cell){.kind = CELL_TIME, .number = (double)time};
}

static const char *
span(double seconds, char buf[static CELL_TEXT_SIZE])
{
	long long s = llround(seconds);

	if (seconds < 0)
		snprintf(buf, CELL_TEXT_SIZE, "-");
	else if (seconds < 10 && seconds != (double)s)
		snprintf(buf, CELL_TEXT_SIZE, "%.1fs", seconds);
	else if (s < 120)
		snprintf(buf, CELL_TEXT_SIZE, "%llds", s);
	else if (s < 3600)
		snprintf(buf, CELL_TEXT_SIZE, "%lldm %02llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(
		    buf, CELL_TEXT_SIZE, "%lldh %02lldm", s / 3600, s % 3600 / 60);
	else
		snprintf(buf, CELL_TEXT_SIZE, "%lldd %lldh", s / 86400,
		    s % 86400 / 3600);
	return buf;
}

static const char *
moment(double seconds, bool local, char buf[static CELL_TEXT_SIZE])
{
	time_t time = (time_t)seconds;
	struct tm tm;

	if (time == 0)
		return local ? "never" : "";
	if ((local ? localtime_r(&time, &tm) : gmtime_r(&time, &tm)) == NULL)
		return "?";
	size_t length =
	    local ? strftime(buf, CELL_TEXT_SIZE, "%Y-%m-%d %H:%M:%S", &tm)
	          : strftime(buf, CELL_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return length == 0 ? "?" : buf;
}

const char *
cell_for_people(const struct doc_cell *cell, char buf[static CELL_TEXT_SIZE])
{
	switch (cell->kind) {
	case CELL_NONE:
		return "-";
	case CELL_TEXT:
		return cell->text;
	case CELL_COUNT:
		snprintf(buf, CELL_TEXT_SIZE, "%" PRIu64, (uint64_t)cell->number);
		return buf;
	case CELL_REAL:
		snprintf(buf, CELL_TEXT_SIZE, "%.2f", cell->number);
		return buf;
	case CELL_SHARE:
		snprintf(buf, CELL_TEXT_SIZE, "%.1f %%", cell->number * 100);
		return buf;
	case CELL_SECONDS:
		return span(cell->number, buf);
	case CELL_TIME:
		return moment(cell->number, true, buf);
	}
	return "?";
}

const char *
cell_for_programs(const struct doc_cell *cell, char buf[static CELL_TEXT_SIZE])
{
	switch (cell->kind) {
	case CELL_NONE:
		return "";
	case CELL_TEXT:
		return cell->text;
	case CELL_COUNT:
		return cell_for_people(cell, buf);
	case CELL_REAL:
		return cell_for_people(cell, buf);
	case CELL_SHARE:
		snprintf(buf, CELL_TEXT_SIZE, "%.4f", cell->number);
		return buf;
	case CELL_SECONDS:
		snprintf(buf, CELL_TEXT_SIZE, "%.10g",
		    round(cell->number * 1000) / 1000);
		return buf;
	case CELL_TIME:
		return moment(cell->number, false, buf);
	}
	return "?";
}

const char *
cell_for_page(const struct doc_cell *cell, char buf[static CELL_TEXT_SIZE])
{
	char digits[32];
	size_t used = 0;

	if (cell->kind != CELL_COUNT)
		return cell_for_people(cell, buf);
	int length =
	    snprintf(digits, sizeof digits, "%" PRIu64, (uint64_t)cell->number);
	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			buf[used++] = ',';
		buf[used++] = digits[i];
	}
	buf[used] = '\0';
	return buf;
}
