/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions of commands in any order, with delays, decisions, stale decisions and
 * hang-ups at any moment, against a model: what is answered depends on the
 * commands alone, never on the moment. Run it under ThreadSanitizer as well.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "gate/protocol.h"
#include "gate/gate_fixture.h"

enum { PLAYERS = 8, SESSIONS = 300, COMMANDS = 25, DECISIONS = 4096 };

static _Atomic bool is_over;

/* ------------------------------------------------- the filter and its decider */

static struct {
	pthread_mutex_t lock;
	struct {
		uint64_t ticket;
		bool other;
	} rows[DECISIONS];
	size_t count;
} decisions = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
decide_later(uint64_t ticket, bool other)
{
	pthread_mutex_lock(&decisions.lock);
	size_t at = decisions.count++ % DECISIONS;
	decisions.rows[at].ticket = ticket;
	decisions.rows[at].other = other;
	pthread_mutex_unlock(&decisions.lock);
}

/* In order, some after a while; and now and then an old ticket, otherwise. */
static void *
decide_all(void *arg)
{
	unsigned seed = 1;
	size_t done = 0;

	while (!atomic_load(&is_over)) {
		pthread_mutex_lock(&decisions.lock);
		bool has_one = done < decisions.count;
		size_t at = has_one ? done++ % DECISIONS : 0;
		uint64_t ticket = decisions.rows[at].ticket;
		bool other = decisions.rows[at].other;
		size_t old = (size_t)rand_r(&seed) % DECISIONS;
		bool is_old = old < done && done - old > 2 * PLAYERS;
		uint64_t stale = is_old ? decisions.rows[old].ticket : 0;
		pthread_mutex_unlock(&decisions.lock);
		if (rand_r(&seed) % 4 == 0)
			usleep(200);
		if (has_one)
			gate_decide(fixture->gate, ticket, other);
		if (stale != ticket && done < DECISIONS)
			gate_decide(fixture->gate, stale, rand_r(&seed) % 2 == 0);
		fixture_advance(1);
	}
	return NULL;
}

/* What a letter means: p pass, r refuse, 0 and 1 wait for a decision, h hold. */
static sfsistat
answer(const struct filter_call *call, char letter)
{
	uint64_t key = call->number % 16;
	struct gate_moment moment;
	struct gate_wish wish = {.other = "450 4.7.1 other"};

	gate_look(
	    fixture->gate, call->number, letter == 'h' ? &key : NULL, &moment);
	if (letter == 'h' && moment.has_place) {
		wish.is_hold = true;
		wish.reply_until_ms =
		    fixture_now() + 1 + (int64_t)(call->number % 40);
	}
	if (letter == '0' || letter == '1')
		wish.reply_until_ms = INT64_MAX / 2;
	bool is_first = moment.ticket % 3 == 0;
	if (is_first && wish.reply_until_ms == INT64_MAX / 2)
		gate_decide(fixture->gate, moment.ticket, letter == '1');
	gate_tell(fixture->gate, moment.ticket, &wish);
	if (!is_first && wish.reply_until_ms == INT64_MAX / 2)
		decide_later(moment.ticket, letter == '1');
	return letter == 'r' ? SMFIS_TEMPFAIL : SMFIS_CONTINUE;
}

/* Sender: x refused, k commands are delayed; then DATA's letter. */
static sfsistat
on_mail(const struct filter_call *call)
{
	struct gate_moment moment;
	struct gate_wish wish = {.delays_rcpt = call->number % 2 == 0};

	smfi_setpriv(call->smfi, (void *)(intptr_t)call->text[2]);
	gate_look(fixture->gate, call->number, NULL, &moment);
	if (call->text[1] == 'k')
		wish.command_until_ms = INT64_MAX / 2;
	gate_tell(fixture->gate, moment.ticket, &wish);
	decide_later(moment.ticket, true);
	return call->text[1] == 'x' ? SMFIS_TEMPFAIL : SMFIS_CONTINUE;
}

static sfsistat
on_call(const struct filter_call *call)
{
	switch (call->event) {
	case FILTER_MAIL:
		return on_mail(call);
	case FILTER_RCPT:
		return answer(call, call->text[1]);
	case FILTER_DATA:
		return answer(call, (char)(intptr_t)smfi_getpriv(call->smfi));
	case FILTER_CLOSE:
		smfi_setpriv(call->smfi, NULL);
		break;
	case FILTER_NEGOTIATE:
	case FILTER_CONNECT:
	case FILTER_HELO:
	case FILTER_HEADER:
	case FILTER_EOH:
	case FILTER_BODY:
	case FILTER_EOM:
	case FILTER_ABORT:
	case FILTER_EVENTS:
		break;
	}
	return SMFIS_CONTINUE;
}

/* ----------------------------------------------------------------- the model */

enum state { NONE, BEGUN, HAS_RCPT, HEADERS, BODY, REFUSED };

struct model {
	enum state state;
	char data; /* DATA's letter */
};

static char
reply_to(char letter)
{
	return letter == 'r' ? SMFIR_TEMPFAIL
	                     : (letter == '1' ? SMFIR_REPLYCODE : SMFIR_CONTINUE);
}

