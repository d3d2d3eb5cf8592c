/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/away.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

/*
 * "alive WALL MONO BOOT", or "ended": of fixed length, to be overwritten in place.
 */
#define FIRST_LINE      "%s %016" PRId64 " %016" PRId64 " %-36.36s\n"
#define FIRST_LINE_READ "%5s %16" SCNd64 " %16" SCNd64 " %36s\n"
#define FILE_MODE       0640
#define DAY             86400
/* Clocks that differ by less have run at the same rate. */
#define SLACK_S 2
/* The unit hides /proc/sys from the daemon; systemd tells the boot ID instead. */
#define BOOT_ID_FILE     "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_VARIABLE "TARGREY_BOOT_ID"

const char *const away_end_words[AWAY_ENDS] = {
    [AWAY_STOPPED] = "stopped",
    [AWAY_DIED] = "ended without a stop",
};

/* One moment by both clocks, in seconds, and the boot ID of the host then. */
struct moment {
	enum away_end end; /* how the run ended if this was the last record */
	int64_t wall, mono;
	char boot_id[AWAY_BOOT_ID_SIZE];
};

static void
find_boot_id(char boot_id[static AWAY_BOOT_ID_SIZE])
{
	const char *given = getenv(BOOT_ID_VARIABLE);
	FILE *file = fopen(BOOT_ID_FILE, "re");
	char found[AWAY_BOOT_ID_SIZE] = "", plain[AWAY_BOOT_ID_SIZE];
	size_t length = 0;

	if (file != NULL) {
		if (fscanf(file, "%36s", found) != 1)
			found[0] = '\0';
		fclose(file);
	} else if (given != NULL) {
		(void)text_copy(found, sizeof found, given);
	}
	/* The boot ID from the unit has no hyphens. */
	for (const char *at = found; *at != '\0'; at++) {
		if (strchr("0123456789abcdef", *at) != NULL)
			plain[length++] = *at;
	}
	plain[length] = '\0';
	(void)text_copy(boot_id, AWAY_BOOT_ID_SIZE, length == 32 ? plain : "-");
}

static bool
write_first(const struct away *away, const char *word)
{
	char line[128];
	int length =
	    snprintf(line, sizeof line, FIRST_LINE, word, clock_wall(away->clock),
	        clock_mono_ms(away->clock) / 1000, away->boot_id);

	return pwrite(away->fd, line, (size_t)length, 0) == length;
}

/* ------------------------------------------------------------------- reading */

static bool
read_file(struct away *away, struct moment *last_r, FILE *file)
{
	char word[8], line[128];
	struct away_day day;

	if (fscanf(file, FIRST_LINE_READ, word, &last_r->wall, &last_r->mono,
	        last_r->boot_id) != 4)
		return false;
	last_r->end = strcmp(word, "ended") == 0 ? AWAY_STOPPED : AWAY_DIED;
	if (last_r->end == AWAY_DIED && strcmp(word, "alive") != 0)
		return false;
	while (fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, "total %" SCNu64 " %" SCNu64, &away->times,
		        &away->seconds) == 2)
			continue;
		if (sscanf(line, "day %" SCNd64 " %" SCNu64 " %" SCNu64, &day.day,
		        &day.times, &day.seconds) == 3 &&
		    away->days_count < AWAY_DAYS)
			away->days[away->days_count++] = day;
	}
	return true;
}

