/* SPDX-License-Identifier: BSD-2-Clause */
/* What missing.c gathers and missing_write.c writes. Private to the two. */
#ifndef REPORT_MISSING_PRIVATE_H
#define REPORT_MISSING_PRIVATE_H

#include "base/ip.h"
#include "report/missing.h"

struct mail {
	uint64_t key;    /* 0: free */
	uint64_t domain; /* of the sender, hashed; 0: none that counts */
	int64_t first, last, last_id;
	uint32_t attempts;
	uint8_t signs;
	bool is_through, is_chosen;
	struct names *names; /* of the chosen */
};

struct names {
	char *client, *ptr, *sender, *recipients, *sid;
	char ip[IP_TEXT_SIZE], how[24];
};

struct table {
	struct mail *slots; /* open addressing, at most half full */
	size_t room, used;
};

struct missing {
	struct table mails;
	uint64_t *domains; /* hashes of those that were let through, likewise */
	size_t domains_room, domains_used;
	struct mail **chosen;
	size_t chosen_count, undelivered, unwatched;
	int64_t until;          /* later: may come back */
	size_t away[SIGNS + 1]; /* stayed away, by the strongest sign; last: none */
	bool failed;
};

/* Of one visit; SIGN_DOMAIN and SIGN_TRIED take more than one. */
unsigned missing_signs_of(const struct event_view *view);
/*
 * Whether what the sender's address says can be a sign. Not when it is the null
 * sender, when SPF says that it is forged or passes for all the world, or when it
 * is one of the recipient's own domain without a narrow SPF pass.
 */
bool missing_sender_counts(const struct event_view *view);

#endif
