/* SPDX-License-Identifier: BSD-2-Clause */
/* show and log: what a mail looks like, and what was done. */
#include <stdlib.h>
#include <string.h>

#include "review/cmds.h"
#include "review/head.h"

/* A fact that people are not shown when there is none. */
static void
put(struct doc *doc, const char *key, const char *title, const char *text)
{
	doc_detail(doc, key, title, *text == '\0' ? cell_none() : cell_text(text));
}

void
show_facts(struct doc *doc, const struct mail *mail, double mark)
{
	char near[64], notes[400];

	doc_section(doc, "mail", "The message");
	put(doc, "id", "Id", mail->id);
	doc_fact(doc, "date", "Received", cell_time(mail->time));
	put(doc, "from", "From", mail->sender);
	put(doc, "to", "To", mail->recipients);
	put(doc, "subject", "Subject", mail->subject);
	doc_fact(doc, "score", "Score",
	    mail->score_kind == SCORE_NONE ? cell_none() : cell_real(mail->score));
	put(doc, "certainty", "Certainty",
	    certainty(mail, mark, near, sizeof near));
	put(doc, "why", "Why", mail->why);
	put(doc, "client", "Client", mail->client);
	put(doc, "client_ip", "Client address", mail->client_ip);
	put(doc, "flags", "Flags", mail->flags);
	put(doc, "sid", "sid", mail->sid);
	put(doc, "message_id", "Message-ID", mail->message_id);
	put(doc, "envelope_from", "Envelope from", mail->envelope_from);
	put(doc, "envelope_to", "Envelope to", mail->envelope_to);
	put(doc, "notes", "Oddities", head_notes(mail->notes, notes, sizeof notes));
	put(doc, "decided", "Decided", mail->decided);
	put(doc, "folder", "Folder", mail->folder);
	put(doc, "file", "File", mail->name);
	doc_fact(doc, "size", "Octets", cell_count((uint64_t)mail->size));
}

static void
put_text(struct doc *doc, char *text)
{
	char *rest = text, *line;

	doc_section(doc, "text", "Text");
	while ((line = strsep(&rest, "\n")) != NULL) {
		line[strcspn(line, "\r")] = '\0';
		doc_say(doc, "%s", line);
	}
}

static int
run_show(struct admin *admin)
{
	int code = EXIT_OK;
	struct review *review = open_review(admin, &code);
	struct own_mail mail;
	struct error error;

	if (review == NULL)
		return code;
	if (!review_find(review, admin->words[0], &mail, &error))
		return failed(admin, &error);
	char *text = mail_read(&mail.mail, &error);
	if (text == NULL) {
		own_mail_clear(&mail);
		return failed(admin, &error);
	}
	struct doc *doc = doc_new("targrey-review");
	if (doc != NULL) {
		show_facts(doc, &mail.mail, review->mark);
		put_text(doc, text);
	}
	free(text);
	own_mail_clear(&mail);
	return admin_write(admin, &doc);
}

const struct command command_show = {
    .name = "show",
    .args = "ID",
    .help = "Show one message: what is known about it, and its text",
    .manual =
        "Only text is shown, HTML without its markup; nothing is fetched, run or "
        "opened. What could harm a terminal is written as \\xHH.",
    .words_least = 1,
    .words_most = 1,
    .run = run_show,
};

static bool
put_act(void *ctx, const struct act *act)
{
	doc_row(
	    ctx, (struct cell[]){cell_count((uint64_t)act->number),
	             cell_time(act->time), cell_text(act->who),
	             cell_text(act->what), cell_text(act->id), cell_text(act->from),
	             *act->to == '\0' ? cell_none() : cell_text(act->to),
	             cell_text(act->undone ? "yes" : "no")});
	return true;
}

static int
run_log(struct admin *admin)
{
	static const struct column columns[] = {
	    {"number", "Number", 0, true},
	    {"time", "Time", 0, false},
	    {"who", "Who", 0, false},
	    {"what", "What", 0, false},
	    {"id", "Message", 0, false},
	    {"from", "From", 200, false},
	    {"to", "To", 0, true},
	    {"undone", "Undone", 0, false},
	};
	int code = EXIT_OK;
	struct review *review = open_review(admin, &code);
	size_t limit = 50;
	struct error error;

	if (review == NULL)
		return code;
	if (!args_count(admin, "limit", &limit))
		return EXIT_USAGE;
	struct doc *doc = doc_new("targrey-review log");
	if (doc == NULL)
		return admin_write(admin, &doc);
	doc_section(doc, "acts", "What was done, newest first");
	doc_table(doc, columns, 8);
	if (!index_acts(review->index, "", NULL, limit == 0 ? 1000000000 : limit,
	        put_act, doc, &error)) {
		doc_free(&doc);
		return failed(admin, &error);
	}
	return admin_write(admin, &doc);
}

static const struct option_row log_options[] = {
    {"limit", "COUNT", "at most this many lines (50; 0 = all)", NULL, false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_log = {
    .name = "log",
    .args = "",
    .help = "List what was done, newest first",
    .manual = "The same, with the outcome, is in review.log in the folder of "
              "--state, a line for each action.",
    .options = log_options,
    .run = run_log,
};
