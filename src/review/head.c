/* SPDX-License-Identifier: BSD-2-Clause */
#include "review/head.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/text.h"
#include "review/session_words.h"

/* At most this much of a field's unfolded value is read. */
#define VALUE_MOST 16384

/* Fields in order from the top. */
struct reading {
	struct head *head;
	size_t used;  /* of value */
	bool has[16]; /* fields[] seen already */
	char name[64], value[VALUE_MOST];
};

/* ------------------------------------------------------------------ texts */

/* Replaces the text with valid UTF-8 without control characters. */
static void
keep_text(char *target, size_t size, const char *source)
{
	char *valid = g_utf8_make_valid(source, -1);
	size_t used = 0;

	for (const char *at = valid; *at != '\0'; at = g_utf8_next_char(at)) {
		gunichar code = g_utf8_get_char(at);
		size_t length = (size_t)(g_utf8_next_char(at) - at);
		if (used + length >= size)
			break;
		if (g_unichar_iscntrl(code)) {
			target[used++] = ' ';
			continue;
		}
		memcpy(target + used, at, length);
		used += length;
	}
	while (used > 0 && target[used - 1] == ' ')
		used--;
	target[used] = '\0';
	g_free(valid);
}

/* RFC 2047, raw UTF-8, and ISO-2022-JP that old programs write unencoded. */
static void
keep_decoded(char *target, size_t size, const char *source)
{
	char *raw = NULL;

	if (strstr(source, "\033$") != NULL || strstr(source, "\033(") != NULL)
		raw =
		    g_convert(source, -1, "UTF-8", "ISO-2022-JP", NULL, NULL, NULL);
	char *decoded =
	    raw != NULL ? NULL : g_mime_utils_header_decode_text(NULL, source);
	keep_text(target, size,
	    raw != NULL       ? raw
	    : decoded != NULL ? decoded
	                      : source);
	g_free(decoded);
	g_free(raw);
}

/* ----------------------------------------------------------------- fields */

static void
take_from(struct head *head, const char *value)
{
	keep_decoded(head->from, sizeof head->from, value);
}

static void
take_to(struct head *head, const char *value)
{
	keep_decoded(head->to, sizeof head->to, value);
}

static void
take_subject(struct head *head, const char *value)
{
	keep_decoded(head->subject, sizeof head->subject, value);
}

static void
take_message_id(struct head *head, const char *value)
{
	keep_text(head->message_id, sizeof head->message_id, value);
}

static void
take_flags(struct head *head, const char *value)
{
	if (strcmp(value, "-") != 0)
		keep_text(head->flags, sizeof head->flags, value);
}

static void
take_session(struct head *head, const char *value)
{
	head->has_session = session_words_read(value, &head->session);
	if (!head->has_session)
		head->notes |= HEAD_ODD_SESSION;
}

static void
take_client(struct head *head, const char *value)
{
	char name[256];

	if (client_value(value, "ip", name, sizeof name))
		keep_text(head->client_ip, sizeof head->client_ip, name);
	if (!client_value(value, "name", name, sizeof name) ||
	    strcmp(name, "unknown") == 0)
		text_copy(name, sizeof name, head->client_ip);
	keep_text(head->client, sizeof head->client, name);
}

/* "<a@b>" -> "a@b"; rejects anything that a shell or SMTP could misread. */
static bool
bare_address(const char *value, char *buf, size_t size)
{
	value += strspn(value, " \t");
	bool bracketed = *value == '<';
	value += bracketed;
	size_t length = strcspn(value, bracketed ? ">" : " \t,");

	if (length >= size || (bracketed && value[length] != '>') ||
	    !g_utf8_validate(value, (gssize)length, NULL))
		return false;
	for (const char *at = value; at < value + length;
	     at = g_utf8_next_char(at)) {
		if (*at == ' ' || g_unichar_iscntrl(g_utf8_get_char(at)) ||
		    strchr("<>,\"\\|", *at) != NULL)
			return false;
	}
	snprintf(buf, size, "%.*s", (int)length, value);
	return *buf != '-';
}

