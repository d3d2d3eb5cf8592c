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
put_octets(FILE *file, const char *name, const char *value, size_t length)
{
	fprintf(file, "%s=", name);
	for (size_t i = 0; i < length; i++) {
		unsigned char octet = (unsigned char)value[i];
		if (octet > ' ' && octet < 0x7f && octet != '%')
			fputc(octet, file);
		else
			fprintf(file, "%%%02x", octet);
	}
	fputs("\r\n", file);
}

static void
put(FILE *file, const char *name, const char *value)
{
	put_octets(file, name, value, strlen(value));
}

static int
reach(const char *path, struct error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = ANSWER_S};

	if (!text_copy(address.sun_path, sizeof address.sun_path, path)) {
		error_set(error, "%s: the path is too long for a socket", path);
		return -1;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
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

static void
ask(FILE *file, const struct mail *mail, const char *recipients)
{
	static const char between[] = " ,";
	const char *at = recipients == NULL ? "" : recipients;

	put(file, "request", "release");
	put(file, "mail_id", mail->quarantine_id);
	put(file, "quar_type", is_packed(mail->name) ? "Z" : "F");
	put(file, "mail_file", mail->name);
	for (at += strspn(at, between); *at != '\0'; at += strspn(at, between)) {
		size_t length = strcspn(at, between);
		put_octets(file, "recipient", at, length);
		at += length;
	}
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

/* A line "setreply=250 2.0.0 ..." for every recipient, then an empty one. */
static bool
hear(FILE *file, char *outcome, size_t size, struct error *error)
{
	static const char name[] = "setreply=";
	char line[2048], refusal[301] = "";
	bool ended = false;
	int released = 0;

	while (!ended && fgets(line, sizeof line, file) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		ended = *line == '\0';
		if (strncmp(line, name, sizeof name - 1) != 0)
			continue;
		decode(line);
		const char *reply = line + sizeof name - 1;
		if (*reply != '2')
			text_copy(refusal, sizeof refusal,
			    *reply == '\0' ? "no reply" : reply);
		else if (released++ == 0)
			snprintf(outcome, size, "amavis: %.300s", reply);
	}
	if (*refusal != '\0' && released > 0)
		error_set(error,
		    "amavis: %s (but released it to %d other recipient%s; name the "
		    "rest "
		    "by --to)",
		    refusal, released, released == 1 ? "" : "s");
	else if (*refusal != '\0')
		error_set(error, "amavis: %s", refusal);
	else if (!ended || released == 0)
		error_set(error,
		    "amavis did not answer whether it released it; look in its log "
		    "before you try again");
	return ended && released > 0 && *refusal == '\0';
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
