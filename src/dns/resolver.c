/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/resolver.h"

#include <ares.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "base/text.h"
#include "dns/name.h"
#include "dns/packet.h"
#include "dns/servers.h"

#define MAX_QUESTIONS 512  /* a job; SPF has its own, lower limit */
#define UDP_SIZE      1232 /* EDNS; DNS flag day 2020 */
#define LOOK_MS       200  /* called_off is checked this often */
#define MIN_TRY_MS    50

struct dns_question {
	struct dns_question *next;
	struct resolver *resolver;
	enum dns_type type;
	bool is_open;
	struct dns_answer answer;
	char name[DNS_NAME_SIZE];
};

struct resolver {
	const struct clock *clock;
	char *servers;
	int64_t timeout_ms;
	unsigned
	    preferred; /* index of a server that answered when others did not */

	/* the job */
	ares_channel channel; /* NULL: could not be made */
	unsigned server_count;
	int64_t deadline_ms;
	const atomic_bool *called_off; /* may be NULL */
	bool is_over;       /* a query cancelled now counts as timed out */
	bool is_reordering; /* preferred has changed; the channel has not yet */
	unsigned open, count;
	struct dns_counters counters;
	struct dns_question *questions;
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void
library_init(void)
{
	ares_library_init(ARES_LIB_INIT_ALL);
}

/* Timeout of the first round; c-ares doubles it for the second. */
static int
try_ms(const struct resolver *resolver)
{
	int64_t ms = resolver->timeout_ms / (5 * resolver->server_count);

	return (int)(ms < MIN_TRY_MS ? MIN_TRY_MS : ms);
}

static ares_channel
make_channel(const struct resolver *resolver, int *failed_r)
{
	ares_channel channel = NULL;
	char lookups[] = "b";
	struct ares_options options = {
	    .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
	    .timeout = try_ms(resolver),
	    .tries = 2,
	    .ednspsz = UDP_SIZE,
	    .lookups = lookups,
	};

	*failed_r = ares_init_options(&channel, &options,
	    ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
	        ARES_OPT_EDNSPSZ | ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS);
	if (*failed_r != ARES_SUCCESS)
		return NULL;
	if (resolver->servers[0] != '\0')
		*failed_r = ares_set_servers_ports_csv(channel, resolver->servers);
	if (*failed_r != ARES_SUCCESS) {
		ares_destroy(channel);
		return NULL;
	}
	return channel;
}

/* Puts the preferred server first. Call only while no query is open. */
static void
order_servers(struct resolver *resolver, unsigned first)
{
	struct ares_addr_port_node *list = NULL, *last, *new_last;

	if (ares_get_servers_ports(resolver->channel, &list) != ARES_SUCCESS ||
	    list == NULL)
		return;
	resolver->server_count = 0;
	for (last = list;; last = last->next) {
		resolver->server_count++;
		if (last->next == NULL)
			break;
	}
	first %= resolver->server_count;
	if (first > 0) {
		new_last = list;
		for (unsigned i = 1; i < first; i++)
			new_last = new_last->next;
		last->next = list;
		list = new_last->next;
		new_last->next = NULL;
		ares_set_servers_ports(resolver->channel, list);
	}
	ares_free_data(list);
}

struct resolver *
resolver_open(const char *servers, int64_t timeout_ms, const struct clock *clock,
    struct error *error)
{
	struct resolver *resolver = calloc(1, sizeof *resolver);
	int failed = ARES_ENOMEM;

