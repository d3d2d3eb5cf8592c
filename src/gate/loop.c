/* SPDX-License-Identifier: BSD-2-Clause */
/* The one loop: descriptors, times, wakes, the watch, the stop. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/block.h"
#include "gate/gate_private.h"

#define EVENTS  256
#define ACCEPTS 64   /* a turn */
#define JUMP_MS 2000 /* no turn of the loop takes so long */

int64_t
loop_real_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
loop_notify(struct gate *gate)
{
	static const uint64_t one = 1;
	if (write(gate->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
		log_warn("gate: eventfd");
}

static void
list_add(struct conn_list *list, struct conn *conn)
{
	conn->next = NULL;
	conn->is_queued = true;
	if (list->last == NULL)
		list->first = conn;
	else
		list->last->next = conn;
	list->last = conn;
}

static struct conn *
list_take(struct conn_list *list)
{
	struct conn *conn = list->first;
	if (conn == NULL)
		return NULL;
	list->first = conn->next;
	if (list->first == NULL)
		list->last = NULL;
	conn->is_queued = false;
	return conn;
}

/* What is not done, or dead, comes into the list of the next turn. */
static void
run(struct gate *gate, struct conn *conn)
{
	bool has_more = conn_run(gate, conn);

	if ((has_more || conn->is_dead) && !conn->is_queued)
		list_add(&gate->todo, conn);
}

/* A time, a decision, a stop or a look at the client may have changed things. */
static void
check(struct gate *gate, struct conn *conn)
{
	frames_check(gate, conn);
	run(gate, conn);
}

static void
run_todo(struct gate *gate)
{
	struct conn_list todo = gate->todo;
	struct conn *conn;
	bool is_any_dead = false;

	gate->todo = (struct conn_list){NULL, NULL};
	while ((conn = list_take(&todo)) != NULL) {
		if (!conn->is_dead) {
			run(gate, conn);
			continue;
		}
		free(conn);
		is_any_dead = true;
	}
	if (is_any_dead)
		listen_resume(gate);
}

static void
run_timers(struct gate *gate)
{
	while (gate->heap.count > 0) {
		struct conn *conn = gate->heap.rows[0];
		if (conn->wait.timer_ms > gate->now_ms)
			break;
		heap_remove(&gate->heap, conn);
		check(gate, conn);
	}
}

static bool
is_watch_due(const struct gate *gate)
{
	return gate->watch.first != NULL &&
	       gate->watch.first->wait.watch_ms <= gate->now_ms;
}

static void
run_watch(struct gate *gate)
{
	struct conn *left[WATCH_BATCH];

	while (is_watch_due(gate)) {
		size_t count = wait_watch(gate, left);
		for (size_t i = 0; i < count; i++)
			check(gate, left[i]);
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
	gate->stop_close_ms = loop_real_ms() + polite;
	gate->stop_end_ms = loop_real_ms() + grace;
	for (size_t i = 0; i < gate->max_connections; i++)
		if (gate->slots[i] != NULL)
			check(gate, gate->slots[i]);
}

static void
end_all(struct gate *gate, bool both)
{
	for (size_t i = 0; i < gate->max_connections; i++) {
		struct conn *conn = gate->slots[i];
		if (conn == NULL)
			continue;
		conn_end(conn, both);
		run(gate, conn);
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
	int64_t now = loop_real_ms();
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

static int64_t
sooner(int64_t least, int64_t other)
{
	return other < least ? other : least;
}

static int
timeout_ms(const struct gate *gate)
{
	int64_t least = 60000;

	if (gate->todo.first != NULL)
		return 0;
	if (gate->heap.count > 0)
		least =
		    sooner(least, gate->heap.rows[0]->wait.timer_ms - gate->now_ms);
	if (gate->watch.first != NULL)
		least =
		    sooner(least, gate->watch.first->wait.watch_ms - gate->now_ms);
	if (gate->is_paused)
		least = sooner(least, PAUSE_MS);
	if (gate->is_stopping)
		least = sooner(least, 10);
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
			run(gate, conn);
	}
}

static void
handle(struct gate *gate, const struct epoll_event *event)
{
	struct conn *conn =
	    (struct conn *)(uintptr_t)(event->data.u64 & ~(uint64_t)1);
	uint64_t count;

	if (event->data.u64 == 0)
		accept_some(gate);
	else if (event->data.u64 == 2) {
		if (read(gate->wake_fd, &count, sizeof count) < 0 &&
		    errno != EAGAIN)
			log_warn("gate: eventfd");
	} else if (!conn->is_dead) {
		conn_event(gate, conn, (event->data.u64 & 1) != 0, event->events);
		run(gate, conn);
	}
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
		if (atomic_exchange(&gate->is_unlinked, false))
			listen_again(gate);
		if (gate->is_paused && loop_real_ms() >= gate->paused_until_ms)
			listen_resume(gate);
		run_notified(gate);
		run_timers(gate);
		run_watch(gate);
		run_todo(gate);
	} while (!run_stop(gate));
	run_todo(gate);
	return NULL;
}
