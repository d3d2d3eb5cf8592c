/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header of one mail, as far as a list of mails needs it: who, what, and what
 * the content filter and targrey said. Nothing below the empty line is read.
 *
 * When a field occurs more than once the topmost counts: anyone may have written
 * the ones below. All texts are valid UTF-8 without control characters, cut to
 * their size; MIME words are decoded. The texts may contain markup.
 */
#ifndef REVIEW_HEAD_H
#define REVIEW_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "record/words.h"
#include "review/score.h"

/* Octets. A longer header is read up to here and reported as cut. */
#define HEAD_MOST (256 * 1024)

#define HEAD_TEXT_SIZE 400

/* Oddities, as bits; head_notes() puts them into words. */
enum head_note {
	HEAD_CUT = 1,              /* longer than HEAD_MOST */
	HEAD_NULS = 2,             /* NUL octets, shown as U+FFFD */
	HEAD_OTHER_SCORES = 4,     /* further scores below the one that counts */
	HEAD_NO_END = 8,           /* no empty line: the header is all there is */
	HEAD_BROKEN = 16,          /* lines that are not header fields */
	HEAD_ODD_SESSION = 32,     /* X-TaRgrey-Session is malformed */
	HEAD_LACKS_RECIPIENTS = 64 /* envelope_to does not hold all of them */
};

struct head {
	struct score score;
	char from[HEAD_TEXT_SIZE], subject[HEAD_TEXT_SIZE], to[HEAD_TEXT_SIZE];
	char message_id[HEAD_TEXT_SIZE];
	char client[HEAD_TEXT_SIZE]; /* its verified name, else its address */
	char client_ip[64];
	char flags[256]; /* X-TaRgrey-Flags; "" = none */
	struct session_words session;
	bool has_session;
	/* added by quarantine and delivery; used for release */
	char envelope_from[HEAD_TEXT_SIZE]; /* Return-Path, X-Envelope-From */
	char envelope_to[2048];             /* separated by single blanks */
	char quarantine_id[64];
	unsigned notes; /* bits of enum head_note */
};

/* text: the header or more; only the part before the first empty line is read. */
void head_parse(const char *text, size_t length, struct head *head_r);

/*
 * Reads from the descriptor's current position and leaves it open. is_gzip: it
 * holds a gzip stream. false: it cannot be read or is not a gzip stream.
 */
bool head_read(int fd, bool is_gzip, struct head *head_r, struct error *error);

/* The oddities in words, separated by "; "; "" for none. Returns buf. */
const char *head_notes(unsigned notes, char *buf, size_t size);

/* Why the mail scored as it did and how its client behaved. Returns buf. */
const char *head_why(const struct head *head, char *buf, size_t size);

#endif