	pthread_once(&library_once, library_init);
	if (!dns_servers_check(servers, error)) {
		free(resolver);
		return NULL;
	}
	if (resolver == NULL) {
		error_set(error, "out of memory");
		return NULL;
	}
	resolver->clock = clock;
	resolver->timeout_ms = timeout_ms;
	resolver->server_count = 1;
	resolver->servers = text_dup(servers);
	if (resolver->servers != NULL)
		resolver->channel = make_channel(resolver, &failed);
	if (resolver->channel == NULL) {
		error_set(error, "name servers \"%s\": %s", servers,
		    ares_strerror(failed));
		resolver_close(&resolver);
		return NULL;
	}
	order_servers(resolver, 0);
	ares_destroy(resolver->channel);
	resolver->channel = NULL;
	return resolver;
}

void
resolver_close(struct resolver **resolver_ptr)
{
	struct resolver *resolver = *resolver_ptr;

	if (resolver == NULL)
		return;
	*resolver_ptr = NULL;
	resolver_end(resolver);
	free(resolver->servers);
	free(resolver);
}

bool
resolver_is_called_off(const struct resolver *resolver)
{
	return resolver->called_off != NULL && atomic_load(resolver->called_off);
}

bool
resolver_is_over(const struct resolver *resolver)
{
	return clock_mono_ms(resolver->clock) >= resolver->deadline_ms ||
	       resolver_is_called_off(resolver);
}

void
resolver_begin(
    struct resolver *resolver, int64_t deadline_ms, const atomic_bool *called_off)
{
	int failed;

