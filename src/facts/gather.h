/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every fact of a transaction that needs DNS, gathered by one background job:
 * SPF of both identities, whether the HELO name leads to the client, whether
 * the sender's domain exists, DNS lists. Started at MAIL; the timeout runs from
 * there, time in the queue included. Workers own the job's result and never touch
 * a session.
 */
#ifndef FACTS_GATHER_H
#define FACTS_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/ip.h"
#include "spf/spf.h"
#include "words/vocabulary.h"

enum helo_dns { HELO_DNS_LIST(WORD_ENUM) HELO_DNS_STATES };

#define DNSBL_TEXT_SIZE 129

struct dns_facts {
	struct spf_fact mailfrom, helo;
	enum helo_dns helo_dns;
	bool sender_nodns; /* neither MX nor address; false when unknown */
	bool sender_known; /* the question was answered */
	int dnsbl_weight;  /* sum of the weights of the lists that answered */
	char *dnsbl;       /* names of the lists, joined by ','; or "" */
	int64_t ms;        /* from gather_start() to the end */
	bool timed_out;    /* a look-up had no answer by the deadline or last try */
	/* nothing was looked up: no room in the queue, or for a resolver */
	bool limited;
};
/* Sets everything to skipped or unknown, as in a session without DNS. */
void dns_facts_clear(struct dns_facts *facts);
/*
 * Copies it with its texts into one block that the caller frees; NULL: out of
 * memory.
 */
struct dns_facts *dns_facts_copy(const struct dns_facts *facts);

struct dnsbl_setting {
	const char *zone;
	const char *name; /* <= 24 characters, as in the header */
	uint8_t mask;     /* last octet & mask must not be 0; 0xff = any */
	int weight;       /* negative for a list of good senders */
};

struct gather_settings {
	const char *servers; /* "192.0.2.53,127.0.0.1:5353", "" = the system's */
	int64_t timeout_ms;
	bool spf;
	const struct dnsbl_setting *lists;
	size_t lists_count;
	unsigned workers; /* at most, 1..64; started when needed */
	size_t max_queued;
};

/* The workers and their resolvers. */
struct gatherer;

/* Settings are copied, clock is borrowed. The caller closes; NULL: see error. */
struct gatherer *gatherer_open(const struct gather_settings *settings,
    const struct clock *clock, struct error *error);
/*
 * (blocks) until running jobs end, at their deadline at the latest. Accepts NULL;
 * nulls.
 */
void gatherer_close(struct gatherer **gatherer);

/*
 * Writes to buf why the n-th of the lists left out, from 0, is left out
 * ("bl.example lists ..."); false when there are fewer.
 */
bool gatherer_trouble(
    const struct gatherer *gatherer, unsigned n, char *buf, size_t size);

struct gather; /* one job; reference counted */

struct gather_request {
	struct ip ip;
	const char *helo;   /* as said, or NULL */
	const char *sender; /* local@domain without brackets; "" = null sender */
};

/*
 * Starts the job; texts are copied. done(ctx, number) is called once, on a
 * worker's thread (or by this function when the queue is full: then the result
 * is ready, with limited set). ctx must live until then or until gather_drop() has
 * returned. NULL only when out of memory.
 */
struct gather *gather_start(struct gatherer *gatherer,
    const struct gather_request *request, void (*done)(void *ctx, uint64_t number),
    void *ctx, uint64_t number);

/*
 * A copy of the result for the caller to free, when the job has ended. NULL while
 * it runs, or when out of memory.
 */
struct dns_facts *gather_result(const struct gather *gather);

/* The time (clock_mono_ms) by which it ends at the latest. */
int64_t gather_deadline_ms(const struct gather *gather);

/*
 * The session needs it no more; done is not called after this. Accepts NULL;
 * nulls.
 */
void gather_drop(struct gather **gather);

#endif
