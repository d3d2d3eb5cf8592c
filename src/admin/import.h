/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the readers of other greylisters' data. */
#ifndef ADMIN_IMPORT_H
#define ADMIN_IMPORT_H

#include "admin/cmd.h"
#include "record/history.h"

#define IMPORT_KEY 2048
/* Rows per transaction: few, so that the daemon does not wait. */
#define IMPORT_BATCH 256

/* A triplet or, without a sender, an address. */
struct import_row {
	struct ip ip;
	char *sender, *recipient; /* folded */
	struct grey_row triplet;
	struct address_record address;
};

struct import {
	const char *path, *kind;
	bool (*read)(struct import *, char *line);
	struct query *query;
	const struct policy_settings *policy;
	struct doc *doc; /* receives one row for each bad line */
	struct error *error;
	int64_t now, delay_s;
	uint64_t line, lines;
	uint64_t triplets, passed, addresses, known, networks, skipped, entries;
	struct import_row batch[IMPORT_BATCH]; /* rows not written yet */
	unsigned in_batch;
	bool is_dry, failed;

	/* sqlgrey */
	bool is_utc;       /* times without a zone are UTC */
	const char *table; /* whose rows may continue on the next line */

	/* postgrey */
	bool in_data, is_hex, has_key;
	char key[IMPORT_KEY];
};

void import_begin(struct import *import, const char *path);
/* Writes the remaining rows; false with the reason. */
bool import_end(struct import *import);
/* Frees the rows not written yet. */
void import_clear(struct import *import);
/* Records that the current line was not understood. */
void import_wrong(struct import *import, const char *what);

/* One row each; false with the reason when the database fails. */
bool import_triplet(struct import *import, const struct ip *ip, const char *sender,
    const char *recipient, int64_t first, int64_t last, bool has_passed);
/* successes  how many so far; last: time of the last one */
bool import_address(
    struct import *import, const struct ip *ip, uint32_t successes, int64_t last);

/* false only when the database fails */
bool import_postgrey_line(struct import *import, char *line);
bool import_sqlgrey_line(struct import *import, char *line);
bool import_whitelist_line(struct import *import, char *line);

#endif
