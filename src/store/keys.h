/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys of the tables, for the store and query/. */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/siphash.h"

/* In place of a client: any client. */
#define KEY_ANYWHERE "*"

/* Texts of any length. */
int64_t key_triplet(const uint8_t secret[static SIPHASH_KEY_SIZE],
    const char *client, const char *sender, const char *recipient);

/* Hash of client and sender; sender may also be its person_hash(). */
int64_t key_pair(const uint8_t secret[static SIPHASH_KEY_SIZE], const char *client,
    const char *sender);

/* 47-bit hash of a kind and a text, for the event index and domain_network. */
int64_t key_text(const uint8_t secret[static SIPHASH_KEY_SIZE], const char *kind,
    const char *text);

/* key_address() as an integer, and the reverse. */
int64_t key_from_ip(const struct ip *ip);
struct ip key_to_ip(int64_t key);
/* Every address of the network has a key in this range; others may have one too. */
void key_range(const struct ipnet *net, int64_t *low_r, int64_t *high_r);

/*
 * The key of an origin: the client network of key_budget() with its length
 * ("192.0.2.0/24"), an organisation's domain, or "@" and the senders' domain.
 */
#define ORIGIN_SIZE 257
/* The whole site: verdicts only. */
#define ORIGIN_SITE "*"

/* People's addresses as keyed hashes: "#" and 16 hex digits. */
#define PERSON_SIZE 18
/* "" stays "". Returns buf. */
const char *person_hash(const uint8_t secret[static SIPHASH_KEY_SIZE],
    const char *person, char buf[static PERSON_SIZE]);
/*
 * Hashes each word of a list separated by blanks; leaves out what does not fit.
 * Returns buf.
 */
const char *person_hash_list(const uint8_t secret[static SIPHASH_KEY_SIZE],
    const char *list, char *buf, unsigned size);

#endif