/* false: no earlier run is known */
static bool
read_last(struct away *away, struct moment *last_r)
{
	int fd = open(away->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (file == NULL) {
		if (errno != ENOENT)
			log_warn("%s", away->path);
		if (fd >= 0)
			close(fd);
		return false;
	}
	bool ok = read_file(away, last_r, file);
	fclose(file);
	if (!ok) {
		log_warnx("%s: is not in the expected form and is started afresh: "
		          "how long the daemon was away is not known",
		    away->path);
		away->days_count = 0;
		away->times = away->seconds = 0;
	}
	return ok;
}

/* --------------------------------------------------------------- reckoning */

/*
 * Without a reboot the monotonic clock tells how long it was; else the wall clock,
 * if it was not set back.
 */
static void
reckon(struct away *away, const struct moment *last, int64_t wall, int64_t mono)
{
	int64_t by_mono = mono - last->mono, by_wall = wall - last->wall;
	bool both_known =
	    strcmp(away->boot_id, "-") != 0 && strcmp(last->boot_id, "-") != 0;
	bool same = both_known ? strcmp(away->boot_id, last->boot_id) == 0
	                       : llabs(by_wall - by_mono) <= SLACK_S;

	same = same && by_mono >= 0;
	away->has_last = true;
	away->last_end = last->end;
	away->host_restarted = !same;
	away->last_until = wall;
	away->last_s = same ? by_mono : by_wall >= 0 ? by_wall : -1;
}

/* Adds it to the day on which it ended; replaces the oldest day if full. */
static void
count(struct away *away)
{
	uint64_t seconds = away->last_s > 0 ? (uint64_t)away->last_s : 0;
	int64_t today = away->last_until / DAY;
	struct away_day *day = NULL, *oldest = &away->days[0];

	for (unsigned i = 0; i < away->days_count; i++) {
		if (away->days[i].day == today)
			day = &away->days[i];
		if (away->days[i].day < oldest->day)
			oldest = &away->days[i];
	}
	if (day == NULL) {
		day = away->days_count < AWAY_DAYS ? &away->days[away->days_count++]
		                                   : oldest;
		*day = (struct away_day){.day = today};
	}
	day->times++;
	day->seconds += seconds;
	away->times++;
	away->seconds += seconds;
}

static void
say(const struct away *away)
{
	static const char consequence[] =
	    "mail that came meanwhile was handled by default_action in Postfix: "
	    "with \"accept\", unchecked and without headers";
	const char *host =
	    away->host_restarted ? ", and the host was restarted" : "";
	const char *end = away_end_words[away->last_end];

	if (away->last_s < 0)
		log_warnx("was away, for an unknown time because the clock was set "
		          "back (%s%s): %s",
		    end, host, consequence);
	else if (away->last_end == AWAY_DIED)
		log_warnx("was away for %" PRId64 " s (%s%s): %s", away->last_s,
		    end, host, consequence);
	else
		log_info("was away for %" PRId64 " s (%s%s): %s", away->last_s, end,
		    host, consequence);
}

/* ------------------------------------------------------------------- writing */

static bool
write_days(const struct away *away)
{
	char text[AWAY_DAYS * 64 + 128];
	size_t used = 0;

	used += (size_t)snprintf(text, sizeof text,
	    "total %" PRIu64 " %" PRIu64 "\n", away->times, away->seconds);
	for (unsigned i = 0; i < away->days_count; i++)
		used += (size_t)snprintf(text + used, sizeof text - used,
		    "day %" PRId64 " %" PRIu64 " %" PRIu64 "\n", away->days[i].day,
		    away->days[i].times, away->days[i].seconds);
	return lseek(away->fd, 0, SEEK_END) > 0 &&
	       write(away->fd, text, used) == (ssize_t)used;
}

/* Writes a new file and renames it, so that there is never half a file. */
static bool
write_file(struct away *away)
{
	char next[sizeof away->path + 8];

	snprintf(next, sizeof next, "%s.new", away->path);
	(void)unlink(next);
	away->fd = open(
	    next, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (away->fd >= 0 && write_first(away, "alive") && write_days(away) &&
	    rename(next, away->path) == 0)
		return true;
	log_warn("%s: how long the daemon is away will not be known", next);
	if (away->fd >= 0)
		close(away->fd);
	(void)unlink(next);
	away->fd = -1;
	return false;
}

static void
sign(void *arg)
{
	struct away *away = arg;
	bool ok = write_first(away, "alive");

	if (!ok && !atomic_load(&away->is_failing))
		log_warn("%s: cannot be written, so the next time away may be "
		         "reported as too long",
		    away->path);
	atomic_store(&away->is_failing, !ok);
}

void
away_begin(struct away *away, const char *path, const struct clock *clock)
{
	struct moment last;
	struct error error;

	*away = (struct away){.fd = -1, .clock = clock};
	if (path == NULL || !text_copy(away->path, sizeof away->path, path))
		return;
	find_boot_id(away->boot_id);
	if (read_last(away, &last)) {
		reckon(away, &last, clock_wall(clock), clock_mono_ms(clock) / 1000);
		count(away);
		say(away);
	}
	if (!write_file(away))
		return;
	away->jobs = jobs_start("away", 1, 1, &error);
	if (away->jobs == NULL)
		log_warnx("%s: %s", away->path, error.text);
}

void
away_alive(struct away *away)
{
	if (away->jobs != NULL)
		(void)jobs_submit(away->jobs, sign, away);
}

void
away_end(struct away *away)
{
	if (away->fd < 0)
		return;
	jobs_stop(&away->jobs);
	if (!write_first(away, "ended"))
		log_warn("%s", away->path);
	close(away->fd);
	away->fd = -1;
}

void
away_sum(const struct away *away, int64_t now, unsigned days, uint64_t *times_r,
    uint64_t *seconds_r)
{
	int64_t today = now / DAY;

	*times_r = *seconds_r = 0;
	for (unsigned i = 0; i < away->days_count; i++) {
		const struct away_day *day = &away->days[i];
		if (day->day > today || day->day <= today - (int64_t)days)
			continue;
		*times_r += day->times;
		*seconds_r += day->seconds;
	}
}
