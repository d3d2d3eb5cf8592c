/* SPDX-License-Identifier: BSD-2-Clause */
/* The socket: loopback, another address, or a unix socket behind a proxy. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "web/web_private.h"

/* A socket with no listener was left behind by a process that crashed. */
static bool
remove_stale(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat stat;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_stale = false;

	text_copy(address.sun_path, sizeof address.sun_path, path);
	if (fd >= 0 && lstat(path, &stat) == 0 && S_ISSOCK(stat.st_mode))
		is_stale = connect(fd, (const struct sockaddr *)&address,
		               sizeof address) != 0 &&
		           errno == ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	return is_stale && unlink(path) == 0;
}

static int
listen_unix(struct web *web, const char *path, struct error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	web->is_unix = true;
	if (fd < 0 || !text_copy(address.sun_path, sizeof address.sun_path, path)) {
		error_set(error, "%s: cannot be the path of a socket", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	remove_stale(path);
	/* whoever may write to it may claim any user name: owner and group only */
	mode_t mask = umask(0117);
	int code = bind(fd, (const struct sockaddr *)&address, sizeof address);
	umask(mask);
	if (code != 0 || listen(fd, 64) != 0) {
		error_set_errno(error, "%s", path);
		close(fd);
		return -1;
	}
	text_copy(web->socket_path, sizeof web->socket_path, path);
	return fd;
}

static bool
split(const char *text, char *host, size_t size, char *port, size_t port_size)
{
	const char *colon = strrchr(text, ':');

	if (colon == NULL || colon[1] == '\0')
		return false;
	bool bracketed = *text == '[' && colon > text && colon[-1] == ']';
	snprintf(host, size, "%.*s", (int)(colon - text - (bracketed ? 2 : 0)),
	    text + (bracketed ? 1 : 0));
	snprintf(port, port_size, "%s", colon + 1);
	return *host != '\0';
}

/* Numeric only, so that no look-up decides where it listens. */
static int
bind_inet(const char *host, const char *port, struct error *error)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	int fd = -1, one = 1;
	int64_t number;

	if (!text_integer(port, 0, 65535, &number) ||
	    getaddrinfo(host, port, &hints, &found) != 0) {
		error_set(error,
		    "\"%s:%s\" is not allowed; allowed: 127.0.0.1:8025, "
		    "[::1]:8025, unix:/path",
		    host, port);
		return -1;
	}
	fd =
	    socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
	    bind(fd, found->ai_addr, found->ai_addrlen) != 0 ||
	    listen(fd, 64) != 0) {
		error_set_errno(error, "%s port %s", host, port);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	return fd;
}

static unsigned
port_of(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;

	if (getsockname(fd, (struct sockaddr *)&address, &length) != 0)
		return 0;
	/* getsockname() fills it */
	/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
	return address.ss_family == AF_INET6
	           ? ntohs(((struct sockaddr_in6 *)&address)->sin6_port)
	           : ntohs(((struct sockaddr_in *)&address)->sin_port);
}

int
web_listen(struct web *web, struct error *error)
{
	const char *text = web->settings.listen;
	char host[80], port[16];

	if (strncmp(text, "unix:/", 6) == 0)
		return listen_unix(web, text + 5, error);
	if (!split(text, host, sizeof host, port, sizeof port)) {
		error_set(error,
		    "\"%s\" is not allowed; allowed: 127.0.0.1:8025, [::1]:8025, "
		    "unix:/path",
		    text);
		return -1;
	}
	int fd = bind_inet(host, port, error);
	if (fd < 0)
		return -1;
	bool is_v6 = strchr(host, ':') != NULL;
	/* with port 0 the system chooses one */
	unsigned number = port_of(fd);
	snprintf(web->host[0], sizeof web->host[0], is_v6 ? "[%s]:%u" : "%s:%u",
	    host, number);
	if (strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0)
		snprintf(web->host[1], sizeof web->host[1], "localhost:%u", number);
	snprintf(web->cookie, sizeof web->cookie, "targrey_%u", number);
	snprintf(web->url, sizeof web->url, "http://%s/?token=%s", web->host[0],
	    web->token);
	return fd;
}