static void
take_envelope_from(struct head *head, const char *value)
{
	char address[HEAD_TEXT_SIZE];

	if (bare_address(value, address, sizeof address))
		keep_text(head->envelope_from, sizeof head->envelope_from, address);
}

/* One address per field, or several separated by commas (amavis). */
static void
take_envelope_to(struct head *head, const char *value)
{
	char address[HEAD_TEXT_SIZE];

	while (*value != '\0') {
		size_t used = strlen(head->envelope_to);
		size_t length = strcspn(value, ",");
		if (bare_address(value, address, sizeof address) &&
		    strchr(address, '@') != NULL &&
		    used + strlen(address) + 2 < sizeof head->envelope_to)
			snprintf(head->envelope_to + used,
			    sizeof head->envelope_to - used, "%s%s",
			    used > 0 ? " " : "", address);
		else if (memchr(value, '@', length) != NULL)
			head->notes |= HEAD_LACKS_RECIPIENTS;
		value += length;
		value += *value == ',';
	}
}

static void
take_quarantine_id(struct head *head, const char *value)
{
	bare_address(value, head->quarantine_id, sizeof head->quarantine_id);
}

static const struct field {
	const char *name;
	void (*take)(struct head *head, const char *value);
} fields[] = {
    {"From", take_from},
    {"To", take_to},
    {"Subject", take_subject},
    {"Message-ID", take_message_id},
    {"X-TaRgrey-Session", take_session},
    {"X-TaRgrey-Client", take_client},
    {"X-TaRgrey-Flags", take_flags},
    {"Return-Path", take_envelope_from},
    {"X-Envelope-From", take_envelope_from},
    {"X-Envelope-To", take_envelope_to},
    {"Delivered-To", take_envelope_to},
    {"X-Quarantine-ID", take_quarantine_id},
};
#define FIELDS (sizeof fields / sizeof *fields)

static void
take_field(struct reading *reading)
{
	if (strcasecmp(reading->name, "Received") == 0) {
		score_received(&reading->head->score);
		return;
	}
	if (score_field(&reading->head->score, reading->name, reading->value))
		return;
	for (size_t i = 0; i < FIELDS; i++) {
		if (reading->has[i] ||
		    strcasecmp(fields[i].name, reading->name) != 0)
			continue;
		reading->has[i] = true;
		fields[i].take(reading->head, reading->value);
	}
}

/* Appends to the value; drops line ends, turns NULs into U+FFFD. */
static void
append(struct reading *reading, const char *line, size_t length)
{
	size_t used = reading->used;

	while (length > 0 && line[length - 1] == '\r')
		length--;
	for (size_t i = 0; i < length && used + 4 < VALUE_MOST; i++) {
		if (line[i] != '\0') {
			reading->value[used++] = line[i];
			continue;
		}
		memcpy(reading->value + used, "\xef\xbf\xbd", 3);
		used += 3;
	}
	reading->value[used] = '\0';
	reading->used = used;
}

/* Begins a field if the line starts one; otherwise returns false. */
static bool
begin_field(struct reading *reading, const char *line, size_t length)
{
	const char *colon = memchr(line, ':', length);
	size_t name = colon == NULL ? 0 : (size_t)(colon - line);

	*reading->name = *reading->value = '\0';
	reading->used = 0;
	if (name == 0)
		return false;
	while (name > 0 && (line[name - 1] == ' ' || line[name - 1] == '\t'))
		name--;
	for (size_t i = 0; i < name; i++) {
		if ((unsigned char)line[i] <= ' ' || (unsigned char)line[i] > '~')
			return false;
	}
	if (name < sizeof reading->name)
		snprintf(
		    reading->name, sizeof reading->name, "%.*s", (int)name, line);
	const char *value = colon + 1;
	while (value < line + length && (*value == ' ' || *value == '\t'))
		value++;
	append(reading, value, (size_t)(line + length - value));
	return true;
}

