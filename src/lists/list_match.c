/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/domain.h"
#include "base/text.h"
#include "lists/address.h"
#include "lists/list_private.h"

/* Larger than any DNS name; longer texts match no entry. */
#define NAME_SIZE 1024

static bool
found(const struct entry *entry, struct list_place *where_r)
{
	if (entry != NULL && where_r != NULL)
		*where_r = entry->place;
	return entry != NULL;
}

/* The first entry with this key. */
static const struct entry *
find_key(const struct table *table, const char *key)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(table->entries[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == table->count || strcmp(table->entries[low].key, key) != 0)
		return NULL;
	return &table->entries[low];
}

/*
 * The name itself, then the keys for all names below a domain: ".b.c", "b.c", ...
 */
static const struct entry *
find_name(const struct table *table, const char *name)
{
	const struct entry *entry = NULL;

	if (table->count == 0 || *name == '\0')
		return NULL;
	entry = find_key(table, name);
	for (const char *dot = strchr(name, '.'); entry == NULL && dot != NULL;
	     dot = strchr(dot + 1, '.')) {
		entry = find_key(table, dot);
		if (entry == NULL)
			entry = find_key(table, dot + 1);
	}
	return entry;
}

static const struct entry *
find_pattern(const struct table *table, const char *text)
{
	for (size_t i = 0; i < table->count; i++) {
		if (pattern_match_name(table->entries[i].pattern, text))
			return &table->entries[i];
	}
	return NULL;
}

/* Longest prefix first; one search for each prefix that occurs. */
static const struct entry *
find_net(const struct table *nets, const struct ip *ip)
{
	size_t start = 0;

	while (start < nets->count) {
		unsigned prefix = nets->entries[start].net.prefix;
		struct ipnet wanted = {*ip, (uint8_t)prefix};
		for (unsigned i = 0; i < 16; i++) {
			unsigned bits = prefix > i * 8 ? prefix - i * 8 : 0;
			if (bits < 8)
				wanted.ip.bytes[i] &= (uint8_t)(0xff00u >> bits);
		}
		size_t low = start, high = nets->count;
		while (low < high) {
			size_t middle = low + (high - low) / 2;
			if (list_compare_nets(&nets->entries[middle].net, &wanted) <
			    0)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < nets->count &&
		    list_compare_nets(&nets->entries[low].net, &wanted) == 0)
			return &nets->entries[low];
		/* on to the next shorter prefix */
		for (high = nets->count, start = low; start < high;) {
			size_t middle = start + (high - start) / 2;
			if (nets->entries[middle].net.prefix >= prefix)
				start = middle + 1;
			else
				high = middle;
		}
	}
	return NULL;
}

bool
list_match_client(const struct list *list, const struct ip *ip, const char *name,
    struct list_place *where_r)
{
	char clean[NAME_SIZE];
	const struct entry *entry = find_net(&list->nets, ip);

	if (entry == NULL && name != NULL && strlen(name) < sizeof clean) {
		domain_normalize(clean, sizeof clean, name);
		entry = find_name(&list->names[CLIENT], clean);
		if (entry == NULL)
			entry = find_pattern(&list->patterns[CLIENT], clean);
	}
	return found(entry, where_r);
}

/*
 * "user@domain", "user@", and the same without an extension.
 * domain  the "@" of address
 */
static const struct entry *
find_mailbox(const struct table *table, char *address, char *domain)
{
	const struct entry *entry = find_key(table, address);
	char *plus = memchr(address, '+', (size_t)(domain - address));
	char saved = domain[1];

	if (entry == NULL && plus != NULL && plus > address) {
		memmove(plus, domain, strlen(domain) + 1);
		return find_mailbox(table, address, plus);
	}
	if (entry == NULL) {
		domain[1] = '\0';
		entry = find_key(table, address);
		domain[1] = saved;
	}
	return entry;
}

static bool
match_address(const struct list *list, enum subject subject, const char *address,
    struct list_place *where_r)
{
	char *clean = address_normalize(address);

	if (clean == NULL || *clean == '\0') {
		free(clean);
		return false;
	}
	const struct entry *entry = find_pattern(&list->patterns[subject], clean);
	char *at = address_at(clean);
	if (entry == NULL && at == NULL) {
		/* <postmaster> alone is postmaster at every domain of ours */
		size_t length = strlen(clean);
		char *with_at = realloc(clean, length + 2);
		if (with_at != NULL) {
			clean = with_at;
			memcpy(clean + length, "@", 2);
			entry = find_mailbox(
			    &list->mailboxes[subject], clean, clean + length);
		}
	} else if (entry == NULL) {
		entry = find_name(&list->names[subject], at + 1);
		if (entry == NULL)
			entry = find_mailbox(&list->mailboxes[subject], clean, at);
	}
	free(clean);
	return found(entry, where_r);
}

bool
list_match_recipient(
    const struct list *list, const char *address, struct list_place *where_r)
{
	return match_address(list, RECIPIENT, address, where_r);
}

bool
list_match_sender(
    const struct list *list, const char *address, struct list_place *where_r)
{
	return match_address(list, SENDER, address, where_r);
}
