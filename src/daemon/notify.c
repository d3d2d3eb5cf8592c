/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/notify.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

/* Logged once, not with each sign of life. */
static void
fail(const char *path)
{
	static atomic_bool is_said;

	if (!atomic_exchange(&is_said, true))
		log_warn("cannot report to the service manager: "
		         "NOTIFY_SOCKET=%s",
		    path);
}

void
notify_send(const char *format, ...)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	char text[512];
	va_list arguments;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof address.sun_path)
		return;
	memcpy(address.sun_path, path, strlen(path));
	socklen_t size =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL,
	                  (struct sockaddr *)&address, size) < 0)
		fail(path);
	if (fd >= 0)
		close(fd);
}
