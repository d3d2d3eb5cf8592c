/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/run_private.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/block.h"
#include "base/clock.h"

#define PATIENCE_MS 5000
#define NAMES_MAX   16

/* Reads to the end of the output; false: it took too long or is too large. */
static bool
read_all(int fd, char buf[static POSTCONF_OUTPUT_MAX])
{
	int64_t until = clock_real_ms() + PATIENCE_MS;
	size_t used = 0;

	for (;;) {
		struct pollfd ready = {fd, POLLIN, 0};
		int64_t left = until - clock_real_ms();
		if (left <= 0 || poll(&ready, 1, (int)left) <= 0)
			return false;
		ssize_t more = read(fd, buf + used, POSTCONF_OUTPUT_MAX - used);
		if (more < 0 || used + (size_t)more >= POSTCONF_OUTPUT_MAX)
			return false;
		used += (size_t)more;
		buf[used] = '\0';
		if (more == 0)
			return true;
	}
}

/* Default signals, and no open file of ours but the pipe. */
static bool
spawn(const char *path, char *const *line, int out, pid_t *pid_r)
{
	char path_variable[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
	     locale[] = "LC_ALL=C";
	char *const environment[] = {path_variable, locale, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out, 1);
	posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attributes, &none);
	bool ok =
	    posix_spawn(pid_r, path, &files, &attributes, line, environment) == 0;
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return ok;
}

static bool
run_postconf(
    const char *path, char *const *line, char buf[static POSTCONF_OUTPUT_MAX])
{
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	bool ok = spawn(path, line, ends[1], &pid);
	close(ends[1]);
	if (ok) {
		block_declare("postconf");
		ok = read_all(ends[0], buf);
		if (!ok)
			kill(pid, SIGKILL);
		ok = waitpid(pid, &status, 0) == pid && ok && status == 0;
	}
	close(ends[0]);
	return ok;
}

char *
postconf_start(const char *folder, const char *const *names)
{
	static const char *const places[] = {
	    "/usr/sbin/postconf", "/usr/local/sbin/postconf"};
	const char *line[NAMES_MAX + 5] = {"postconf", "-c", folder, "-x"};
	char *buf = malloc(POSTCONF_OUTPUT_MAX);

	for (size_t i = 0; i < NAMES_MAX && names[i] != NULL; i++)
		line[4 + i] = names[i];
	for (size_t i = 0; buf != NULL && i < sizeof places / sizeof *places; i++) {
		if (access(places[i], X_OK) != 0)
			continue;
		if (run_postconf(places[i], (char *const *)(uintptr_t)line, buf))
			return buf;
		break;
	}
	free(buf);
	return NULL;
}
