/* SPDX-License-Identifier: BSD-2-Clause */
/* The one loop: descriptors, times, wakes, the watch, the stop. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/block.h"
#include "gate/gate_private.h"

#define EVENTS        256
#define WATCH_GRID_MS 100 /* look-ups share wake-ups; the period is 0.9 to 1 s */
#define WATCH_MS      1000
#define JUMP_MS       2000 /* no turn of the loop takes so long */

int64_t
loop_real_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
loop_poke(struct gate *gate)
{
	static const uint64_t one = 1;
	if (write(gate->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
		log_warn("gate: eventfd");
}

void
list_add(struct conn_list *list, struct conn *conn)
{
	conn->next = NULL;
	conn->queued = true;
	if (list->last == NULL)
		list->first = conn;
	else
		list->last->next = conn;
	list->last = conn;
}

struct conn *
list_take(struct conn_list *list)
{
	struct conn *conn = list->first;
	if (conn == NULL)
		return NULL;
	list->first = conn->next;
	if (list->first == NULL)
		list->last = NULL;
	conn->queued = false;
	return conn;
}

void
loop_again(struct gate *gate, struct conn *conn)
{
	if (!conn->queued && !conn->dead)
		list_add(&gate->run, conn);
}

/*
 * When libmilter has to have answered. A clock that jumped (a machine that was
 * suspended, a test) takes nothing off its time.
 */
static int64_t
answer_limit(const struct gate *gate, const struct conn *conn)
{
	int64_t from =
	    conn->sent_ms > gate->jumped_ms ? conn->sent_ms : gate->jumped_ms;
	return from + atomic_load(&gate->answer_timeout_ms);
}

/* The heap's time may be too early, never too late: most commands cost none. */
void
loop_timer(struct gate *gate, struct conn *conn)
{
	int64_t at = conn->progress_ms;

	if (conn->dead || conn->state == CONN_IDLE)
		return;
	int64_t other =
	    conn->state == CONN_DUE ? answer_limit(gate, conn) : conn->until_ms;
	if (other < at)
		at = other;
	if (conn->heap_at < 0 || at < conn->timer_ms)
		heap_set(&gate->heap, conn, at);
}

static void
answer_for_libmilter(struct gate *gate, struct conn *conn)
{
	bool accept = atomic_load(&gate->on_failure) == GATE_ACCEPT;

	if (log_may(&gate->limit_timeout, gate->now_ms, NULL))
		log_warnx(
		    "gate: no answer to command %c within %lld ms; the rest of "
		    "the session is %s",
		    conn->due, (long long)(gate->now_ms - conn->sent_ms),
		    accept ? "accepted unfiltered" : "refused for now");
	answer_take_over(gate, conn, accept ? ANSWER_ACCEPT : ANSWER_TEMPFAIL);
}

static void
fire(struct gate *gate, struct conn *conn)
{
	if (conn->state == CONN_IDLE)
		return;
	if (conn->state == CONN_DUE && gate->now_ms >= answer_limit(gate, conn))
		answer_for_libmilter(gate, conn);
	else if (wait_is_on(conn) && gate->now_ms >= conn->until_ms)
		wait_check(gate, conn);
	if (conn->state != CONN_IDLE && gate->now_ms >= conn->progress_ms) {
		if (conn->out_front.len == 0)
			frames_put(&conn->out_front, SMFIR_PROGRESS, NULL, 0);
		conn->progress_ms = (gate->now_ms + PROGRESS_MS) /
		                    PROGRESS_GRID_MS * PROGRESS_GRID_MS;
	}
	loop_timer(gate, conn);
	conn_pump(gate, conn);
}

static void
run_timers(struct gate *gate)
{
	while (gate->heap.count > 0) {
		struct conn *conn = gate->heap.rows[0];
		if (conn->timer_ms > gate->now_ms)
			break;
		heap_remove(&gate->heap, conn);
		fire(gate, conn);
	}
}

void
loop_watch(struct gate *gate, struct conn *conn)
{
	if (conn->watching)
		return;
	conn->watching = true;
	conn->watch_ms = (gate->now_ms + WATCH_MS) / WATCH_GRID_MS * WATCH_GRID_MS;
	conn->watch_next = NULL;
	conn->watch_prev = gate->watch.last;
	if (gate->watch.last == NULL)
		gate->watch.first = conn;
	else
		gate->watch.last->watch_next = conn;
	gate->watch.last = conn;
}

void
loop_unwatch(struct gate *gate, struct conn *conn)
{
	if (!conn->watching)
		return;
	conn->watching = false;
	if (conn->watch_prev == NULL)
		gate->watch.first = conn->watch_next;
	else
		conn->watch_prev->watch_next = conn->watch_next;
	if (conn->watch_next == NULL)
		gate->watch.last = conn->watch_prev;
	else
		conn->watch_next->watch_prev = conn->watch_prev;
}

/* The list is in order of watch_ms, since all have the same period. */
static void
run_watch(struct gate *gate)
{
	while (gate->watch.first != NULL &&
	       gate->watch.first->watch_ms <= gate->now_ms) {
		struct conn *conns[WATCH_BATCH];
		struct watch_socket sockets[WATCH_BATCH];
		const struct watch_socket *wanted[WATCH_BATCH];
		struct watch_result results[WATCH_BATCH];
		size_t count = 0;

		pthread_mutex_lock(&gate->lock);
		while (count < WATCH_BATCH && gate->watch.first != NULL &&
		       gate->watch.first->watch_ms <= gate->now_ms) {
			struct conn *conn = gate->watch.first;
			loop_unwatch(gate, conn);
			loop_watch(gate, conn);
			sockets[count] = conn->shared.socket;
			wanted[count] = &sockets[count];
			conns[count++] = conn;
		}
		pthread_mutex_unlock(&gate->lock);
		watch_look(&gate->watch_socket, wanted, count, results);
		for (size_t i = 0; i < count; i++) {
			wait_looked(gate, conns[i], results[i].state);
			if (conns[i]->answerer != ANSWER_LIBMILTER)
				conn_pump(gate, conns[i]);
		}
	}
}

static void
run_poked(struct gate *gate)
{
	for (;;) {
		pthread_mutex_lock(&gate->lock);
		struct conn *conn = gate->poked;
		if (conn != NULL) {
			gate->poked = conn->shared.next_poked;
			conn->shared.poked = false;
		}
		pthread_mutex_unlock(&gate->lock);
		if (conn == NULL)
			return;
		wait_check(gate, conn);
		conn_pump(gate, conn);
	}
}

void
loop_retry(struct gate *gate, struct conn *conn)
{
	conn->next_retry = NULL;
	conn->retrying = true;
	if (gate->retry.last == NULL)
		gate->retry.first = conn;
	else
		gate->retry.last->next_retry = conn;
	gate->retry.last = conn;
}

/* Those that found libmilter's backlog full, in their order. */
static void
run_retries(struct gate *gate)
{
	while (gate->retry.first != NULL) {
		struct conn *conn = gate->retry.first;
		if (!conn->dead && !conn_connect(gate, conn))
			return;
		gate->retry.first = conn->next_retry;
		if (gate->retry.first == NULL)
			gate->retry.last = NULL;
		conn->retrying = false;
		if (!conn->dead)
			conn_pump(gate, conn);
		else if (!conn->queued)
			list_add(&gate->dead, conn);
	}
}

static void
run_lists(struct gate *gate)
{
	struct conn_list run = gate->run;
	struct conn *conn;

	gate->run = (struct conn_list){NULL, NULL};
	while ((conn = list_take(&run)) != NULL) {
		if (!conn->dead)
			conn_pump(gate, conn);
		else if (!conn->retrying)
			list_add(&gate->dead, conn);
	}
	run_retries(gate);
	while ((conn = list_take(&gate->dead)) != NULL)
		free(conn);
}

static void
begin_stop(struct gate *gate)
{
	gate->is_stopping = true;
	listen_close(gate);
	int64_t grace = gate->grace_ms < 0 ? 0 : gate->grace_ms;
	int64_t polite = grace / 2 < 250 ? grace / 2 : 250;
	gate->stop_close_ms = loop_real_ms() + polite;
	gate->stop_end_ms = loop_real_ms() + grace;
	for (size_t i = 0; i < gate->max_connections; i++) {
		struct conn *conn = gate->slots[i];
		if (conn == NULL)
			continue;
		if (wait_is_on(conn))
			answer_take_over(gate, conn, ANSWER_STOPPED);
		conn_pump(gate, conn);
	}
}

static void
close_all(struct gate *gate, bool both)
{
	for (size_t i = 0; i < gate->max_connections; i++) {
		struct conn *conn = gate->slots[i];
		if (conn == NULL)
			continue;
		conn_close_front(gate, conn);
		if (both && !conn->dead)
			conn_close_back(gate, conn);
	}
}

static bool
run_stop(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	bool asked = gate->stop_asked;
	pthread_mutex_unlock(&gate->lock);
	if (!asked)
		return false;
	if (!gate->is_stopping)
		begin_stop(gate);
	int64_t now = loop_real_ms();
	if (now >= gate->stop_close_ms && !gate->fronts_closed) {
		gate->fronts_closed = true;
		close_all(gate, false);
	}
	if (now >= gate->stop_end_ms) {
		pthread_mutex_lock(&gate->lock);
		gate->report.abandoned +=
		    (unsigned)(gate->max_connections - gate->free_count);
		pthread_mutex_unlock(&gate->lock);
		close_all(gate, true);
	}
	return gate->free_count == gate->max_connections;
}

static int
timeout_ms(const struct gate *gate)
{
	int64_t least = 60000;

	if (gate->run.first != NULL || gate->dead.first != NULL)
		return 0;
	if (gate->heap.count > 0 &&
	    gate->heap.rows[0]->timer_ms - gate->now_ms < least)
		least = gate->heap.rows[0]->timer_ms - gate->now_ms;
	if (gate->watch.first != NULL &&
	    gate->watch.first->watch_ms - gate->now_ms < least)
		least = gate->watch.first->watch_ms - gate->now_ms;
	if (gate->retry.first != NULL && least > RETRY_MS)
		least = RETRY_MS;
	if (gate->paused && least > PAUSE_MS)
		least = PAUSE_MS;
	if (gate->is_stopping && least > 10)
		least = 10;
	if (least < 0)
		least = 0;
	return clock_slice_ms(&gate->clock, (int)least);
}

static void
handle(struct gate *gate, const struct epoll_event *event)
{
	if (event->data.u64 == 0)
		listen_accept(gate);
	else if (event->data.u64 == 2) {
		uint64_t count;
		if (read(gate->wake_fd, &count, sizeof count) < 0 &&
		    errno != EAGAIN)
			log_warn("gate: eventfd");
	} else
		conn_event(gate,
		    (struct conn *)(uintptr_t)(event->data.u64 & ~(uint64_t)1),
		    (event->data.u64 & 1) != 0, event->events);
}

void *
loop_run(void *arg)
{
	struct gate *gate = arg;
	struct epoll_event events[EVENTS];

	pthread_setname_np(pthread_self(), "gate");
	do {
		int timeout = timeout_ms(gate);
		block_declare("gate: epoll_wait");
		int count = epoll_wait(gate->epoll, events, EVENTS, timeout);
		int64_t now = clock_mono_ms(&gate->clock);
		if (now > gate->now_ms + timeout + JUMP_MS)
			gate->jumped_ms = now;
		gate->now_ms = now;
		atomic_fetch_add(&gate->turns, 1);
		for (int i = 0; i < count; i++)
			handle(gate, &events[i]);
		if (gate->paused && loop_real_ms() >= gate->paused_until_ms)
			listen_resume(gate);
		run_poked(gate);
		run_timers(gate);
		run_watch(gate);
		run_lists(gate);
	} while (!run_stop(gate));
	run_lists(gate);
	return NULL;
}
