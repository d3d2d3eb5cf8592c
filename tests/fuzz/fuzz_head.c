/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our headers, written by a session and read back as a mail's: whatever a client
 * calls himself, they keep to docs/headers.md and nothing of his is an own field.
 *
 * input  client name, HELO, sender, recipient; parted by NUL
 */
#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fuzz/fuzz.h"
#include "review/head.h"
#include "review/session_words.h"
#include "session/session_fixture.h"

enum { PARTS = 4, SESSIONS_A_FIXTURE = 2000, MAIL_SIZE = 65536 };

static void
take_apart(const uint8_t *data, size_t size, char part[PARTS][600])
{
	for (int i = 0; i < PARTS; i++) {
		size_t length = strnlen((const char *)data, size);
		size_t kept = length < 599 ? length : 599;
		if (kept > 0)
			memcpy(part[i], data, kept);
		part[i][kept] = '\0';
		length += length < size;
		data += length;
		size -= length;
	}
}

static bool
play(char part[PARTS][600])
{
	static unsigned number;
	char ip[40];

	if (number++ % SESSIONS_A_FIXTURE == 0 && fixture != NULL)
		fixture_free();
	if (fixture == NULL)
		fixture_new(MODE_OBSERVE);
	snprintf(ip, sizeof ip, "192.0.%u.%u", number / 250 % 250, number % 250);
	fixture_connect(ip, *part[0] == '\0' ? NULL : part[0]);
	session_helo(fixture->session, part[1], false);
	bool is_accepted = fixture_message(part[2], part[3], HOLD_ELAPSED);
	fixture_close();
	return is_accepted;
}

/* The mail as it would be delivered. */
static void
write_mail(char mail[static MAIL_SIZE])
{
	size_t used = 0;

	*mail = '\0';
	for (size_t i = 0; i < fixture->inserted; i++)
		used += (size_t)snprintf(mail + used, MAIL_SIZE - used, "%s: %s\n",
		    fixture->names[i], fixture->values[i]);
	snprintf(mail + used, MAIL_SIZE - used, "Subject: x\n\nx\n");
}

/* Whole, or with "~" for its end; "-" for none. */
static bool
is_written(const char *name, const char *helo)
{
	size_t length = strlen(name);

	if (strcmp(name, *helo == '\0' ? "-" : helo) == 0)
		return true;
	return length > 30 && name[length - 1] == '~' &&
	       strncmp(name, helo, length - 1) == 0;
}

static size_t
count_lines(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char mail[MAIL_SIZE], part[PARTS][600];
	struct head head;
	char name[1000];

	if (fixture == NULL) {
		g_mime_init();
		log_set_level(LOG_LEVEL_WARNING);
	}
	take_apart(data, size, part);
	if (!play(part))
		return 0;
	write_mail(mail);
	head_parse(mail, strlen(mail), &head);
	demand(head.has_session, "X-TaRgrey-Session is gone", mail);
	demand(head.notes == 0, "something is odd", mail);
	demand(strcmp(head.subject, "x") == 0, "a line too many", mail);
	demand(count_lines(mail) == fixture->inserted + 3, "a broken line", mail);
	demand(strchr(mail, '\r') == NULL, "a carriage return", mail);
	const char *client = fixture_header("X-TaRgrey-Client");
	demand(
	    client != NULL && client_value(client, "heloname", name, sizeof name),
	    "no heloname", mail);
	demand(is_written(name, part[1]), "another HELO", mail);
	return 0;
}
