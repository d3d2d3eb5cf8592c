/* SPDX-License-Identifier: BSD-2-Clause */
/* The two bounded tables of logstudy: clients, and mails refused temporarily. */
#ifndef MAILLOG_CLIENTS_H
#define MAILLOG_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"
#include "lists/s25r.h"
#include "maillog/study.h"

struct log_client {
	uint64_t key; /* keyed hash; 0 = free */
	uint32_t accepted, refused;
	char rule[S25R_ID_SIZE];
	bool is_suspect, is_unknown;
	bool is_let_off; /* a rule matches, but a list exempts it */
};

struct log_clients {
	uint8_t secret[SIPHASH_KEY_SIZE];
	struct log_client *table;
	size_t room, count; /* room is a power of two */
	uint64_t lost;
};
/* false when out of memory. */
bool log_clients_init(struct log_clients *clients);
void log_clients_clear(struct log_clients *clients);
/* NULL when the table is full. Borrowed until the next call. */
struct log_client *log_clients_find(
    struct log_clients *clients, const void *key, size_t length, bool *is_new_r);
/* The clients of a group, and how many of them are suspects. */
struct log_share log_clients_share(
    const struct log_clients *clients, enum log_group group);
/* Adds to count_r, by group, the suspects that this rule made. */
void log_clients_by_rule(const struct log_clients *clients, const char *rule,
    uint64_t count_r[static LOG_GROUPS]);

#define LOG_GAPS 8
struct log_retry; /* one mail that was refused temporarily */
struct log_retries {
	struct log_retry *table;
	uint64_t mails, suspects;       /* different ones */
	uint64_t back, back_suspects;   /* came again */
	uint64_t taken, taken_suspects; /* the client had a mail accepted later */
	uint64_t gap[LOG_GAPS];
	uint64_t cut_short;
};
/* false when out of memory. */
bool log_retries_init(struct log_retries *retries);
void log_retries_clear(struct log_retries *retries);
void log_retries_refuse(
    struct log_retries *retries, const struct log_line *line, bool is_suspect);
/* Mail from ip was accepted at that time, in seconds since 1970. */
void log_retries_accept(
    struct log_retries *retries, const struct ip *ip, int64_t time);
void log_retries_write(const struct log_retries *retries, struct doc *doc);

#endif
