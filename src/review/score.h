/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The score that a content filter wrote into a mail: the forms of amavis,
 * SpamAssassin, rspamd and Exim.
 *
 * A filter's fields stand together above the Received line that the mail had
 * when the filter saw it. So the first field that holds a score counts, with
 * those up to the next Received; in this block an exact number goes before a
 * row of stars. Scores below are counted and else left alone.
 */
#ifndef REVIEW_SCORE_H
#define REVIEW_SCORE_H

#include <stdbool.h>
#include <stddef.h>

/* X-Spam-Level: a star a point; the score is their number or up to one more. */
enum score_kind { SCORE_NONE, SCORE_LEAST, SCORE_EXACT };

struct score {
	enum score_kind kind;
	double value;     /* within -10000..10000 */
	bool is_closed;   /* a Received field stood below a score */
	unsigned others;  /* further scores, which do not count */
	bool may_discard; /* TARGREY_DISCARD_OK is among the tests */
	char tests[160];  /* those with the most points: "BAYES_99 3.5, ..." */
};

/*
 * Takes the next field from the top. value: unfolded. True when it was one that
 * tells a score.
 */
bool score_field(struct score *score, const char *name, const char *value);
/* A Received field stands here. */
void score_received(struct score *score);

/*
 * How near the mark a mail is, for people: bands of the folders in
 * docs/spamassassin.md, for any mark. mark > 0.
 */
enum band {
	BAND_NONE,    /* no score */
	BAND_GOOD,    /* below 0.4 marks */
	BAND_BELOW,   /* up to the mark */
	BAND_ABOVE,   /* up to two marks */
	BAND_LIKELY,  /* up to four marks */
	BAND_CERTAIN, /* above */
	BANDS
};
extern const char *const band_words[BANDS + 1]; /* NULL at the end */
extern const char *const band_titles[BANDS];
enum band band_of(enum score_kind kind, double score, double mark);
/* The scores from *least_r to below *most_r; infinite at the ends. */
void band_range(enum band band, double mark, double *least_r, double *most_r);

#endif
