/* SPDX-License-Identifier: BSD-2-Clause */
/* The gate's event loop: descriptors, times, decisions, the stop. */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/block.h"
#include "gate/gate_private.h"

#define EVENTS  256
#define ACCEPTS 64   /* per turn */
#define JUMP_MS 2000 /* longer than any turn of the loop: the clock jumped */

/* Handles a time, decision, stop or look at the client that is due. */
static void
check(struct gate *gate, struct conn *conn)
{
	frames_check(gate, conn);
	conn_run(gate, conn);
}

static int64_t
sooner(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

static void
run_due(struct gate *gate)
{
	if (gate->now_ms < gate->soonest_ms)
		return;
	gate->soonest_ms = INT64_MAX;
	for (size_t slot = 0; slot < gate->slots_used; slot++) {
		int64_t *due_ms = &gate->due_ms[slot];
		if (*due_ms <= gate->now_ms) {
			*due_ms = INT64_MAX;
			check(gate, gate->slots[slot]);
		}
		gate->soonest_ms = sooner(gate->soonest_ms, *due_ms);
	}
}

static void
run_notified(struct gate *gate)
{
	for (;;) {
		pthread_mutex_lock(&gate->lock);
		struct conn *conn = gate->notified;
		if (conn != NULL) {
			gate->notified = conn->shared.next_notified;
			conn->shared.is_notified = false;
		}
		pthread_mutex_unlock(&gate->lock);
		if (conn == NULL)
			return;
		check(gate, conn);
	}
}

static void
begin_stop(struct gate *gate)
{
	gate->is_stopping = true;
	listen_close(gate);
	int64_t grace = gate->grace_ms < 0 ? 0 : gate->grace_ms;
	int64_t polite = grace / 2 < 250 ? grace / 2 : 250;
	gate->stop_close_ms = clock_real_ms() + polite;
	gate->stop_end_ms = clock_real_ms() + grace;
	for (size_t i = 0; i < gate->slots_used; i++)
		if (gate->slots[i] != NULL)
			check(gate, gate->slots[i]);
}

static void
end_all(struct gate *gate, bool both)
{
	for (size_t i = 0; i < gate->slots_used; i++) {
		struct conn *conn = gate->slots[i];
		if (conn == NULL)
			continue;
		conn_end(conn, both);
		conn_run(gate, conn);
	}
}

static bool
run_stop(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	bool is_asked = gate->stop_asked;
	pthread_mutex_unlock(&gate->lock);
	if (!is_asked)
		return false;
	if (!gate->is_stopping)
		begin_stop(gate);
	int64_t now = clock_real_ms();
	if (now >= gate->stop_close_ms && !gate->are_closed) {
		gate->are_closed = true;
		end_all(gate, false);
	}
	if (now >= gate->stop_end_ms) {
		pthread_mutex_lock(&gate->lock);
		gate->report.abandoned +=
		    (unsigned)(gate->max_connections - gate->free_count);
		pthread_mutex_unlock(&gate->lock);
		end_all(gate, true);
	}
	return gate->free_count == gate->max_connections;
}

static int
timeout_ms(const struct gate *gate)
{
	int64_t least = sooner(60000, gate->soonest_ms - gate->now_ms);

	if (gate->is_stopping)
		least = sooner(least, 10);
	else if (!gate->is_listening)
		least = sooner(least, PAUSE_MS);
	return clock_slice_ms(&gate->clock, least < 0 ? 0 : (int)least);
}

static void
accept_some(struct gate *gate)
{
	for (int i = 0; i < ACCEPTS; i++) {
		int fd = listen_accept(gate);
		if (fd < 0)
			return;
		struct conn *conn = conn_open(gate, fd);
		if (conn != NULL)
			conn_run(gate, conn);
	}
}

static void
handle(struct gate *gate, const struct epoll_event *event)
{
	uint64_t number = event->data.u64 >> 1, count;
	struct conn *conn = call_slot(gate, number);

	if (event->data.u64 == EVENT_ACCEPT)
		accept_some(gate);
	else if (event->data.u64 == EVENT_WAKE) {
		if (read(gate->wake_fd, &count, sizeof count) < 0 &&
		    errno != EAGAIN)
			log_warn("gate: eventfd");
	} else if (conn != NULL && conn->number == number) {
		conn_event(gate, conn, (event->data.u64 & 1) != 0, event->events);
		conn_run(gate, conn);
	}
}

void *
loop_run(void *arg)
{
	struct gate *gate = arg;
	struct epoll_event events[EVENTS];

	pthread_setname_np(pthread_self(), "gate");
	do {
		listen_resume(gate);
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
		if (atomic_exchange(&gate->is_unlinked, false))
			listen_again(gate);
		run_notified(gate);
		run_due(gate);
	} while (!run_stop(gate));
	return NULL;
}
