/* SPDX-License-Identifier: BSD-2-Clause */
#include "query_fixture.h"

int
set_up(void **state)
{
	struct query_fixture *f = calloc(1, sizeof *f);

	fixture_open(&f->daemon, false);
	f->query = query_open(f->daemon.url, true, &f->error);
	if (f->query == NULL)
		fail_msg("%s", f->error.text);
	*state = f;
	return 0;
}

int
tear_down(void **state)
{
	struct query_fixture *f = *state;

	query_close(&f->query);
	fixture_close(&f->daemon);
	free(f);
	return 0;
}

struct ip
ip_of(const char *text)
{
	struct ip ip;

	assert_true(ip_from_text(text, &ip));
	return ip;
}

/*
 * Any commit of the daemon sees what another program has changed before it; from
 * a shared database it takes ten seconds.
 */
void
let_notice(struct query_fixture *f)
{
#ifdef FIXTURE_PGSQL
	fixture_sleep(&f->daemon, 11);
#endif
	assert_int_equal(
	    fixture_note(&f->daemon, OUTCOME_NONE, "203.0.113.1", NULL, NULL, NULL),
	    NOTE_COMMITTED);
}

struct seen {
	char sids[256];
	size_t count;
	struct event last;
	struct session_words words;
};

static bool
see(void *ctx, const struct event *event)
{
	struct seen *seen = ctx;

	strcat(seen->sids, event->words->value[SK_SID]);
	seen->count++;
	seen->last = *event;
	seen->words = *event->words;
	return true;
}

const char *
sids(struct query_fixture *f, struct event_filter filter)
{
	static struct seen seen;

	memset(&seen, 0, sizeof seen);
	if (!query_events(f->query, &filter, see, &seen, &f->error))
		fail_msg("%s", f->error.text);
	return seen.sids;
}
