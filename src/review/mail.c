/* SPDX-License-Identifier: BSD-2-Clause */
/* One mail: finding it by its id, opening it, extracting its text. */
#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "review/review.h"
#include "review/unpack_private.h"

#define TEXT_MOST  (128 * 1024) /* of a mail's readable text */
#define PARTS_MOST 50

/* ------------------------------------------------------------------ by id */

struct finding {
	struct own_mail *found;
	unsigned count;
};

static bool
own(void *ctx, const struct mail *mail)
{
	struct finding *finding = ctx;
	struct own_mail *to = finding->found;
	const char *from[16];
	size_t size = 0, used = 0;

	if (finding->count++ > 0)
		return false;
	to->mail = *mail;
	const char **fields[] = {&to->mail.id, &to->mail.folder, &to->mail.name,
	    &to->mail.sender, &to->mail.recipients, &to->mail.subject,
	    &to->mail.client, &to->mail.client_ip, &to->mail.flags, &to->mail.why,
	    &to->mail.message_id, &to->mail.sid, &to->mail.envelope_from,
	    &to->mail.envelope_to, &to->mail.quarantine_id, &to->mail.decided};
	for (size_t i = 0; i < 16; i++) {
		from[i] = *fields[i];
		size += strlen(from[i]) + 1;
	}
	to->text = malloc(size);
	for (size_t i = 0; i < 16 && to->text != NULL; i++) {
		size_t length = strlen(from[i]) + 1;
		memcpy(to->text + used, from[i], length);
		*fields[i] = to->text + used;
		used += length;
	}
	return true;
}

static bool
look_up(struct review *review, const char *id, struct finding *finding,
    struct error *error)
{
	own_mail_clear(finding->found);
	finding->count = 0;
	return index_find(review->index, id, own, finding, error);
}

/*
 * It may have arrived, or returned, since its folder was listed. In an mbox the
 * place of a message changes when one before it is removed.
 */
static bool
look_again(struct review *review, const struct finding *finding, bool *again_r,
    struct error *error)
{
	char path[PATH_MAX];

	*again_r = finding->count == 0;
	if (finding->count == 0)
		return index_refresh(review->index, file_clock_ms(), error);
	*again_r = finding->count == 1 && finding->found->text != NULL &&
	           finding->found->mail.kind == FOLDER_MBOX;
	if (!*again_r)
		return true;
	text_copy(path, sizeof path, finding->found->mail.folder);
	return index_refresh_folder(review->index, path, file_clock_ms(), error);
}

bool
review_find(struct review *review, const char *id, struct own_mail *mail_r,
    struct error *error)
{
	struct finding finding = {mail_r, 0};
	bool again;

	memset(mail_r, 0, sizeof *mail_r);
	if (strlen(id) < 4 || strspn(id, "0123456789abcdef") != strlen(id)) {
		error_set(error,
		    "\"%.40s\" is not an id; list shows the ids: 12 digits of 0-9 "
		    "a-f, of which the first four may be enough",
		    id);
		mail_r->unknown = true;
		return false;
	}
	bool ok = look_up(review, id, &finding, error) &&
	          look_again(review, &finding, &again, error) &&
	          (!again || look_up(review, id, &finding, error));
	if (!ok) {
		own_mail_clear(mail_r);
		return false;
	}
	if (finding.count == 1 && mail_r->text != NULL)
		return true;
	if (finding.count > 1)
		error_set(
		    error, "%s: several ids begin like this; give more of it", id);
	else if (finding.count == 1)
		error_set(error, "out of memory");
	else
		error_set(error,
		    "%s: no such message in the folders listed so far; list its "
		    "folder first",
		    id);
	own_mail_clear(mail_r);
	mail_r->unknown = finding.count != 1;
	return false;
}

void
own_mail_clear(struct own_mail *mail)
{
	free(mail->text);
	memset(mail, 0, sizeof *mail);
}

int
mail_open(const struct mail *mail, struct folder *folder, char *name_r,
    struct error *error)
{
	struct stat stat;

	if (!folder_open(folder, mail->folder, error))
		return -1;
	if (folder->kind != mail->kind) {
		error_set(error,
		    "%s: no longer the same kind of folder; list it again",
		    mail->folder);
		folder_close(folder);
		return -1;
	}
	text_copy(name_r, PLACE_NAME_SIZE, mail->name);
	int fd = folder_open_mail(folder, name_r, &stat, error);
	if (fd < 0)
		folder_close(folder);
	return fd;
}

/* ------------------------------------------------------------------- text */

static const struct {
	const char *name;
	char character;
} entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'},
    {"&nbsp;", ' '}, {"&#39;", '\''}};

/* Elements whose content is not meant for readers. */
static const char *const hidden[] = {"script", "style", "head", "title"};
#define HIDDEN (sizeof hidden / sizeof *hidden)

