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
 * Makes the requesting user the reviewer and brings their folders up to date. On
 * failure says on the page what is wrong and returns false; body may be NULL.
 */
bool pages_begin(struct admin *admin, struct web_request *request, FILE *body,
    struct folders *folders_r);
/* The mail with that id, if it is in one of these folders. */
bool pages_find(struct admin *admin, const struct folders *folders, const char *id,
    struct own_mail *mail_r, struct error *error);
/* The band named by the query or the form; -1: none. */
int pages_band(const struct web_request *request);
/* Makes a filter of the text and band in the query or the form. */
void pages_filter(struct admin *admin, const struct web_request *request,
    const struct folders *folders, struct mail_filter *filter_r);
/* The buttons for the selected mails. */
extern const char pages_bulk[];

#endif
