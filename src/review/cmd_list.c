/* SPDX-License-Identifier: BSD-2-Clause */
/* list, and audit, which lists in another order. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "review/cmds.h"

#define LIMIT 50

static void
put_bands(struct doc *doc, const uint64_t counts[static BANDS], double mark)
{
	static const struct column columns[] = {
	    {"band", "Band", 0, false},
	    {"scores", "Scores", 0, false},
	    {"mails", "Messages", 0, false},
	};
	char range[64];
	double least, most;

	doc_section(doc, "bands", "How near the mark");
	doc_table(doc, columns, 3);
	for (int i = BAND_GOOD; i < BANDS; i++) {
		band_range((enum band)i, mark, &least, &most);
		if (i == BAND_GOOD)
			snprintf(range, sizeof range, "below %g", most);
		else if (i == BAND_CERTAIN)
			snprintf(range, sizeof range, "%g and more", least);
		else
			snprintf(range, sizeof range, "%g to %g", least, most);
		doc_row(doc, (struct cell[]){cell_text(band_words[i]),
		                 cell_text(range), cell_count(counts[i])});
	}
	doc_row(doc, (struct cell[]){cell_text(band_words[BAND_NONE]),
	                 cell_text("no score"), cell_count(counts[BAND_NONE])});
}

static int
run_list(struct admin *admin)
{
	int code = EXIT_OK;
	struct review *review = open_review(admin, &code);
	struct mail_filter filter = {.limit = LIMIT};
	struct folders folders;
	uint64_t counts[BANDS];
	struct error error;

	if (review == NULL)
		return code;
	filter.mark = review->mark;
	filter.with_decided = args_value(admin, "all") != NULL;
	if (!read_filter(admin, &filter) ||
	    !args_count(admin, "limit", &filter.limit))
		return EXIT_USAGE;
	if (!sync_folders(admin, 0, false, &folders))
		return EXIT_FAILED;
	filter.folders = folders.ids;
	filter.folders_count = folders.count;
	struct doc *doc = doc_new("targrey-review");
	struct mails mails = {doc, review->mark};
	if (doc == NULL)
		return admin_write(admin, &doc);
	doc_section(doc, "mails", "Nearest to the mark first");
	mails_table(doc);
	bool ok = index_list(review->index, &filter, mails_row, &mails, &error);
	size_t shown = doc_rows(doc);
	ok = ok && index_bands(review->index, &filter, counts, &error);
	if (!ok) {
		doc_free(&doc);
		return failed(admin, &error);
	}
	put_bands(doc, counts, review->mark);
	if (filter.limit > 0 && shown == filter.limit)
		doc_say(
		    doc, "These are the first %zu; --limit 0 lists all.", shown);
	return admin_write(admin, &doc);
}

static const struct option_row list_options[] = {
    FILTER_OPTIONS,
    {"limit", "COUNT", "at most this many messages (50; 0 = all)", NULL, false},
    {"all", NULL, "also those decided on that stay where they are", NULL, false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_list = {
    .name = "list",
    .args = "[FOLDER...]",
    .help = "List messages, those nearest to the mark first",
    .manual =
        "A FOLDER is a Maildir, an mbox, or a folder of files such as the "
        "quarantine of amavis, with its subfolders; compressed files end in .gz. "
        "Without one, those of review.folders are listed. Only headers are read, "
        "and only those of new messages: the rest is in an index.\n\n"
        "The score is that of the topmost X-Spam-Score, X-Spam-Status, "
        "X-Spamd-Result or X-Spam-Level; scores below the next Received do not "
        "count. Certainty says how far it is from the mark, and on which side. "
        "Why names the tests with the most points, and what targrey saw of the "
        "client (docs/headers.md).\n\n"
        "Bands, in marks: good below 0.4, below up to 1, above up to 2, likely up "
        "to 4, certain above; none: no score.",
    .options = list_options,
    .words_most = WORDS_MAX,
    .run = run_list,
};

static int
run_audit(struct admin *admin)
{
	int code = EXIT_OK;
	struct review *review = open_review(admin, &code);
	struct mail_filter filter = {.order = ORDER_RANDOM,
	    .limit = 20,
	    .only_discardable = true,
	    .with_decided = true};
	struct folders folders;
	struct error error;
	int64_t count;

	if (review == NULL)
		return code;
	if (!text_integer(admin->words[0], 1, 100000, &count))
		return usage(admin,
		    "\"%.40s\" is not allowed; allowed: a number from 1 to 100000",
		    admin->words[0]);
	if (!sync_folders(admin, 1, true, &folders))
		return EXIT_FAILED;
	filter.limit = (size_t)count;
	filter.mark = review->mark;
	filter.folders = folders.ids;
	filter.folders_count = folders.count;
	filter.or_folders = folders.discarded;
	filter.or_folders_count = folders.discarded_count;
	struct doc *doc = doc_new("targrey-review audit");
	struct mails mails = {doc, review->mark};
	if (doc == NULL)
		return admin_write(admin, &doc);
	doc_section(doc, "mails", "Drawn at random");
	mails_table(doc);
	if (!index_list(review->index, &filter, mails_row, &mails, &error)) {
		doc_free(&doc);
		return failed(admin, &error);
	}
	doc_say(doc,
	    "%zu of those discarded or marked TARGREY_DISCARD_OK. If one of them "
	    "is good mail, discarding by these rules is not safe here.",
	    doc_rows(doc));
	return admin_write(admin, &doc);
}

const struct command command_audit = {
    .name = "audit",
    .args = "COUNT [FOLDER...]",
    .help = "Draw COUNT messages at random from those discarded or marked so",
    .manual =
        "Look through a few of them now and then: discarding what is marked "
        "TARGREY_DISCARD_OK is safe only as long as no good mail is among them.",
    .words_least = 1,
    .words_most = WORDS_MAX,
    .run = run_audit,
};
