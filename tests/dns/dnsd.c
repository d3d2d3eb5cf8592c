/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/dnsd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void
die(const char *what)
{
	perror(what);
	exit(99);
}

static void
make_folder(struct dnsd *dnsd, const char *table)
{
	char path[128];

	strcpy(dnsd->folder, "/tmp/targrey-dnsd-XXXXXX");
	if (mkdtemp(dnsd->folder) == NULL)
		die("mkdtemp");
	snprintf(path, sizeof path, "%s/table.json", dnsd->folder);
	FILE *file = fopen(path, "w");
	if (file == NULL)
		die(path);
	fputs(table, file);
	fclose(file);
}

void
dnsd_start(struct dnsd *dnsd, const char *table)
{
	int out[2];
	char file[128], log[128];

	*dnsd = (struct dnsd){.socket = -1};
	make_folder(dnsd, table);
	snprintf(file, sizeof file, "%s/table.json", dnsd->folder);
	snprintf(log, sizeof log, "%s/log", dnsd->folder);
	if (pipe(out) != 0)
		die("pipe");
	dnsd->pid = fork();
	if (dnsd->pid < 0)
		die("fork");
	if (dnsd->pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		unsetenv("LD_PRELOAD");
		execl("/usr/bin/python3", "python3", "-B", TARGREY_DNSD, "-l", log,
		    file, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	FILE *lines = fdopen(out[0], "r");
	if (lines == NULL || fgets(dnsd->text, sizeof dnsd->text, lines) == NULL)
		die("dnsd.py did not start");
	fclose(lines);
	dnsd->text[strcspn(dnsd->text, "\n")] = '\0';
}

static void
take_port(struct dnsd *dnsd)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;

	*dnsd = (struct dnsd){0};
	dnsd->socket = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(dnsd->socket, (struct sockaddr *)&address, sizeof address) != 0 ||
	    getsockname(dnsd->socket, (struct sockaddr *)&address, &length) != 0)
		die("bind");
	snprintf(
	    dnsd->text, sizeof dnsd->text, "127.0.0.1:%u", ntohs(address.sin_port));
}

void
dnsd_start_dead(struct dnsd *dnsd)
{
	take_port(dnsd);
}

void
dnsd_start_refused(struct dnsd *dnsd)
{
	take_port(dnsd);
	close(dnsd->socket);
	dnsd->socket = -1;
}

unsigned
dnsd_asked(const struct dnsd *dnsd)
{
	char path[128];
	unsigned count = 0;

	snprintf(path, sizeof path, "%s/log", dnsd->folder);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		return 0;
	for (int c; (c = getc(file)) != EOF;)
		count += c == '\n';
	fclose(file);
	return count;
}

void
dnsd_stop(struct dnsd *dnsd)
{
	static const char *const names[] = {"table.json", "log"};

	if (dnsd->socket >= 0)
		close(dnsd->socket);
	if (dnsd->pid > 0) {
		kill(dnsd->pid, SIGKILL);
		waitpid(dnsd->pid, NULL, 0);
	}
	for (size_t i = 0; i < 2 && dnsd->folder[0] != '\0'; i++) {
		char path[128];
		snprintf(path, sizeof path, "%s/%s", dnsd->folder, names[i]);
		unlink(path);
	}
	if (dnsd->folder[0] != '\0')
		rmdir(dnsd->folder);
	*dnsd = (struct dnsd){.socket = -1};
}
