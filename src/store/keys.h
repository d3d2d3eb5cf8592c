/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys of the tables, for the store and query/. */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/siphash.h"

/* Of any length of text, without a copy on the heap up to a few KiB. */
/* As client: any of them. */
#define KEY_ANYWHERE "*"
int64_t key_triplet(const uint8_t secret[static SIPHASH_KEY_SIZE],
    const char *client, const char *sender, const char *recipient);

/* Hash of the first two of them; sender may be its person_hash() as well. */
int64_t key_pair(const uint8_t secret[static SIPHASH_KEY_SIZE], const char *client,
    const char *sender);

/* Hash of a kind and a text, for the index of events and domain_network. */
int64_t key_text(const uint8_t secret[static SIPHASH_KEY_SIZE], const char *kind,
    const char *text);

/* key_address() as an integer and back. */
int64_t key_from_ip(const struct ip *ip);
struct ip key_to_ip(int64_t key);
/* Every address of the network has a key between these; others may, too. */
void key_range(const struct ipnet *net, int64_t *low_r, int64_t *high_r);

/*
 * What an origin is kept under: the client network of key_budget() with its
 * length ("192.0.2.0/24"), the domain of an organisation, or "@" and the domain
 * of senders.
 */
#define ORIGIN_SIZE 257
/* All of them together: verdicts only. */
#define ORIGIN_SITE "*"

/* Addresses of people as keyed hashes: "#" and 16 hex digits. */
#define PERSON_SIZE 18
/* "" stays "". Returns buf. */
const char *person_hash(const uint8_t secret[static SIPHASH_KEY_SIZE],
    const char *person, char buf[static PERSON_SIZE]);
/* Each word of a list separated by single blanks; cut to size. Returns buf. */
const char *person_hash_list(const uint8_t secret[static SIPHASH_KEY_SIZE],
    const char *list, char *buf, unsigned size);

#endif