void
head_parse(const char *text, size_t length, struct head *head_r)
{
	struct reading *reading = malloc(sizeof *reading);
	const char *end = text + length;
	const char *at = text;
	bool ended = false;

	memset(head_r, 0, sizeof *head_r);
	if (reading == NULL)
		return;
	/* the value is large and need not be cleared */
	memset(reading, 0, offsetof(struct reading, value));
	*reading->value = '\0';
	reading->head = head_r;
	while (at < end && !ended) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t line = (size_t)((stop == NULL ? end : stop) - at);
		if (line == 0 || (line == 1 && *at == '\r')) {
			ended = true;
		} else if (*at == ' ' || *at == '\t') {
			append(reading, at, line);
		} else {
			if (*reading->name != '\0')
				take_field(reading);
			/* mbox and some deliveries begin with such a line */
			if (!begin_field(reading, at, line) && at != text)
				head_r->notes |= HEAD_BROKEN;
		}
		at = stop == NULL ? end : stop + 1;
	}
	if (*reading->name != '\0')
		take_field(reading);
	if (head_r->score.others > 0)
		head_r->notes |= HEAD_OTHER_SCORES;
	if (memchr(text, '\0', (size_t)(at - text)) != NULL)
		head_r->notes |= HEAD_NULS;
	if (!ended)
		head_r->notes |= HEAD_NO_END;
	free(reading);
}

/* ---------------------------------------------------------------- reading */

static bool
has_end(const char *text, size_t from, size_t length)
{
	size_t start = from > 3 ? from - 3 : 0;

	return memmem(text + start, length - start, "\n\n", 2) != NULL ||
	       memmem(text + start, length - start, "\n\r\n", 3) != NULL;
}

static ssize_t
read_some(int fd, GMimeStream *stream, char *at, size_t size)
{
	ssize_t got;

	if (stream != NULL)
		return g_mime_stream_read(stream, at, size);
	do
		got = read(fd, at, size);
	while (got < 0 && errno == EINTR);
	return got;
}

/* A stream that unpacks what the descriptor holds; leaves the descriptor open. */
static GMimeStream *
unpacked(int fd)
{
	GMimeStream *plain = g_mime_stream_fs_new(fd);
	GMimeStream *stream = g_mime_stream_filter_new(plain);
	GMimeFilter *filter =
	    g_mime_filter_gzip_new(GMIME_FILTER_GZIP_MODE_UNZIP, 0);

	g_mime_stream_fs_set_owner((GMimeStreamFs *)plain, FALSE);
	g_mime_stream_filter_add((GMimeStreamFilter *)stream, filter);
	g_object_unref(filter);
	g_object_unref(plain);
	return stream;
}

/* Most headers fit at once. Out of memory: frees the old buffer, returns NULL. */
static char *
grown(char *text, size_t *room)
{
	char *more = realloc(text, *room * 4);

	if (more == NULL)
		free(text);
	*room *= 4;
	return more;
}

static bool
out_of_memory(GMimeStream *stream, struct error *error)
{
	if (stream != NULL)
		g_object_unref(stream);
	error_set(error, "out of memory");
	return false;
}

bool
head_read(int fd, bool is_gzip, struct head *head_r, struct error *error)
{
	GMimeStream *stream = NULL;
	size_t room = 16384, length = 0;
	char *text = malloc(room);
	bool ok = false, ended = false;
	ssize_t got = 1;

	memset(head_r, 0, sizeof *head_r);
	if (text == NULL) {
		error_set(error, "out of memory");
		return false;
	}
	if (is_gzip)
		stream = unpacked(fd);
	while (length < HEAD_MOST && !ended) {
		if (length == room && !(text = grown(text, &room)))
			return out_of_memory(stream, error);
		got = read_some(fd, stream, text + length, room - length);
		if (got <= 0)
			break;
		ended = has_end(text, length, length + (size_t)got);
		length += (size_t)got;
	}
	if (got < 0)
		error_set_errno(error, "cannot be read");
	else if (is_gzip && length == 0)
		error_set(error, "not a gzip file, or a broken one");
	else
		ok = true;
	if (ok)
		head_parse(text, length, head_r);
	if (ok && !ended && length == HEAD_MOST)
		head_r->notes = (head_r->notes | HEAD_CUT) & ~(unsigned)HEAD_NO_END;
	if (stream != NULL)
		g_object_unref(stream);
	free(text);
	return ok;
}
