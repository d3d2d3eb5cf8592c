/* SPDX-License-Identifier: BSD-2-Clause */
/* %u in the paths of the configuration. */
#ifndef REVIEW_USERS_H
#define REVIEW_USERS_H

#include "review/review.h"

/* A name allowed in a path: A-Z a-z 0-9 . _ @ + -, not beginning with ".". */
bool is_user(const char *name);
/*
 * The path with every %u replaced by review->who; "" when that name is not allowed
 * in a path. Lives as long as the program.
 */
const char *user_path(const struct review *review, const char *path);

#endif
