/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * S25R: does the client's name look like that of an end-user line? Rules come
 * from a file (conf/s25r.rules). A loaded set is immutable; any thread may
 * match.
 *
 * Source: Asami Hideo, "Selective SMTP Rejection", 2004; rule set as of 2009.
 */
#ifndef LISTS_S25R_H
#define LISTS_S25R_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "words/vocabulary.h"

#define S25R_ID_SIZE 25 /* 24 characters and NUL */

enum s25r_state { S25R_LIST(WORD_ENUM) S25R_STATES };
extern const char *const s25r_state_words[S25R_STATES];

enum s25r_use { S25R_ACTS, S25R_WARNS, S25R_OFF };

struct s25r_rule {
	char id[S25R_ID_SIZE];
	enum s25r_use use;
	unsigned line; /* in the file */
	const char *pattern, *reason;
};

struct s25r;

/* NULL with FILE:LINE, the offset in the pattern and what is wrong. */
struct s25r *s25r_load(const char *path, struct error *error);
/* Accepts NULL; nulls. */
void s25r_free(struct s25r **set);

/* The file it was read from; owned by the set. */
const char *s25r_path(const struct s25r *set);

struct s25r_fact {
	enum s25r_state state;
	/*
	 * First rule that acts, and the first before it that only warns; NULL:
	 * none. Owned by the set.
	 */
	const struct s25r_rule *rule, *warn;
};

/*
 * name  the verified name, or NULL when there is none or it does not lead back
 *       to the client (matched as "unknown")
 * is_temporary  the name could not be looked up: the state is S25R_UNKNOWN
 */
struct s25r_fact s25r_match(
    const struct s25r *set, const char *name, bool is_temporary);

size_t s25r_count(const struct s25r *set);
const struct s25r_rule *s25r_rule_at(const struct s25r *set, size_t index);

#endif
