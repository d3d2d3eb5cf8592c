/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <string.h>

#include "review/cmds.h"
#include "review/head.h"

const char *
certainty(const struct mail *mail, double mark, char *buf, size_t size)
{
	enum band band = band_of(mail->score_kind, mail->score, mark);

	if (band == BAND_NONE)
		snprintf(buf, size, "%s", band_titles[band]);
	else
		snprintf(
		    buf, size, "%s (%+.1f)", band_titles[band], mail->score - mark);
	return buf;
}

static const struct column columns[] = {
    {"id", "Id", 0, false},
    {"date", "Date", 0, false},
    {"score", "Score", 0, false},
    {"certainty", "Certainty", 0, true},
    {"from", "From", 60, false},
    {"subject", "Subject", 100, false},
    {"client", "Client", 0, true},
    {"flags", "Flags", 0, true},
    {"why", "Why", 0, true},
    {"notes", "Notes", 0, true},
    {"decided", "Decided", 0, true},
    {"folder", "Folder", 0, true},
};

void
mails_table(struct doc *doc)
{
	doc_table(doc, columns, sizeof columns / sizeof *columns);
}

static struct cell
text_or_none(const char *text)
{
	return *text == '\0' ? cell_none() : cell_text(text);
}

bool
mails_row(void *ctx, const struct mail *mail)
{
	const struct mails *mails = ctx;
	char near[64], notes[400];

	doc_row(mails->doc,
	    (struct cell[]){cell_text(mail->id), cell_time(mail->time),
	        mail->score_kind == SCORE_NONE ? cell_none()
	                                       : cell_real(mail->score),
	        cell_text(certainty(mail, mails->mark, near, sizeof near)),
	        text_or_none(mail->sender), text_or_none(mail->subject),
	        text_or_none(mail->client), text_or_none(mail->flags),
	        text_or_none(mail->why),
	        text_or_none(head_notes(mail->notes, notes, sizeof notes)),
	        text_or_none(mail->decided), cell_text(mail->folder)});
	return true;
}