/* The reply's letter; 0: none. */
static char
step(struct model *model, char cmd, const char *text)
{
	enum state was = model->state;
	char reply = SMFIR_REPLYCODE; /* out of order */

	switch (cmd) {
	case SMFIC_HELO:
		model->state = NONE;
		return SMFIR_CONTINUE;
	case SMFIC_ABORT:
		model->state = NONE;
		return 0;
	case SMFIC_MAIL:
		model->state = text[1] == 'x' ? REFUSED : BEGUN;
		model->data = text[2];
		return 0;
	case SMFIC_RCPT:
		if (was == BEGUN || was == HAS_RCPT)
			reply = reply_to(text[1]);
		if (reply == SMFIR_CONTINUE)
			model->state = HAS_RCPT;
		return reply;
	case SMFIC_DATA:
		if (was != HAS_RCPT)
			return reply;
		reply = reply_to(model->data);
		model->state = reply == SMFIR_CONTINUE ? HEADERS : REFUSED;
		return reply;
	case SMFIC_HEADER:
		if (was == HAS_RCPT)
			model->state = HEADERS;
		return 0;
	case SMFIC_EOH:
		if (was == HAS_RCPT || was == HEADERS)
			model->state = BODY;
		return 0;
	case SMFIC_BODYEOB:
		if (was != BODY)
			return reply;
		model->state = NONE;
		return SMFIR_CONTINUE;
	default: /* an unknown command */
		return SMFIR_CONTINUE;
	}
}

/* --------------------------------------------------------------- the players */

/* Mostly in an order that leads somewhere. */
static char
next_command(const struct model *model, unsigned *seed)
{
	static const char all[] = "HAMRTLNEU", likely[] = "MRTNEA";

	return rand_r(seed) % 3 == 0 ? all[(size_t)rand_r(seed) % (sizeof all - 1)]
	                             : likely[model->state];
}

static void
send_command(struct mta *mta, char cmd, const char *text)
{
	switch (cmd) {
	case SMFIC_MAIL:
	case SMFIC_RCPT:
	case SMFIC_HELO:
	case SMFIC_UNKNOWN:
		mta_send(mta, cmd, text, strlen(text) + 1);
		break;
	case SMFIC_HEADER:
		mta_send(mta, cmd, "Subject\0x", 10);
		break;
	default:
		mta_send(mta, cmd, NULL, 0);
	}
}

/* Returns what went wrong, or NULL. */
static const char *
play(unsigned *seed, char *trace)
{
	static const char letters[] = "pppr01h", kinds[] = "nnkx";
	struct model model = {NONE, 'p'};
	struct mta mta = mta_connect(fixture->listen);
	const char *wrong = NULL;

	mta_negotiate(&mta, MTA_OFFER);
	for (int i = 0; i < COMMANDS && wrong == NULL; i++) {
		char cmd = next_command(&model, seed);
		char text[] = "<  >";
		text[1] = cmd == SMFIC_MAIL ? kinds[rand_r(seed) % 4]
		                            : letters[rand_r(seed) % 7];
		text[2] = letters[rand_r(seed) % 7];
		trace += sprintf(trace, "%c%.2s ", cmd, text + 1);
		send_command(&mta, cmd, text);
		if (rand_r(seed) % 40 == 0)
			break; /* hangs up, whatever is going on */
		char wanted = step(&model, cmd, text);
		if (wanted == 0)
			continue;
		char got = mta_read(&mta).cmd;
		if (got != wanted) {
			sprintf(trace, "-> %c, not %c", got, wanted);
			wrong = "another answer than the model's";
		}
	}
	mta_close(&mta);
	return wrong;
}

static void *
play_all(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	static _Thread_local char trace[16 * COMMANDS];

	for (int i = 0; i < SESSIONS; i++) {
		const char *wrong = play(&seed, trace);
		if (wrong == NULL)
			continue;
		fprintf(stderr, "%s: %s\n", wrong, trace);
		return (void *)1;
	}
	return NULL;
}

static void
what_is_answered_depends_on_the_commands_alone(void **state)
{
	pthread_t players[PLAYERS], decider;
	bool is_wrong = false;

	pthread_create(&decider, NULL, decide_all, NULL);
	for (uintptr_t i = 0; i < PLAYERS; i++)
		pthread_create(&players[i], NULL, play_all, (void *)(i + 1));
	for (int i = 0; i < PLAYERS; i++) {
		void *result;
		pthread_join(players[i], &result);
		is_wrong = is_wrong || result != NULL;
	}
	fixture_await_connections(0);
	atomic_store(&is_over, true);
	pthread_join(decider, NULL);
	assert_false(is_wrong);
	/* Whoever negotiated has been closed, and nothing is left over. */
	assert_int_equal(
	    filter_count(FILTER_NEGOTIATE), filter_count(FILTER_CLOSE));
	assert_int_equal(fixture_report().holds, 0);
	assert_int_equal(fixture_report().waiting, 0);
	assert_true(fixture_report().holds_begun > 100);
	assert_int_equal(fixture_report().accepted, PLAYERS * SESSIONS);
}

static int
open_fixture(void **state)
{
	fixture_open();
	fixture->settings.answer_timeout_ms = INT32_MAX;
	filter_hook(on_call);
	return fixture_setup(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_answered_depends_on_the_commands_alone),
	};
	return cmocka_run_group_tests(tests, open_fixture, fixture_teardown);
}
