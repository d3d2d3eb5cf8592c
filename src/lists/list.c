/* SPDX-License-Identifier: BSD-2-Clause */
#include "lists/list.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lists/lines.h"
#include "lists/pattern.h"

#define ADDRESS_SIZE 1024

struct entry {
	struct list_place place; /* place.entry is owned */
	char *key;               /* texts: lower case, owned */
	struct ipnet net;
	struct pattern *pattern;
};

/* Entries of one kind, sorted when all are there (patterns: as read). */
struct table {
	struct entry *entries;
	size_t count, room;
};

enum subject { CLIENT, RECIPIENT, SENDER, SUBJECTS };

struct list {
	struct line_files files;
	struct table names[SUBJECTS];     /* domains, and hosts */
	struct table mailboxes[SUBJECTS]; /* "user@" and "user@domain" */
	struct table patterns[SUBJECTS];
	struct table nets; /* by prefix, then address */
};

/* ---------------------------------------------------------------- loading */

static struct entry *
table_add(struct table *table)
{
	if (table->count == table->room) {
		size_t room = table->room == 0 ? 16 : table->room * 2;
		struct entry *more = realloc(table->entries, room * sizeof *more);
		if (more == NULL)
			return NULL;
		table->entries = more;
		table->room = room;
	}
	struct entry *entry = &table->entries[table->count++];
	*entry = (struct entry){.pattern = NULL};
	return entry;
}

static void
table_free(struct table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		free((char *)(uintptr_t)table->entries[i].place.entry);
		free(table->entries[i].key);
		pattern_free(&table->entries[i].pattern);
	}
	free(table->entries);
}

struct adding {
	const char *path;
	unsigned line;
	const char *written;
	struct error *error;
};

static bool
add_entry(struct table *table, const struct adding *at, const char *key,
    const struct ipnet *net, struct pattern *pattern)
{
	struct entry *entry = table_add(table);

	if (entry == NULL) {
		pattern_free(&pattern);
		error_set(at->error, "out of memory");
		return false;
	}
	entry->pattern = pattern;
	entry->place =
	    (struct list_place){at->path, at->line, text_dup(at->written)};
	entry->key = text_dup(key);
	if (net != NULL)
		entry->net = *net;
	if (entry->key != NULL)
		text_lower(entry->key);
	if (entry->place.entry == NULL || (key != NULL && entry->key == NULL)) {
		error_set(at->error, "out of memory");
		return false;
	}
	return true;
}

static bool
wrong(const struct adding *at, const char *what)
{
	error_set(at->error, "\"%.80s\": %s", at->written, what);
	return false;
}

static bool
add_pattern(struct table *table, const struct adding *at, char *text)
{
	size_t length = strlen(text);

	if (length < 3 || text[length - 1] != '/')
		return wrong(at, "a regular expression stands between two slashes");
	text[length - 1] = '\0';
	struct pattern *pattern = pattern_compile(text + 1, at->error);
	if (pattern == NULL) {
		error_prefix(at->error, "\"%.80s\"", at->written);
		return false;
	}
	return add_entry(table, at, NULL, NULL, pattern);
}

static bool
is_domain(const char *text)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	bool number = true;

	if (*text == '.')
		text++;
	if (strlen(text) > 255)
		return false;
	while (*text != '\0') {
		size_t length = strspn(text, allowed);
		if (length == 0 || (text[length] != '.' && text[length] != '\0'))
			return false;
		number = strspn(text, "0123456789") == length;
		text += length;
		if (*text == '.' && *++text == '\0')
			return false;
	}
	return !number;
}

/* "192.0.2" and "192.0", as postgrey has them */
static bool
read_partial(const char *text, struct ipnet *net_r)
{
	unsigned a, b, c = 0;
	char rest;
	struct ip ip;
	char whole[32];

	if (strspn(text, "0123456789.") != strlen(text) || strlen(text) > 11)
		return false;
	int count = sscanf(text, "%3u.%3u.%3u%c", &a, &b, &c, &rest);
	if (count != 2 && count != 3)
		return false;
	if (text[strlen(text) - 1] == '.')
		return false;
	snprintf(whole, sizeof whole, "%u.%u.%u.0", a, b, c);
	if (!ip_from_text(whole, &ip))
		return false;
	*net_r = ip_network(&ip, count == 3 ? 24 : 16, 128);
	return true;
}

