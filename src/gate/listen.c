/* SPDX-License-Identifier: BSD-2-Clause */
/* The public socket: lock, bind, accept within the cap. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gate/gate_private.h"

static bool
lock_path(struct gate *gate, const char *path, struct error *error)
{
	char name[sizeof((struct sockaddr_un *)NULL)->sun_path + 8];

	snprintf(name, sizeof name, "%s.lock", path);
	gate->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (gate->lock_fd < 0) {
		int why = errno;
		bool is_theirs = why == EACCES && access(name, F_OK) == 0;
		errno = why;
		error_set_errno(error, "%s%s", name,
		    is_theirs ? ": belongs to another user; if no other "
		                "targreyd is running, remove it"
		              : "");
		return false;
	}
	if (flock(gate->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			error_set(error,
			    "%s: another instance is running (it holds "
			    "the lock %s)",
			    path, name);
		else
			error_set_errno(error, "%s: lock", name);
		return false;
	}
	return true;
}

/* A setgid folder may have set the group already: then no right is needed. */
static bool
give_to_group(const struct gate *gate, const char *path, struct error *error)
{
	struct stat status;

	if (gate->socket_group == (gid_t)-1 ||
	    (lstat(path, &status) == 0 && status.st_gid == gate->socket_group) ||
	    lchown(path, (uid_t)-1, gate->socket_group) == 0)
		return true;
	error_set_errno(error,
	    "%s: cannot be given to group %lu: either the daemon's user must be a "
	    "member of it, or the folder must belong to it and have mode 2750",
	    path, (unsigned long)gate->socket_group);
	return false;
}

/*
 * A new listening socket at gate->socket_path, or -1. Its mode is that of the
 * settings, less the umask. The group is set before anybody can connect, and no
 * symbolic link is followed: the folder may be another user's.
 */
