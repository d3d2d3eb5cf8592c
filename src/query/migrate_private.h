/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of a migration share; private to this folder. */
#ifndef QUERY_MIGRATE_PRIVATE_H
#define QUERY_MIGRATE_PRIVATE_H

#include "query/migrate.h"
#include "query/query_private.h"

struct migration {
	struct query *from, *to;
	int64_t day;
	struct migrate_report *report;
	uint64_t totals[MIGRATE_KINDS];
	void (*progress)(
	    void *ctx, enum migrate_kind kind, uint64_t done, uint64_t total);
	void *ctx;
	struct trouble trouble;
	bool has_failed;
};

/* ---- migrate_sum.c: sums do not depend on the order of rows */
/* Walks through all of them. */
extern const struct address_search migrate_addresses;
extern const struct triplet_search migrate_waiting, migrate_passed;
uint64_t sum_address(int64_t key, const struct address_record *record);
uint64_t sum_domain(const char *name, const struct domain_record *record);
uint64_t sum_origin(const char *name, const struct origin_record *record);
uint64_t sum_network(int64_t day, int64_t hash);
uint64_t sum_triplet(
    int64_t hash, const struct grey_row *row, const struct triplet_text *text);
uint64_t sum_event(const struct event *event);
/* Reads the target again and compares. */
bool migrate_compare(struct migration *migration);

#define PORTION 500

struct record {
	int64_t key, day;
	char *texts[3]; /* a domain's name, or those of a triplet */
	union {
		struct address_record address;
		struct domain_record domain;
		struct origin_record origin;
		struct grey_row triplet;
	};
};

/* Hashes of triplets: a source may have the text of one twice. */
struct seen {
	int64_t *slots; /* 0: free */
	size_t room, count;
};

struct portion {
	struct migration *migration;
	enum migrate_kind kind;
	struct record records[PORTION];
	size_t count;
	struct seen seen;
	/* events */
	int64_t last_id, last_logged;
	bool is_begun;
};

/* ---- migrate_write.c */
/* The reason stands in trouble. Returns false. */
bool portion_failed(struct portion *portion);
bool portion_out_of_memory(struct portion *portion);
/* Writes its records in one transaction; all of it is kept, or nothing. */
bool portion_write(struct portion *portion);
void portion_clear(struct portion *portion);
/* Takes note of a hash; is_new_r: it is the first. */
bool portion_see(struct seen *seen, int64_t hash, bool *is_new_r);

/* ---- migrate_copy.c */
bool migrate_copy(struct migration *migration);

#endif
