/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is remembered between sessions, as plain values. The store keeps them,
 * policy/ says how they change, session/ and the headers show them.
 *
 * All times are seconds since 1970; 0 means never.
 */
#ifndef RECORD_HISTORY_H
#define RECORD_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/ip.h"

/* Known for ever: no step of the daemon shortens it. */
#define KNOWN_FOREVER CLOCK_LAST

/* One triplet (network or SPF domain, sender, recipient). first 0: no such row. */
struct grey_row {
	int64_t first;    /* first attempt of this series */
	int64_t last;     /* last attempt */
	int64_t last_try; /* last attempt that counted as a try */
	int64_t passed;   /* last use since the tries were reached */
	uint32_t tries;
	/* An attempt came less than retry_gap after one at the same MX. */
	bool early;
	uint64_t mxs; /* where it was tried since first: record/mx.h; 0: passed */
};

/* One address: IPv4 /32, IPv6 /64. first_seen 0: no such record. */
struct address_record {
	int64_t first_seen, last_seen;
	int64_t last_success;
	int64_t last_counted;  /* last success that counted towards known */
	int64_t last_unproven; /* last unproven hold that counted */
	int64_t last_gaveup;
	int64_t known_until;
	uint32_t sessions, successes;
	uint32_t counted; /* successes that count towards known */
	uint32_t gaveup;
	uint32_t gaveup_secs; /* how long the last one had waited */
	/* Feedback from content filters, in COUNT_UNITs, as it was when rated. */
	uint32_t ham, spam;
	int64_t rated;
};

/* One SPF domain. first_seen 0: no such record. */
struct domain_record {
	int64_t first_seen, last_seen;
	int64_t last_success;
	int64_t last_counted;
	int64_t known_until;
	uint32_t successes, counted;
	uint32_t networks; /* different client networks in the current day */
};

/* The value of one in counts that are halved with time. Such counts saturate. */
#define COUNT_UNIT 1024

static inline uint32_t
count_rounded(uint32_t count)
{
	return count / COUNT_UNIT + (count % COUNT_UNIT >= COUNT_UNIT / 2);
}

/*
 * Where clients come from: a network, or an organisation. All counts are in
 * COUNT_UNITs, as they were at the time decayed. first_seen 0: no such record.
 */
struct origin_record {
	int64_t first_seen, last_seen;
	int64_t decayed;
	uint32_t sessions, successes, gaveup;
	uint32_t ham, spam;
	/*
	 * A bit for each person of ours (by hash, some share one) who had ham from
	 * there; see policy/share.h. They do not fade.
	 */
	uint64_t people;
};

/* A domain seen from more networks than this in a day is not used as a key. */
#define DOMAIN_MAX_NETWORKS 64

/* What one recall found. */
struct history {
	struct address_record address;
	struct domain_record domain;
	/*
	 * Counts as they are now. Records of zeros where nothing was seen before,
	 * or where the organisation is not known; origins_known: they were looked
	 * for at all.
	 */
	struct origin_record network, organisation;
	struct origin_record site; /* all verdicts; zeros where it was not wanted */
	bool origins_known;
	bool has_organisation, has_sender_domain; /* that one is known */
	int64_t sender_domain_seen;               /* first delivery of its mail */
	/*
	 * The row of each triplet asked for, in order, each the best of the
	 * rows under its network and its SPF domain (see policy/grey.h,
	 * grey_better()).
	 */
	struct grey_row *rows;
	size_t rows_count;
	/*
	 * For each row: the attempt of this visit is already in it (or on its way),
	 * so that it must not be counted again; NULL: in none. Set by the session,
	 * not by the store.
	 */
	const bool *rows_noted;
	int64_t noted_at; /* when they were noted; 0: none was */
};

/* What happened: what the store is told and policy's steps are given. */
enum outcome {
	OUTCOME_NONE,    /* nothing that is remembered; a note may carry an event */
	OUTCOME_ATTEMPT, /* a hold began, or a 450 is about to be sent */
	OUTCOME_GONE,    /* the client left during the hold */
	OUTCOME_ENDURED, /* hold elapsed, client still there, message arrived */
	OUTCOME_UNPROVEN, /* hold elapsed, socket not visible, message arrived */
	OUTCOME_PASSED,   /* tries reached, message arrived */
	OUTCOME_KNOWN,    /* a known client was used; refreshes last use */
	OUTCOME_SEEN,     /* a session that said MAIL has ended */
	/*
	 * An attempt on record, noted again at its own time, since the SPF
	 * domain of the client has become known meanwhile.
	 */
	OUTCOME_DOMAIN_FOUND
};

/* Address and network keys of a client (prefixes as above; network IPv4 /24). */
struct ip key_address(const struct ip *ip);
struct ipnet key_network(const struct ip *ip);
/* Coarser network of the budget: IPv4 /24, IPv6 /48. */
struct ipnet key_budget(const struct ip *ip);

#endif
