/* SPDX-License-Identifier: BSD-2-Clause */
/* One event as the summaries of this folder see it; built once per event. */
#ifndef REPORT_VIEW_H
#define REPORT_VIEW_H

#include <stdbool.h>

#include "record/event.h"

struct event_view {
	const struct event *event;
	bool is_mail; /* a transaction, not a session without one */
	bool is_exempt;
	bool is_suspect; /* a selector marked it, whatever was done with it */
	bool is_warned;  /* only a rule or selector on trial did */
	bool is_held, is_gone;
	bool is_greylisted; /* got our 450 at DATA, or the 421 in its place */
	bool is_refused;    /* got any 4xx reply of ours */
	bool is_delivered;
	bool is_let_through; /* by targrey, whatever others did afterwards */
	bool is_ham, is_spam;
};

/* Borrows event, whose words must be set. */
struct event_view view_of(const struct event *event);
/* "" when the event has no such key. */
const char *view_word(const struct event_view *view, enum session_key key);
/* 0 when it is not a number */
uint32_t view_number(const struct event_view *view, enum session_key key);

#endif
