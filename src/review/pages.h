/* SPDX-License-Identifier: BSD-2-Clause */
/* What targrey-review serves. ctx is the struct admin of the serve command. */
#ifndef REVIEW_PAGES_H
#define REVIEW_PAGES_H

#include "review/cmds.h"
#include "web/web.h"

void page_list(void *ctx, struct web_request *request, FILE *body);
void page_mail(void *ctx, struct web_request *request, FILE *body);
void page_log(void *ctx, struct web_request *request, FILE *body);
void page_sure(void *ctx, struct web_request *request, FILE *body);
void page_act(void *ctx, struct web_request *request, FILE *body);
void page_band(void *ctx, struct web_request *request, FILE *body);
void page_undo(void *ctx, struct web_request *request, FILE *body);

/*
 * Whoever asks becomes the reviewer, and his folders are brought up to date.
 * false after it said on the page what is wrong; body may be NULL.
 */
bool pages_begin(struct admin *admin, struct web_request *request, FILE *body,
    struct folders *folders_r);
/* The mail of that id, if it lies in one of these folders. */
bool pages_find(struct admin *admin, const struct folders *folders, const char *id,
    struct own_mail *mail_r, struct error *error);
/* The band that the query or the form names; -1: none. */
int pages_band(const struct web_request *request);
/* The query's or the form's text and band, as a filter. */
void pages_filter(struct admin *admin, const struct web_request *request,
    const struct folders *folders, struct mail_filter *filter_r);
/* The buttons for mails that are chosen. */
extern const char pages_bulk[];

#endif
