/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Releases mail from amavis' quarantine over its AM.PDP protocol (README.protocol
 * of amavisd-new): percent-encoded "name=value" lines, ended by an empty line.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "review/review.h"

#define ANSWER_S 120 /* amavis may have to wait for the MTA */

static void
put(FILE *file, const char *name, const char *value)
{
	fprintf(file, "%s=", name);
	for (; *value != '\0'; value++) {
		unsigned char octet = (unsigned char)*value;
		if (octet > ' ' && octet < 0x7f && octet != '%')
			fputc(octet, file);
		else
			fprintf(file, "%%%02x", octet);
	}
	fputs("\r\n", file);
}

static int
reach(const char *path, struct error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = ANSWER_S};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || !text_copy(address.sun_path, sizeof address.sun_path, path) ||
	    connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		error_set_errno(error,
		    "cannot reach amavis at %s (review.amavis_socket must be its "
		    "$unix_socketname, whose policy bank speaks AM.PDP)",
		    path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	return fd;
}

/* "spam-AbC.gz" -> "AbC", as X-Quarantine-ID gives it */
static void
ask(FILE *file, const struct mail *mail, const char *recipients)
{
	char copy[2048], *rest = NULL;

	put(file, "request", "release");
	put(file, "mail_id", mail->quarantine_id);
	put(file, "quar_type", is_packed(mail->name) ? "Z" : "F");
	put(file, "mail_file", mail->name);
	text_copy(copy, sizeof copy, recipients == NULL ? "" : recipients);
	for (char *at = strtok_r(copy, " ,", &rest); at != NULL;
	     at = strtok_r(NULL, " ,", &rest))
		put(file, "recipient", at);
	fputs("\r\n", file);
	fflush(file);
}

static void
decode(char *text)
{
	char *to = text;
	unsigned octet;

	for (; *text != '\0'; text++) {
		if (*text == '%' && sscanf(text + 1, "%2x", &octet) == 1) {
			*to++ = (char)octet;
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/* The answer has a line "setreply=250 2.0.0 ..." for every recipient. */
static bool
hear(FILE *file, char *outcome, size_t size, struct error *error)
{
	static const char name[] = "setreply=";
	char line[2048];
	bool said = false, ok = true;

	while (fgets(line, sizeof line, file) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		if (*line == '\0')
			break;
		if (strncmp(line, name, sizeof name - 1) != 0)
			continue;
		decode(line);
		const char *reply = line + sizeof name - 1;
		said = true;
		if (*reply == '2' && ok) {
			snprintf(outcome, size, "amavis: %.300s", reply);
		} else if (*reply != '2') {
			error_set(error, "amavis: %.300s", reply);
			ok = false;
		}
	}
	if (!said)
		error_set(error, "amavis did not answer the request to release it");
	return said && ok;
}

bool
amavis_release(const char *socket_path, const struct mail *mail,
    const char *recipients, char *outcome, size_t size, struct error *error)
{
	int fd = reach(socket_path, error);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r+");

	if (file == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	ask(file, mail, recipients);
	bool ok = hear(file, outcome, size, error);
	fclose(file);
	return ok;
}