static int
make_unix(const struct gate *gate, struct error *error)
{
	const char *path = gate->socket_path;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	/* bind() takes the file's mode from the socket */
	if (fd < 0 || fchmod(fd, gate->socket_mode) != 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		error_set_errno(error, "%s", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (give_to_group(gate, path, error)) {
		if (listen(fd, SOMAXCONN) == 0)
			return fd;
		error_set_errno(error, "%s", path);
	}
	close(fd);
	unlink(path);
	return -1;
}

static bool
open_unix(struct gate *gate, const char *path, struct error *error)
{
	struct stat status;

	if (path[0] == '\0' ||
	    strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
		error_set(error,
		    "listen: the path of a unix socket must be 1 to %zu octets "
		    "long",
		    sizeof((struct sockaddr_un *)NULL)->sun_path - 1);
		return false;
	}
	if (!lock_path(gate, path, error))
		return false;
	if (lstat(path, &status) == 0) {
		if (!S_ISSOCK(status.st_mode)) {
			error_set(error,
			    "%s: exists and is not a socket; remove it, or choose "
			    "another path",
			    path);
			return false;
		}
		if (unlink(path) != 0 && errno != ENOENT) {
			error_set_errno(error,
			    "%s: left by an earlier start, cannot be removed",
			    path);
			return false;
		}
	}
	gate->socket_path = strdup(path);
	if (gate->socket_path == NULL) {
		error_set(error, "gate: out of memory");
		return false;
	}
	mode_t before = umask(0);
	gate->listen_fd = make_unix(gate, error);
	umask(before);
	return gate->listen_fd >= 0;
}

static bool
open_inet(struct gate *gate, const char *text, int family, struct error *error)
{
	struct addrinfo hints = {.ai_family = family,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char port[8];
	static const int on = 1;

	const char *at = strchr(text, '@');
	if (at == NULL || at[1] == '\0' || at == text ||
	    (size_t)(at - text) >= sizeof port) {
		error_set(error, "listen: \"%s\": expected port@address", text);
		return false;
	}
	snprintf(port, sizeof port, "%.*s", (int)(at - text), text);
	int failed = getaddrinfo(at + 1, port, &hints, &found);
	if (failed != 0) {
		error_set(error, "listen: \"%s\": %s", text, gai_strerror(failed));
		return false;
	}
	gate->listen_fd =
	    socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool bound =
	    gate->listen_fd >= 0 &&
	    setsockopt(gate->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ==
	        0 &&
	    bind(gate->listen_fd, found->ai_addr, found->ai_addrlen) == 0 &&
	    listen(gate->listen_fd, SOMAXCONN) == 0;
	if (!bound)
		error_set_errno(error, "listen: %s", text);
	freeaddrinfo(found);
	return bound;
}

bool
listen_open(struct gate *gate, const char *where, struct error *error)
{
	if (where != NULL && strncmp(where, "unix:", 5) == 0)
		return open_unix(gate, where + 5, error);
	if (where != NULL && strncmp(where, "local:", 6) == 0)
		return open_unix(gate, where + 6, error);
	if (where != NULL && strncmp(where, "inet:", 5) == 0)
		return open_inet(gate, where + 5, AF_INET, error);
	if (where != NULL && strncmp(where, "inet6:", 6) == 0)
		return open_inet(gate, where + 6, AF_INET6, error);
	error_set(error,
	    "listen: \"%s\": expected unix:/path, inet:port@address or "
	    "inet6:port@address",
	    where != NULL ? where : "");
	return false;
}

static void
set_listening(struct gate *gate, bool on)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0};

	if (gate->listen_fd < 0 || gate->is_listening == on)
		return;
	bool ok = epoll_ctl(gate->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL,
	              gate->listen_fd, &event) == 0;
	if (on && !ok) {
		if (log_may(&gate->limit_accept, gate->now_ms, NULL))
			log_warn("gate: epoll");
		gate->paused_until_ms = clock_real_ms() + PAUSE_MS;
		return;
	}
	gate->is_listening = on;
}

/* At the limit, or out of descriptors, further connections wait in the backlog. */
int
listen_accept(struct gate *gate)
{
	if (gate->free_count == 0) {
		if (log_may(&gate->limit_accept, gate->now_ms, NULL))
			log_warnx(
			    "gate: %zu connections, the most for this limit of "
			    "open files (LimitNOFILE); further ones wait",
			    gate->max_connections);
		set_listening(gate, false);
		return -1;
	}
	for (;;) {
		int fd = accept4(
		    gate->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			return fd;
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno == EAGAIN)
			return -1;
		if (log_may(&gate->limit_accept, gate->now_ms, NULL))
			log_warn("gate: accept");
		set_listening(gate, false);
		gate->paused_until_ms = clock_real_ms() + PAUSE_MS;
		return -1;
	}
}

void
listen_resume(struct gate *gate)
{
	if (!gate->is_listening && gate->free_count > 0 &&
	    clock_real_ms() >= gate->paused_until_ms)
		set_listening(gate, true);
}

void
listen_close(struct gate *gate)
{
	if (gate->listen_fd < 0)
		return;
	close(gate->listen_fd);
	gate->listen_fd = -1;
	if (gate->socket_path != NULL)
		unlink(gate->socket_path);
}

/* The lock file may be removed too; without it a second instance could start. */
static void
lock_again(struct gate *gate)
{
	struct error error;
	int old = gate->lock_fd;

	if (lock_path(gate, gate->socket_path, &error)) {
		close(old);
		return;
	}
	if (log_may(&gate->limit_lock, gate->now_ms, NULL))
		log_warnx("%s", error.text);
	if (gate->lock_fd >= 0)
		close(gate->lock_fd);
	gate->lock_fd = old;
}

void
listen_again(struct gate *gate)
{
	char lock[sizeof((struct sockaddr_un *)NULL)->sun_path + 8];
	struct error error;

	if (gate->is_stopping || access(gate->socket_path, F_OK) == 0 ||
	    errno != ENOENT)
		return;
	snprintf(lock, sizeof lock, "%s.lock", gate->socket_path);
	if (access(lock, F_OK) != 0)
		lock_again(gate);
	int fd = make_unix(gate, &error);
	/* the umask is left alone, since other threads make files */
	if (fd >= 0 && fchmodat(AT_FDCWD, gate->socket_path, gate->socket_mode,
	                   AT_SYMLINK_NOFOLLOW) != 0) {
		error_set_errno(&error, "mode");
		unlink(gate->socket_path);
		close(fd);
		fd = -1;
	}
	if (fd < 0) {
		if (log_may(&gate->limit_accept, gate->now_ms, NULL))
			log_warnx(
			    "%s has been removed and cannot be made again: %s",
			    gate->socket_path, error.text);
		return;
	}
	log_warnx("%s has been removed: made again", gate->socket_path);
	set_listening(gate, false);
	close(gate->listen_fd);
	gate->listen_fd = fd; /* the loop listens on it in its next turn */
}

void
gate_look_after(struct gate *gate)
{
	if (gate->socket_path == NULL || access(gate->socket_path, F_OK) == 0)
		return;
	atomic_store(&gate->is_unlinked, true);
	call_wake(gate);
}
