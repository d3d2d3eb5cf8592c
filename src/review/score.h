/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The score that a content filter wrote into a mail, in the forms of amavis,
 * SpamAssassin, rspamd and Exim.
 *
 * A filter's fields stand together above the topmost Received line at the time of
 * filtering. So the first field with a score counts, together with those up to the
 * next Received; within this block an exact number takes precedence over a row of
 * stars. Scores below it are counted but otherwise ignored.
 */
#ifndef REVIEW_SCORE_H
#define REVIEW_SCORE_H

#include <stdbool.h>
#include <stddef.h>

/* X-Spam-Level: one star per point; the score is their number or up to one more. */
enum score_kind { SCORE_NONE, SCORE_LEAST, SCORE_EXACT };

struct score {
	enum score_kind kind;
	double value;     /* within -10000..10000 */
	bool is_closed;   /* a Received field followed the score */
	unsigned others;  /* further scores, which do not count */
	bool may_discard; /* TARGREY_DISCARD_OK is among the tests */
	char tests[160];  /* those with the most points: "BAYES_99 3.5, ..." */
};

/* Takes the next field from the top. value: unfolded. True if it held a score. */
bool score_field(struct score *score, const char *name, const char *value);
/* A Received field occurs here. */
void score_received(struct score *score);

/*
 * How near a mail is to the mark, for people: the bands of the folders in
 * docs/spamassassin.md, scaled to any mark. mark > 0.
 */
enum band {
	BAND_NONE,    /* no score */
	BAND_GOOD,    /* below 0.4 times the mark */
	BAND_BELOW,   /* up to the mark */
	BAND_ABOVE,   /* up to twice the mark */
	BAND_LIKELY,  /* up to four times the mark */
	BAND_CERTAIN, /* above */
	BANDS
};
extern const char *const band_words[BANDS + 1]; /* NULL at the end */
extern const char *const band_titles[BANDS];
enum band band_of(enum score_kind kind, double score, double mark);
/* The band's scores, *least_r <= score < *most_r; infinite at the ends. */
void band_range(enum band band, double mark, double *least_r, double *most_r);

#endif