	resolver_end(resolver);
	resolver->deadline_ms = deadline_ms;
	resolver->called_off = called_off;
	resolver->is_over = false;
	resolver->is_reordering = false;
	resolver->counters = (struct dns_counters){0};
	if (resolver_is_over(resolver))
		return;
	resolver->channel = make_channel(resolver, &failed);
	if (resolver->channel != NULL)
		order_servers(resolver, resolver->preferred);
}

/* Called by ares_process_fd(), ares_query() or ares_cancel(). */
static void
on_answer(void *arg, int status, int timeouts, unsigned char *packet, int length)
{
	struct dns_question *question = arg;
	struct resolver *resolver = question->resolver;

	resolver->open--;
	question->is_open = false;
	if (status == ARES_ETIMEOUT ||
	    (status == ARES_ECANCELLED && resolver->is_over)) {
		question->answer.status = DNS_TIMEOUT;
		resolver->counters.timeouts++;
		return;
	}
	resolver->counters.answered += packet != NULL;
	if (packet != NULL && length > 0)
		dns_packet_parse(packet, (size_t)length, question->name,
		    question->type, &question->answer);
	else
		question->answer.status = DNS_SERVFAIL;
	if (question->answer.status != DNS_SERVFAIL && timeouts > 0 &&
	    resolver->server_count > 1 && !resolver->is_reordering) {
		resolver->preferred = (resolver->preferred + (unsigned)timeouts) %
		                      resolver->server_count;
		resolver->is_reordering = true;
	}
}

static struct dns_question *
find(const struct resolver *resolver, const char *name, enum dns_type type)
{
	struct dns_question *question = resolver->questions;

	while (question != NULL &&
	       (question->type != type || strcmp(question->name, name) != 0))
		question = question->next;
	return question;
}

/* c-ares reads a backslash as an escape. */
static void
escape(char target[static 2 * DNS_NAME_SIZE], const char *name)
{
	for (; *name != '\0'; name++) {
		if (*name == '\\')
			*target++ = '\\';
		*target++ = *name;
	}
	*target = '\0';
}

/*
 * A new channel when another server is to come first: a channel's order is fixed.
 */
static void
reorder(struct resolver *resolver)
{
	int failed;

	if (resolver->open > 0 || !resolver->is_reordering)
		return;
	resolver->is_reordering = false;
	ares_destroy(resolver->channel);
	resolver->channel = make_channel(resolver, &failed);
	if (resolver->channel != NULL)
		order_servers(resolver, resolver->preferred);
}

static void
send_question(struct resolver *resolver, struct dns_question *question)
{
	char escaped[2 * DNS_NAME_SIZE];

	if (resolver_is_over(resolver)) {
		question->answer.status = DNS_TIMEOUT;
		resolver->counters.timeouts++;
		return;
	}
	reorder(resolver);
	if (resolver->channel == NULL) {
		question->answer.status = DNS_SERVFAIL;
		return;
	}
	escape(escaped, question->name);
	question->is_open = true;
	resolver->open++;
	ares_query(resolver->channel, escaped, 1, (int)question->type, on_answer,
	    question);
}

struct dns_question *
resolver_ask(struct resolver *resolver, const char *name, enum dns_type type)
{
	char clean[DNS_NAME_SIZE];
	bool is_clean = dns_name_clean(clean, name);
	struct dns_question *question = find(resolver, clean, type);

	if (question != NULL)
		return question;
	question = calloc(1, sizeof *question);
	if (question == NULL)
		return NULL;
	question->resolver = resolver;
	question->type = type;
	memcpy(question->name, clean, sizeof clean);
	question->next = resolver->questions;
	resolver->questions = question;
	if (!is_clean) {
		question->answer.status = DNS_BAD_NAME;
	} else if (resolver->count >= MAX_QUESTIONS) {
		question->answer.status = DNS_SERVFAIL;
	} else {
		resolver->count++;
		send_question(resolver, question);
	}
	return question;
}

/* One round of poll(), until_ms at most. */
static void
step(struct resolver *resolver, int64_t until_ms)
{
	ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
	struct pollfd fds[ARES_GETSOCK_MAXNUM];
	nfds_t count = 0;
	int64_t rest = until_ms - clock_mono_ms(resolver->clock);
	if (resolver->called_off != NULL && rest > LOOK_MS)
		rest = LOOK_MS;
	struct timeval most = {rest / 1000, (rest % 1000) * 1000}, next;
	/* not ARES_GETSOCK_WRITABLE(): it shifts a signed 1 by 31 */
	unsigned bits =
	    (unsigned)ares_getsock(resolver->channel, sockets, ARES_GETSOCK_MAXNUM);

	for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		short events = 0;
		if (bits >> i & 1)
			events |= POLLIN;
		if (bits >> (i + ARES_GETSOCK_MAXNUM) & 1)
			events |= POLLOUT;
		if (events != 0)
			fds[count++] = (struct pollfd){sockets[i], events, 0};
	}
	struct timeval *wait = ares_timeout(resolver->channel, &most, &next);
	int ms = (int)(wait->tv_sec * 1000 + (wait->tv_usec + 999) / 1000);
	block_declare("dns: poll");
	int ready = poll(fds, count, clock_slice_ms(resolver->clock, ms));
	for (nfds_t i = 0; ready > 0 && i < count; i++)
		ares_process_fd(resolver->channel,
		    fds[i].revents & (POLLIN | POLLERR | POLLHUP) ? fds[i].fd
		                                                  : ARES_SOCKET_BAD,
		    fds[i].revents & (POLLOUT | POLLERR) ? fds[i].fd
		                                         : ARES_SOCKET_BAD);
	ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

bool
resolver_await_until(
    struct resolver *resolver, struct dns_question *question, int64_t until_ms)
{
	if (question == NULL)
		return true;
	if (until_ms > resolver->deadline_ms)
		until_ms = resolver->deadline_ms;
	while (question->is_open && !resolver_is_over(resolver) &&
	       clock_mono_ms(resolver->clock) < until_ms)
		step(resolver, until_ms);
	if (question->is_open && resolver_is_over(resolver)) {
		resolver->is_over = true;
		ares_cancel(resolver->channel);
	}
	return !question->is_open;
}

const struct dns_answer *
resolver_await(struct resolver *resolver, struct dns_question *question)
{
	static const struct dns_answer failed = {.status = DNS_SERVFAIL};

	if (question == NULL)
		return &failed;
	resolver_await_until(resolver, question, resolver->deadline_ms);
	return &question->answer;
}

struct dns_counters
resolver_counters(const struct resolver *resolver)
{
	return resolver->counters;
}

void
resolver_end(struct resolver *resolver)
{
	if (resolver->channel != NULL)
		ares_destroy(
		    resolver->channel); /* calls on_answer() for open queries */
	resolver->channel = NULL;
	while (resolver->questions != NULL) {
		struct dns_question *question = resolver->questions;
		resolver->questions = question->next;
		dns_answer_clear(&question->answer);
		free(question);
	}
	resolver->count = 0;
}