/*
 * End of the tag at "<", or of the whole element if it is hidden; NULL if there is
 * none. is_open: the element is never closed, so that this is searched for only
 * once: a mail full of such tags would otherwise take hours.
 */
static const char *
tag_end(const char *at, bool is_open[static HIDDEN])
{
	for (size_t i = 0; i < HIDDEN; i++) {
		size_t length = strlen(hidden[i]);
		char close[16];

		if (is_open[i] ||
		    g_ascii_strncasecmp(at + 1, hidden[i], length) != 0 ||
		    g_ascii_isalnum(at[1 + length]))
			continue;
		snprintf(close, sizeof close, "</%s", hidden[i]);
		const char *end = strcasestr(at, close);
		if (end != NULL)
			return strchr(end, '>');
		is_open[i] = true;
	}
	return strchr(at, '>');
}

/* Keeps the text between tags; block tags end a line. Nothing is fetched. */
static void
strip_markup(GString *to, const char *html)
{
	bool is_open[HIDDEN] = {false};

	for (const char *at = html; *at != '\0' && to->len <= TEXT_MOST;) {
		if (*at == '<') {
			const char *end = tag_end(at, is_open);
			if (g_ascii_strncasecmp(at, "<br", 3) == 0 ||
			    g_ascii_strncasecmp(at, "</p", 3) == 0 ||
			    g_ascii_strncasecmp(at, "</div", 5) == 0 ||
			    g_ascii_strncasecmp(at, "</tr", 4) == 0)
				g_string_append_c(to, '\n');
			at = end == NULL ? at + strlen(at) : end + 1;
			continue;
		}
		char character = *at;
		size_t length = 1;
		for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
			if (strncmp(at, entities[i].name,
			        strlen(entities[i].name)) == 0) {
				character = entities[i].character;
				length = strlen(entities[i].name);
			}
		}
		g_string_append_c(to, character);
		at += length;
	}
}

/* The text found so far. */
struct telling {
	GString *plain, *html, *others;
	unsigned parts;
};

static void
take_text(struct telling *telling, GMimeTextPart *part)
{
	char *text = g_mime_text_part_get_text(part);
	GMimeContentType *type =
	    g_mime_object_get_content_type((GMimeObject *)part);

	if (text == NULL)
		return;
	char *valid = g_utf8_make_valid(text, -1);
	if (g_mime_content_type_is_type(type, "text", "html"))
		strip_markup(telling->html, valid);
	else
		g_string_append(telling->plain, valid);
	g_free(valid);
	g_free(text);
}

static void
take_part(GMimeObject *parent, GMimeObject *part, void *ctx)
{
	struct telling *telling = ctx;

	(void)parent;
	if (++telling->parts > PARTS_MOST || GMIME_IS_MULTIPART(part))
		return;
	GMimeContentType *type = g_mime_object_get_content_type(part);
	const char *file =
	    g_mime_object_get_content_disposition_parameter(part, "filename");
	if (GMIME_IS_TEXT_PART(part) && file == NULL) {
		take_text(telling, (GMimeTextPart *)part);
		return;
	}
	char *mime = g_mime_content_type_get_mime_type(type);
	g_string_append_printf(telling->others, "\n[part not shown: %s%s%s]", mime,
	    file == NULL ? "" : ", ", file == NULL ? "" : file);
	g_free(mime);
}

static GMimeMessage *
parse(int fd, bool is_gzip, int64_t limit)
{
	GMimeStream *stream = unpack_stream(fd, is_gzip, limit);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

	g_object_unref(parser);
	g_object_unref(stream);
	return message;
}

char *
mail_text(int fd, bool is_gzip, int64_t limit)
{
	GMimeMessage *message = parse(fd, is_gzip, limit);
	struct telling telling = {
	    g_string_new(NULL), g_string_new(NULL), g_string_new(NULL), 0};

	if (message != NULL) {
		g_mime_message_foreach(message, take_part, &telling);
		g_object_unref(message);
	}
	GString *text = telling.plain->len > 0 ? telling.plain : telling.html;
	if (text->len > TEXT_MOST) {
		g_string_truncate(text, TEXT_MOST);
		g_string_append(text, "\n[cut here]");
	}
	g_string_append(text, telling.others->str);
	char *result = text_dup(text->str);
	g_string_free(telling.plain, TRUE);
	g_string_free(telling.html, TRUE);
	g_string_free(telling.others, TRUE);
	return result;
}

char *
mail_read(const struct mail *mail, struct error *error)
{
	char name[PLACE_NAME_SIZE];
	struct folder folder;

	int fd = mail_open(mail, &folder, name, error);
	if (fd < 0)
		return NULL;
	char *text = mail_text(
	    fd, is_packed(name), mail->kind == FOLDER_MBOX ? mail->size : 0);
	close(fd);
	folder_close(&folder);
	if (text == NULL)
		error_set(error, "out of memory");
	return text;
}