/* As ipnet_from_text(), but host bits are cleared, as postgrey does. */
static bool
read_network(const char *text, struct ipnet *net_r)
{
	char address[IP_TEXT_SIZE];
	size_t length = strcspn(text, "/");
	struct ip ip;
	int64_t bits;

	if (length >= sizeof address)
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	if (!ip_from_text(address, &ip))
		return false;
	bool v4 = strchr(address, ':') == NULL;
	bits = v4 ? 32 : 128;
	if (text[length] == '/' && !text_integer(text + length + 1, 0, bits, &bits))
		return false;
	*net_r = ip_network(&ip, (unsigned)bits, (unsigned)bits);
	if (!v4)
		net_r->prefix = (uint8_t)bits;
	return true;
}

static bool
add_client(struct list *list, const struct adding *at, char *text)
{
	struct ipnet net;

	if (*text == '/')
		return add_pattern(&list->patterns[CLIENT], at, text);
	if (read_partial(text, &net) || read_network(text, &net))
		return add_entry(&list->nets, at, NULL, &net, NULL);
	if (strchr(text, '@') != NULL)
		return wrong(at,
		    "in a list of clients; write recipient: or sender: in front");
	if (strchr(text, '/') != NULL || strchr(text, ':') != NULL)
		return wrong(at, "neither an address nor a network");
	if (!is_domain(text))
		return wrong(
		    at, "neither a name, an address, a network nor /regex/");
	return add_entry(&list->names[CLIENT], at, text, NULL, NULL);
}

static bool
add_address(
    struct list *list, enum subject subject, const struct adding *at, char *text)
{
	char *domain = strrchr(text, '@');

	if (*text == '/')
		return add_pattern(&list->patterns[subject], at, text);
	if (domain == NULL) {
		if (!is_domain(text))
			return wrong(
			    at, "neither a domain, user@, user@domain nor /regex/");
		return add_entry(&list->names[subject], at, text, NULL, NULL);
	}
	if (domain == text)
		return wrong(
		    at, "nothing in front of the @; write the domain alone");
	if (domain[1] != '\0' && domain[1] != '[' &&
	    (domain[1] == '.' || !is_domain(domain + 1)))
		return wrong(at, "no domain behind the @");
	return add_entry(&list->mailboxes[subject], at, text, NULL, NULL);
}

static enum subject
subject_of_file(const char *path)
{
	const char *slash = strrchr(path, '/'),
	           *base = slash == NULL ? path : slash + 1;

	return strstr(base, "recipients") != NULL ? RECIPIENT : CLIENT;
}

/* In a regular expression "#" starts a comment only behind a blank. */
static void
cut_comment(char *text)
{
	bool is_pattern = strchr(text, '/') != NULL;

	for (char *at = strchr(text, '#'); at != NULL; at = strchr(at + 1, '#')) {
		if (!is_pattern ||
		    (at > text && (at[-1] == ' ' || at[-1] == '\t'))) {
			*at = '\0';
			return;
		}
	}
}

static bool
add_line(
    void *ctx, const char *path, unsigned line, char *text, struct error *error)
{
	static const char *const prefixes[SUBJECTS] = {
	    [CLIENT] = "client:", [RECIPIENT] = "recipient:", [SENDER] = "sender:"};
	enum subject subject = subject_of_file(path);
	char written[256];

	cut_comment(text);
	text = text_trim(text);
	text_copy(written, sizeof written, text);
	for (unsigned i = 0; i < SUBJECTS; i++) {
		size_t length = strlen(prefixes[i]);
		if (strncmp(text, prefixes[i], length) == 0) {
			subject = (enum subject)i;
			text = text_trim(text + length);
		}
	}
	const struct adding at = {path, line, written, error};
	if (*text == '\0')
		return wrong(&at, "nothing behind the colon");
	if (strpbrk(text, " \t") != NULL)
		return wrong(&at, "more than one word on a line");
	return subject == CLIENT ? add_client(ctx, &at, text)
	                         : add_address(ctx, subject, &at, text);
}

