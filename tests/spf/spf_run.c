/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Evaluates SPF for tests/spf-suite. Reads lines of fields separated by one
 * blank; texts are hexadecimal ("-" = empty). One line of output a "check".
 *
 *   clear
 *   row NAME TYPE STATUS                 STATUS, TYPE: numbers of dns/answer.h
 *   add NAME TYPE PREFERENCE TEXT
 *   server ADDRESS:PORT MILLISECONDS     from here on over the wire
 *   check IP HELO SENDER   ->  RESULT TROUBLE QUERIES TERMS VOIDS FLAGS DOMAIN
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/resolver.h"
#include "spf/table.h"

#define FIELDS 5

struct run {
	struct table *table;
	struct resolver *resolver;
	int64_t timeout_ms;
	struct clock clock;
};

static const struct dns_answer *
ask_wire(void *ctx, const char *name, enum dns_type type)
{
	struct run *run = ctx;

	return resolver_await(
	    run->resolver, resolver_ask(run->resolver, name, type));
}

static bool
is_over(void *ctx)
{
	return resolver_is_over(((struct run *)ctx)->resolver);
}

/* In place; returns the length. */
static size_t
unhex(char *text)
{
	size_t length = 0;

	if (strcmp(text, "-") == 0)
		text[0] = '\0';
	for (const char *p = text; p[0] != '\0' && p[1] != '\0'; p += 2) {
		char pair[3] = {p[0], p[1], '\0'};
		text[length++] = (char)strtoul(pair, NULL, 16);
	}
	text[length] = '\0';
	return length;
}

static void
print_fact(const struct spf_fact *fact)
{
	printf("%s %s %u %u %u ", spf_result_words[fact->result],
	    spf_trouble_words[fact->trouble], fact->queries, fact->terms,
	    fact->voids);
	printf("%s%s%s%s%s%s. %s\n", spf_is_narrow(fact) ? "narrow," : "",
	    fact->by_all ? "all," : "", fact->by_ptr ? "ptr," : "",
	    fact->by_exists ? "exists," : "", fact->by_macro ? "macro," : "",
	    fact->wide ? "wide," : "", fact->domain);
	fflush(stdout);
}

static void
check(struct run *run, char *field[FIELDS])
{
	struct spf_asker asker = table_asker(run->table);
	char domain[SPF_DOMAIN_SIZE];
	struct spf_query query = {
	    .helo = field[2], .sender = field[3], .domain_r = domain};
	struct spf_fact fact;

	if (!ip_from_text(field[1], &query.ip)) {
		printf("bad-address\n");
		fflush(stdout);
		return;
	}
	unhex(field[2]);
	unhex(field[3]);
	if (run->resolver != NULL) {
		resolver_begin(run->resolver,
		    clock_mono_ms(&run->clock) + run->timeout_ms, NULL);
		asker = (struct spf_asker){ask_wire, is_over, run};
	}
	spf_check(&asker, &query, &fact);
	print_fact(&fact);
	if (run->resolver != NULL)
		resolver_end(run->resolver);
}

static void
obey(struct run *run, char *field[FIELDS])
{
	struct error error;

	if (strcmp(field[0], "clear") == 0) {
		table_clear(run->table);
	} else if (strcmp(field[0], "row") == 0) {
		unhex(field[1]);
		table_set(run->table, field[1], (unsigned)atoi(field[2]),
		    (enum dns_status)atoi(field[3]));
	} else if (strcmp(field[0], "add") == 0) {
		unhex(field[1]);
		size_t length = unhex(field[4]);
		table_add(run->table, field[1], (unsigned)atoi(field[2]), field[4],
		    length);
	} else if (strcmp(field[0], "server") == 0) {
		resolver_close(&run->resolver);
		run->timeout_ms = atoi(field[2]);
		run->resolver =
		    resolver_open(field[1], run->timeout_ms, &run->clock, &error);
		if (run->resolver == NULL) {
			fprintf(stderr, "spf_run: %s\n", error.text);
			exit(1);
		}
	} else if (strcmp(field[0], "check") == 0) {
		check(run, field);
	}
}

int
main(void)
{
	struct run run = {.table = table_new()};
	char *line = NULL;
	size_t size = 0;

	clock_init(&run.clock);
	while (getline(&line, &size, stdin) > 0) {
		char *field[FIELDS] = {0};
		char *rest = line;
		line[strcspn(line, "\n")] = '\0';
		for (size_t i = 0; i < FIELDS; i++)
			if ((field[i] = strsep(&rest, " ")) == NULL)
				field[i] = line + strlen(line);
		obey(&run, field);
	}
	free(line);
	resolver_close(&run.resolver);
	table_free(&run.table);
	return 0;
}
