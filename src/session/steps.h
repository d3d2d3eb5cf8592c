/* SPDX-License-Identifier: BSD-2-Clause */
/* How policy/ changes the records that store/ keeps: what ties the two. */
#ifndef SESSION_STEPS_H
#define SESSION_STEPS_H

#include "store/store.h"

/* The settings of each note must be a struct policy_settings. */
extern const struct store_steps session_steps;

#endif