static int
by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	if (order == 0)
		order = strcmp(x->place.file, y->place.file);
	if (order == 0)
		order = (x->place.line > y->place.line) -
		        (x->place.line < y->place.line);
	return order;
}

static int
compare_nets(const struct ipnet *a, const struct ipnet *b)
{
	if (a->prefix != b->prefix)
		return b->prefix - a->prefix;
	return memcmp(a->ip.bytes, b->ip.bytes, sizeof a->ip.bytes);
}

static int
by_net(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = compare_nets(&x->net, &y->net);

	if (order == 0)
		order = (x->place.line > y->place.line) -
		        (x->place.line < y->place.line);
	return order;
}

static void
table_sort(struct table *table, int (*order)(const void *, const void *))
{
	if (table->count > 1)
		qsort(table->entries, table->count, sizeof *table->entries, order);
}

struct list *
list_load(const char *const *patterns, size_t count, struct error *error)
{
	struct list *list = calloc(1, sizeof *list);

	if (list == NULL) {
		error_set(error, "out of memory");
		return NULL;
	}
	if (!lines_read(patterns, count, &list->files, add_line, list, error)) {
		list_free(&list);
		return NULL;
	}
	for (int i = 0; i < SUBJECTS; i++) {
		table_sort(&list->names[i], by_key);
		table_sort(&list->mailboxes[i], by_key);
	}
	table_sort(&list->nets, by_net);
	return list;
}

void
list_free(struct list **list)
{
	if (*list == NULL)
		return;
	for (int i = 0; i < SUBJECTS; i++) {
		table_free(&(*list)->names[i]);
		table_free(&(*list)->mailboxes[i]);
		table_free(&(*list)->patterns[i]);
	}
	table_free(&(*list)->nets);
	line_files_free(&(*list)->files);
	free(*list);
	*list = NULL;
}

/* --------------------------------------------------------------- matching */

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

/* The name itself, then what stands for all names below: ".b.c", "b.c", ... */
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
	size_t length = strlen(text);

	for (size_t i = 0; i < table->count; i++) {
		if (pattern_match(table->entries[i].pattern, text, length))
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
			if (compare_nets(&nets->entries[middle].net, &wanted) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < nets->count &&
		    compare_nets(&nets->entries[low].net, &wanted) == 0)
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
	char lower[ADDRESS_SIZE];
	const struct entry *entry = find_net(&list->nets, ip);

	if (entry == NULL && name != NULL && text_copy(lower, sizeof lower, name)) {
		text_lower(lower);
		entry = find_name(&list->names[CLIENT], lower);
		if (entry == NULL)
			entry = find_pattern(&list->patterns[CLIENT], lower);
	}
	return found(entry, where_r);
}

/* "user@domain", "user@", and the same without an extension. */
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
	char lower[ADDRESS_SIZE];

	if (*address == '\0' || !text_copy(lower, sizeof lower, address))
		return false;
	text_lower(lower);
	const struct entry *entry = find_pattern(&list->patterns[subject], lower);
	char *domain = strrchr(lower, '@');
	if (entry == NULL && domain != NULL) {
		entry = find_name(&list->names[subject], domain + 1);
		if (entry == NULL)
			entry =
			    find_mailbox(&list->mailboxes[subject], lower, domain);
	}
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

bool
list_has_senders(const struct list *list)
{
	return list->names[SENDER].count + list->mailboxes[SENDER].count +
	           list->patterns[SENDER].count >
	       0;
}

size_t
list_count(const struct list *list)
{
	size_t count = list->nets.count;

	for (int i = 0; i < SUBJECTS; i++)
		count += list->names[i].count + list->mailboxes[i].count +
		         list->patterns[i].count;
	return count;
}
