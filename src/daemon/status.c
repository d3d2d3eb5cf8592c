/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/status.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

#define MODE            0660
#define ANSWER_S        1 /* patience with a client that does not read */
#define LISTS_SHOWN     8
#define AWAY_DAYS_SHOWN 7

static void
write_gate(struct gate *gate, FILE *file)
{
	struct gate_report report;

	gate_report(gate, &report);
	fprintf(file,
	    "connections\t%u\nholds\t%u\nholds_peak\t%u\nmax_sessions\t%u\n"
	    "accepted\t%" PRIu64 "\nholds_begun\t%" PRIu64
	    "\nholds_refused\t%" PRIu64 "\ngone\t%" PRIu64 "\ntimeouts\t%" PRIu64
	    "\n",
	    report.connections, report.holds, report.holds_peak, report.max_holds,
	    report.accepted, report.holds_begun, report.holds_refused, report.gone,
	    report.timeouts);
}

static void
write_store(struct store *store, FILE *file)
{
	struct store_status_report report;

	store_report(store, false, &report);
	fprintf(file,
	    "store\t%s\nqueued\t%" PRIu64 "\ncommits\t%" PRIu64 "\nnotes\t%" PRIu64
	    "\nnotes_refused\t%" PRIu64 "\nnotes_limited\t%" PRIu64
	    "\nnotes_failed\t%" PRIu64 "\n",
	    report.failing ? "failing" : "ok", report.queued, report.commits,
	    report.notes, report.refused, report.limited, report.failed);
	if (report.clock_jump_s != 0)
		fprintf(file,
		    "trouble\tthe clock has jumped by %+" PRId64
		    " s: nothing expires until it is back, or has run steadily "
		    "for a day\n",
		    report.clock_jump_s);
	if (report.clock_ahead_s != 0)
		fprintf(file,
		    "trouble\tthis host's clock is %+" PRId64
		    " s from that of the database's server: run NTP on both\n",
		    report.clock_ahead_s);
	if (report.held_by[0] != '\0')
		fprintf(file, "trouble\tstore: %s\n", report.held_by);
	if (report.away)
		fprintf(file,
		    "trouble\tstore: the database cannot be used, mail goes on "
		    "without the record: %s\n",
		    report.trouble);
	else if (report.failing)
		fprintf(file, "trouble\tstore: cannot write: %s\n", report.trouble);
}

static void
write_away(const struct away *away, int64_t now, FILE *file)
{
	uint64_t times, seconds;

	if (away->path[0] == '\0')
		return;
	away_sum(away, now, AWAY_DAYS_SHOWN, &times, &seconds);
	fprintf(file,
	    "away_week\t%" PRIu64 "\naway_week_s\t%" PRIu64 "\naway\t%" PRIu64
	    "\naway_s\t%" PRIu64 "\n",
	    times, seconds, away->times, away->seconds);
	if (!away->has_last)
		return;
	fprintf(file, "away_last\t%s%s\naway_last_until\t%" PRId64 "\n",
	    away_end_words[away->last_end],
	    away->host_restarted ? ", the host was restarted" : "",
	    away->last_until);
	if (away->last_s >= 0)
		fprintf(file, "away_last_s\t%" PRId64 "\n", away->last_s);
}

static void
write_lists(const struct gatherer *gatherer, FILE *file)
{
	char trouble[400];

	for (unsigned i = 0; gatherer != NULL && i < LISTS_SHOWN &&
	                     gatherer_trouble(gatherer, i, trouble, sizeof trouble);
	     i++)
		fprintf(file, "trouble\tdnsbl: %s\n", trouble);
}

/*
 * Lines "key TAB value", the last of them "end"; see targreyctl(8), status.
 * The caller frees; NULL when memory is out.
 */
static char *
status_text(const struct status_sources *sources)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (file == NULL)
		return NULL;
	fprintf(file,
	    "version\t%s\nmode\t%s\npid\t%ld\nsandbox\t%s\nstarted\t%" PRId64
	    "\nupdated\t%" PRId64 "\n",
	    TARGREY_VERSION, mode_words[sources->config->policy.mode],
	    (long)getpid(), sources->sandbox, sources->started, sources->now);
	write_gate(sources->gate, file);
	write_store(sources->store, file);
	write_away(sources->away, sources->now, file);
	activity_write(sources->activity, sources->now, file);
	write_lists(sources->gatherer, file);
	for (size_t i = 0; i < sources->advice->count; i++)
		fprintf(file, "advice\t%s\n", sources->advice->text[i]);
	fputs("end\tyes\n", file);
	if (fclose(file) == 0)
		return text;
	free(text);
	return NULL;
}

static bool
listen_on(struct status_socket *status)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat now;
	size_t length = strlen(status->path);

	if (length >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(address.sun_path, status->path, length + 1);
	status->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (status->fd < 0)
		return false;
	unlink(status->path);
	/*
	 * bind() takes the file's mode from the socket, less the umask, which is
	 * left alone, since other threads make files.
	 */
	if (fchmod(status->fd, MODE) != 0 ||
	    bind(status->fd, (struct sockaddr *)&address, sizeof address) != 0)
		return false;
	(void)fchmodat(AT_FDCWD, status->path, MODE, AT_SYMLINK_NOFOLLOW);
	if (listen(status->fd, 16) != 0 || stat(status->path, &now) != 0)
		return false;
	status->device = now.st_dev;
	status->inode = now.st_ino;
	return true;
}

/* Logs the first of several failures in a row. */
static bool
try_listen(struct status_socket *status)
{
	if (listen_on(status)) {
		status->is_failing = false;
		return true;
	}
	if (!status->is_failing)
		log_warn("%s: no socket for targreyctl status", status->path);
	status->is_failing = true;
	if (status->fd >= 0)
		close(status->fd);
	status->fd = -1;
	return false;
}

void
status_listen(struct status_socket *status, const struct config *config)
{
	*status = (struct status_socket){.fd = -1};
	if (config_status_path(config, status->path)) {
		(void)try_listen(status);
		return;
	}
	status->path[0] = '\0';
	log_info(
	    "no socket for targreyctl status: neither listen nor store.url names "
	    "a file");
}

static bool
is_there(const struct status_socket *status)
{
	struct stat now;

	if (status->fd < 0)
		return false;
	if (stat(status->path, &now) != 0)
		return errno != ENOENT;
	return now.st_dev == status->device && now.st_ino == status->inode;
}

void
status_look_after(struct status_socket *status)
{
	if (status->path[0] == '\0' || is_there(status))
		return;
	if (status->fd >= 0)
		close(status->fd);
	status->fd = -1;
	if (try_listen(status))
		log_warnx("%s was not there: made again", status->path);
}

static void
write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t wrote = send(fd, text, left, MSG_NOSIGNAL);
		if (wrote <= 0)
			return;
		text += wrote;
		left -= (size_t)wrote;
	}
}

void
status_answer(
    const struct status_socket *status, const struct status_sources *sources)
{
	const struct timeval patience = {.tv_sec = ANSWER_S};
	int fd = accept4(status->fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	char *text = status_text(sources);
	if (text != NULL && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
	                        sizeof patience) == 0)
		write_all(fd, text);
	free(text);
	close(fd);
}

void
status_close(struct status_socket *status)
{
	if (status->fd < 0)
		return;
	unlink(status->path);
	close(status->fd);
	status->fd = -1;
}
