/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

/* Long enough for a reload, which parses all lists. */
#define PATIENCE_S 10
#define TEXT_MOST  (1U << 24)

const char *const live_state_words[LIVE_STATES] = {
    [LIVE_RUNNING] = "running",
    [LIVE_STOPPED] = "stopped",
    [LIVE_DIED] = "ended without a stop",
    [LIVE_SILENT] = "does not answer",
    [LIVE_UNKNOWN] = "unknown",
};

static int64_t
number(const char *text)
{
	int64_t value = 0;

	if (text != NULL)
		text_integer(text, INT64_MIN, INT64_MAX, &value);
	return value;
}

static void
take_hold(struct live *live, char *rest)
{
	const char *field[5] = {"", "", "", "", ""};
	struct live_hold *grown;

	for (int i = 0; i < 5 && rest != NULL; i++)
		field[i] = strsep(&rest, "\t");
	grown = realloc(live->holds, (live->holds_count + 1) * sizeof *live->holds);
	if (grown == NULL)
		return;
	live->holds = grown;
	live->holds[live->holds_count++] = (struct live_hold){.ip = field[0],
	    .sid = field[1],
	    .since = number(field[2]),
	    .seconds = number(field[3]),
	    .name = field[4]};
}

/* true when the text is complete */
static bool
take_apart(struct live *live)
{
	char *rest = live->text, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		char *value = strchr(line, '\t');
		if (value == NULL)
			continue;
		*value++ = '\0';
		if (strcmp(line, "hold") == 0) {
			take_hold(live, value);
		} else if (live->pairs_count < 64) {
			live->pairs[live->pairs_count].key = line;
			live->pairs[live->pairs_count++].value = value;
		}
	}
	return live_value(live, "end") != NULL;
}

static enum live_state
connect_to(int fd, const char *path, struct error *error)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof address.sun_path)
		return LIVE_STOPPED; /* the daemon could not listen there either */
	strcpy(address.sun_path, path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return LIVE_RUNNING;
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return LIVE_STOPPED;
	case ECONNREFUSED:
		return LIVE_DIED;
	case EAGAIN:
		return LIVE_SILENT;
	default:
		error_set_errno(error, "%s", path);
		return LIVE_UNKNOWN;
	}
}

static bool
read_all(int fd, struct live *live)
{
	size_t size = 0;
	ssize_t got;
	FILE *file = open_memstream(&live->text, &size);
	char part[4096];

	if (file == NULL)
		return false;
	while ((got = recv(fd, part, sizeof part, 0)) > 0) {
		fwrite(part, 1, (size_t)got, file);
		if (ftell(file) > TEXT_MOST)
			break;
	}
	return fclose(file) == 0 && got == 0;
}

void
live_ask(const struct config *config, struct live *live, struct error *error)
{
	char path[CONFIG_STATUS_PATH_SIZE];

	*live = (struct live){.state = LIVE_UNKNOWN};
	if (!config_status_path(config, path)) {
		error_set(error, "neither listen nor store.url names a file beside "
		                 "which the daemon could be asked");
		return;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		error_set_errno(error, "socket");
		return;
	}
	live->state = connect_to(fd, path, error);
	if (live->state == LIVE_RUNNING &&
	    !(read_all(fd, live) && take_apart(live)))
		live->state = LIVE_SILENT;
	close(fd);
}

void
live_clear(struct live *live)
{
	free(live->text);
	free(live->holds);
	*live = (struct live){.state = LIVE_UNKNOWN};
}

const char *
live_value(const struct live *live, const char *key)
{
	for (unsigned i = 0; i < live->pairs_count; i++) {
		if (strcmp(live->pairs[i].key, key) == 0)
			return live->pairs[i].value;
	}
	return NULL;
}

int64_t
live_number(const struct live *live, const char *key)
{
	return number(live_value(live, key));
}

static const char *
nth(const struct live *live, const char *key, unsigned n)
{
	for (unsigned i = 0; i < live->pairs_count; i++) {
		if (strcmp(live->pairs[i].key, key) == 0 && n-- == 0)
			return live->pairs[i].value;
	}
	return NULL;
}

const char *
live_trouble(const struct live *live, unsigned n)
{
	return nth(live, "trouble", n);
}

const char *
live_advice(const struct live *live, unsigned n)
{
	return nth(live, "advice", n);
}
