/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mails of strangers as targrey-review reads them: header, text, mbox, gzip.
 * What comes out is valid UTF-8 without control characters, and ends.
 *
 * input  one octet that says as what it is read, then the file
 */
#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "review/folder.h"
#include "review/head.h"
#include "review/review.h"

static void
check_text(const char *text, size_t size)
{
	size_t length = strnlen(text, size);

	demand(length < size, "a text without its end", "");
	demand(g_utf8_validate(text, (gssize)length, NULL), "no UTF-8", text);
	for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at))
		demand(!g_unichar_iscntrl(g_utf8_get_char(at)), "a control", text);
}

static void
check_head(const struct head *head)
{
	char words[2000];

	check_text(head->from, sizeof head->from);
	check_text(head->subject, sizeof head->subject);
	check_text(head->to, sizeof head->to);
	check_text(head->message_id, sizeof head->message_id);
	check_text(head->client, sizeof head->client);
	check_text(head->client_ip, sizeof head->client_ip);
	check_text(head->flags, sizeof head->flags);
	check_text(head->envelope_from, sizeof head->envelope_from);
	check_text(head->envelope_to, sizeof head->envelope_to);
	check_text(head->quarantine_id, sizeof head->quarantine_id);
	for (enum session_key key = 0; key < SESSION_KEYS; key++)
		check_text(
		    head->session.value[key], sizeof head->session.value[key]);
	head_notes(head->notes, words, sizeof words);
	head_why(head, words, sizeof words);
}

static int
file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("mail", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size ||
	    lseek(fd, 0, SEEK_SET) != 0)
		abort();
	return fd;
}

static bool
read_place(void *ctx, const struct place *place)
{
	struct folder *folder = ctx;
	char name[PLACE_NAME_SIZE];
	struct stat stat;
	struct head head;
	struct error error;

	strcpy(name, place->name);
	int fd = folder_open_mail(folder, name, &stat, &error);
	if (fd < 0)
		return true;
	if (head_read(fd, false, &head, &error))
		check_head(&head);
	close(fd);
	return true;
}

static void
read_mbox(int fd)
{
	struct folder folder = {.kind = FOLDER_MBOX, .path = "mbox", .fd = fd};
	struct error error;

	mbox_each(&folder, read_place, &folder, &error);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_ready;
	struct head head;
	struct error error;

	if (!is_ready)
		g_mime_init();
	is_ready = true;
	if (size == 0)
		return 0;
	int fd = file_of(data + 1, size - 1);
	bool is_gzip = data[0] & 4;
	switch (data[0] % 4) {
	case 0:
		if (head_read(fd, is_gzip, &head, &error))
			check_head(&head);
		break;
	case 1:
		free(mail_text(fd, is_gzip, 100000));
		break;
	case 2:
		read_mbox(fd);
		break;
	default:
		head_parse((const char *)data + 1, size - 1, &head);
		check_head(&head);
	}
	close(fd);
	return 0;
}
