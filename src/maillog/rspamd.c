/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rspamd's line for a message (log_format of logging.inc):
 *
 *   <tag>; task; rspamd_task_write_log: id: <m>, qid: <Q>, ip: 192.0.2.1,
 *   from: <a>, (default: T (reject): [21.3/15.0] [SYMBOL(1){options;}...]), ...
 *
 * Nothing in it is quoted, so each part used must occur exactly once in the line.
 */
#include <math.h>
#include <string.h>

#include "maillog/scan_private.h"

/*
 * The actions of rspamd's manual (Actions and scores). "greylist" and "soft
 * reject" only ask to come again, "discard" and "quarantine" come from an
 * admin's own rules and not from the score, as do actions of another name.
 */
static const struct {
	const char *action, *verdict;
} actions[] = {
    {"no action", "ham"},
    {"add header", "spam"},
    {"rewrite subject", "spam"},
    {"reject", "spam"},
    {"greylist", NULL},
    {"soft reject", NULL},
    {"discard", NULL},
    {"quarantine", NULL},
};

static const char *
action_verdict(const char *action)
{
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		if (strcmp(action, actions[i].action) == 0)
			return actions[i].verdict;
	}
	return NULL;
}

/* "T (reject): [21.3/15.0] ["; F and T: judged, S: skipped */
static bool
take_result(struct log_line *line, char *at)
{
	bool is_judged = *at == 'T' || *at == 'F';

	if ((!is_judged && *at != 'S') || strncmp(at + 1, " (", 2) != 0)
		return false;
	char *action = at + 3;
	at = scan_cut(action, ")");
	if ((at = scan_after(at, ": [")) == NULL ||
	    !scan_score(at, "/", &line->score))
		return false;
	if (is_judged)
		line->verdict = action_verdict(action);
	return true;
}

static bool
take_client(struct log_line *line, const char *at)
{
	char text[IP_TEXT_SIZE];

	at += *at == '[';
	size_t length = strcspn(at, ",]");
	if (length >= sizeof text)
		return false;
	memcpy(text, at, length);
	text[length] = '\0';
	line->has_ip = ip_from_text(text, &line->ip);
	return line->has_ip;
}

/*
 * "qid: <Q>, ip: 192.0.2.1, user: u, from: <a>," to the end, each of which may
 * be missing. take_all() terminates the texts, once all are found.
 */
static bool
take_fields(struct log_line *line, char *at, char **queue_end_r)
{
	char *value;

	*queue_end_r = NULL;
	if ((value = scan_after(at, " qid: <")) != NULL) {
		size_t length = scan_queue_id(value);
		if (length == 0 || strncmp(value + length, ">,", 2) != 0)
			return false;
		line->queue_id = value;
		*queue_end_r = value + length;
		at = value + length + 2;
	}
	if ((value = scan_after(at, " ip: ")) != NULL) {
		if (!take_client(line, value))
			return false;
		at = value + strcspn(value, ",");
		at += *at == ',';
	}
	if ((value = scan_after(at, " user: ")) != NULL) {
		at = value + strcspn(value, ",<>");
		at += *at == ',';
		line->is_user = true;
	}
	if ((value = scan_after(at, " from: <")) != NULL) {
		at = value + strcspn(value, "<>");
		if ((at = scan_after(at, ">,")) == NULL)
			return false;
	}
	return at[strspn(at, " ")] == '\0';
}

/* "id: <m>, ..." up to the result. rspamd writes blanks in a Message-ID as "?". */
static bool
take_message(struct log_line *line, char *id)
{
	char *end = strstr(id, ">, "), *queue_end;

	if (end == NULL || !take_fields(line, end + 2, &queue_end))
		return false;
	end[1] = '\0';
	if (queue_end != NULL)
		*queue_end = '\0';
	/* "undef": no Message-ID */
	if (strcmp(id, "undef>") != 0)
		line->message_id = id - 1;
	return true;
}

void
scan_rspamd(struct log_line *line, char *text)
{
	char *id = scan_after(text, "id: <");

	if (id == NULL)
		return;
	line->kind = LOG_DOUBTFUL;
	char *result = strstr(id, "(default: ");
	if (result == NULL || result == id || scan_count(id, "(default: ") != 1 ||
	    scan_count(id, "qid: <") > 1)
		return;
	bool is_forced = strstr(result, ", forced: ") != NULL;
	*result = '\0';
	if (!take_message(line, id) ||
	    !take_result(line, result + strlen("(default: ")))
		return;
	line->kind = LOG_VERDICT;
	if (is_forced) {
		line->verdict = NULL;
		line->score = (double)NAN;
	}
	if (line->verdict == NULL ||
	    (*line->queue_id == '\0' && *line->message_id == '\0'))
		line->kind = LOG_NO_RESULT;
}
