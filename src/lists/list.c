/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/domain.h"
#include "base/text.h"
#include "lists/address.h"
#include "lists/list_private.h"

/* A wider network is a typing mistake: it would exempt half of the Internet. */
enum { WIDEST_V4 = 8, WIDEST_V6 = 16 };

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
table_clear(struct table *table)
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

/* Does it match names and addresses that share nothing but their form? */
static bool
matches_all(const struct pattern *pattern, bool is_client)
{
	static const char *const names[] = {
	    "mail.example.com", "a.test", "p1-2.line.example.net"};
	static const char *const addresses[] = {
	    "info@example.com", "a@b.test", "x-1+y@line.example.net"};
	const char *const *probes = is_client ? names : addresses;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!pattern_match(pattern, probes[i], strlen(probes[i])))
			return false;
	}
	return true;
}

static bool
add_pattern(
    struct table *table, const struct adding *at, char *text, bool is_client)
{
	size_t length = strlen(text);

	if (length < 3 || text[length - 1] != '/')
		return wrong(at,
		    "a regular expression must stand between two slashes: /regex/");
	text[length - 1] = '\0';
	struct pattern *pattern = pattern_compile(text + 1, at->error);
	if (pattern == NULL) {
		error_prefix(at->error, "\"%.80s\"", at->written);
		return false;
	}
	if (matches_all(pattern, is_client)) {
		pattern_free(&pattern);
		return wrong(
		    at, "matches everything, so everybody would be let off");
	}
	return add_entry(table, at, NULL, NULL, pattern);
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

/* otherwise  the error for a text that is not a domain */
static bool
add_name(struct table *table, const struct adding *at, const char *text,
    const char *otherwise)
{
	char key[DOMAIN_SIZE] = ".";
	size_t dot = *text == '.';

	if (!domain_normalize(key + dot, DOMAIN_SIZE - dot, text + dot) ||
	    !domain_is_name(key))
		return wrong(at, otherwise);
	if (strchr(key + dot, '.') == NULL && strcmp(key + dot, "localhost") != 0)
		return wrong(at, "a name without a dot would let off a whole "
		                 "top-level domain");
	return add_entry(table, at, key, NULL, NULL);
}

static bool
add_client(struct list *list, const struct adding *at, char *text)
{
	struct ipnet net;

	if (*text == '/')
		return add_pattern(&list->patterns[CLIENT], at, text, true);
	if (read_partial(text, &net) || read_network(text, &net)) {
		if (net.prefix < (ip_is_v4(&net.ip) ? 96 + WIDEST_V4 : WIDEST_V6))
			return wrong(at, "wider than /8 (IPv6: /16)");
		return add_entry(&list->nets, at, NULL, &net, NULL);
	}
	if (strchr(text, '@') != NULL)
		return wrong(at,
		    "a mail address in a list of clients; put recipient: or "
		    "sender: in front of it");
	if (strchr(text, '/') != NULL || strchr(text, ':') != NULL)
		return wrong(at, "neither an IP address nor a network");
	return add_name(&list->names[CLIENT], at, text,
	    "neither a name, an address, a network nor /regex/");
}

static bool
add_address(
    struct list *list, enum subject subject, const struct adding *at, char *text)
{
	if (*text == '/')
		return add_pattern(&list->patterns[subject], at, text, false);
	if (address_at(text) == NULL)
		return add_name(&list->names[subject], at, text,
		    "neither a domain, user@, user@domain nor /regex/");
	char *address = address_normalize(text);
	if (address == NULL) {
		error_set(at->error, "out of memory");
		return false;
	}
	const char *domain = address_at(address);
	bool ok = false;
	if (domain == NULL || domain == address)
		wrong(at, "nothing before the @; write the domain alone");
	else if (domain[1] != '\0' && domain[1] != '[' &&
	         (domain[1] == '.' || !domain_is_name(domain + 1)))
		wrong(at, "what follows the @ is not a domain");
	else
		ok = add_entry(&list->mailboxes[subject], at, address, NULL, NULL);
	free(address);
	return ok;
}

static enum subject
subject_of_file(const char *path)
{
	const char *slash = strrchr(path, '/'),
	           *base = slash == NULL ? path : slash + 1;

	return strstr(base, "recipients") != NULL ? RECIPIENT : CLIENT;
}

/* In a regular expression "#" starts a comment only after a blank. */
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
		return wrong(&at, "nothing after the colon");
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

int
list_compare_nets(const struct ipnet *a, const struct ipnet *b)
{
	if (a->prefix != b->prefix)
		return b->prefix - a->prefix;
	return memcmp(a->ip.bytes, b->ip.bytes, sizeof a->ip.bytes);
}

static int
by_net(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = list_compare_nets(&x->net, &y->net);

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
		table_clear(&(*list)->names[i]);
		table_clear(&(*list)->mailboxes[i]);
		table_clear(&(*list)->patterns[i]);
	}
	table_clear(&(*list)->nets);
	line_files_clear(&(*list)->files);
	free(*list);
	*list = NULL;
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
