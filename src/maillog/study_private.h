/* SPDX-License-Identifier: BSD-2-Clause */
/* What study.c counts and study_write.c shows. */
#ifndef MAILLOG_STUDY_PRIVATE_H
#define MAILLOG_STUDY_PRIVATE_H

#include "maillog/accepted.h"
#include "maillog/clients.h"
#include "maillog/study.h"
#include "maillog/unread.h"
#include "report/tally.h"

struct logstudy {
	struct study_settings settings;
	struct log_clock clock;
	struct log_unread unread;
	struct log_clients clients, names;
	struct log_accepted accepted;
	struct log_retries retries;
	struct tally *delivering; /* suspects that delivered: by name */
	uint64_t other, too_long, exempt, users;
	uint64_t mails, mails_of_suspects, mails_let_off;
	uint64_t refused_at_end, given_up;
	uint64_t refused_for_good, refused_for_now, warned;
	int64_t first, last;
	bool has_messages; /* the log tells of messages, not only of clients */
};

#endif
