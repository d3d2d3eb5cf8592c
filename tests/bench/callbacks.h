/* SPDX-License-Identifier: BSD-2-Clause */
/* Callbacks of libmilter that do nothing but let go on, for what is measured
 * against. */
#ifndef TESTS_BENCH_CALLBACKS_H
#define TESTS_BENCH_CALLBACKS_H

#include <stddef.h>
#include <sys/types.h>

#include <libmilter/mfapi.h>

sfsistat continue_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address);
sfsistat continue_text(SMFICTX *ctx, char *text);
sfsistat continue_words(SMFICTX *ctx, char **words);
sfsistat continue_header(SMFICTX *ctx, char *name, char *value);
sfsistat continue_event(SMFICTX *ctx);
sfsistat continue_body(SMFICTX *ctx, unsigned char *body, size_t length);
sfsistat continue_unknown(SMFICTX *ctx, const char *command);

/* Serves at that path for ever. Returns main()'s value. */
int callbacks_serve(struct smfiDesc filter, const char *path);

#endif
