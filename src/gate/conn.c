/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection of the MTA and its twin to libmilter: descriptors and octets. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include "gate/gate_private.h"

#define SLOT_BITS   24
#define MOST_ROUNDS 8
#define EDGES       (EPOLLIN | EPOLLRDHUP | EPOLLET)

static bool
observe(struct gate *gate, struct conn *conn, bool is_back, int how, bool out)
{
	struct epoll_event event = {
	    .events = (uint32_t)EDGES | (out ? (uint32_t)EPOLLOUT : 0),
	    .data.u64 = (uint64_t)(uintptr_t)conn | (is_back ? 1 : 0)};
	int fd = is_back ? conn->back : conn->front;
	return epoll_ctl(gate->epoll, how, fd, &event) == 0;
}

static bool
take_slot(struct gate *gate, struct conn *conn)
{
	pthread_mutex_lock(&gate->lock);
	bool has = gate->free_count > 0;
	if (has) {
		uint32_t slot = gate->free_slots[--gate->free_count];
		gate->generation++;
		conn->number = gate->generation << SLOT_BITS | slot;
		gate->slots[slot] = conn;
		gate->report.connections++;
		gate->report.accepted++;
	}
	pthread_mutex_unlock(&gate->lock);
	return has;
}

void
conn_open(struct gate *gate, int front)
{
	static const int on = 1;
	struct conn *conn = calloc(1, sizeof *conn);

	if (conn == NULL || !take_slot(gate, conn)) {
		free(conn);
		close(front);
		return;
	}
	conn->front = front;
	conn->back = -1;
	conn->heap_at = -1;
	if (gate->socket_path == NULL)
		setsockopt(front, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (!observe(gate, conn, false, EPOLL_CTL_ADD, false)) {
		conn_close_front(gate, conn);
		return;
	}
	conn->front_more = true;
	conn_pump(gate, conn);
}

bool
conn_connect(struct gate *gate, struct conn *conn)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, gate->back_path, strlen(gate->back_path) + 1);
	if (conn->back < 0)
		conn->back =
		    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (conn->back < 0 ||
	    connect(conn->back, (struct sockaddr *)&address, sizeof address) != 0) {
		if (conn->back >= 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (log_may(&gate->limit_back, gate->now_ms, NULL))
			log_warn(
			    "gate: cannot reach libmilter at %s", gate->back_path);
		conn_close_back(gate, conn);
		return true;
	}
	if (!observe(gate, conn, true, EPOLL_CTL_ADD, false))
		conn_close_back(gate, conn);
	else
		conn->back_ready = true;
	return true;
}

/* Writes what it can; false: the other end is not there any more. */
static bool
write_out(struct gate *gate, struct conn *conn, bool is_back)
{
	struct buf *buf = is_back ? &conn->out_back : &conn->out_front;
	bool *asked = is_back ? &conn->back_out : &conn->front_out;
	int fd = is_back ? conn->back : conn->front;

	while (buf->len > 0) {
		ssize_t sent =
		    send(fd, buf_head(buf), buf->len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN) {
			if (!*asked)
				*asked = observe(
				    gate, conn, is_back, EPOLL_CTL_MOD, true);
			return true;
		}
		if (sent < 0)
			return false;
		buf_take(buf, (size_t)sent);
	}
	if (*asked)
		*asked = !observe(gate, conn, is_back, EPOLL_CTL_MOD, false);
	return true;
}

/* libmilter hears of a connection when there is something to do for it. */
static void
reach(struct gate *gate, struct conn *conn)
{
	if (conn->has_back || conn->out_back.len == 0 ||
	    (!conn->urgent && conn->front >= 0 && conn->out_back.len <= LAZY_MAX))
		return;
	conn->has_back = true;
	if (!conn_connect(gate, conn))
		loop_retry(gate, conn);
}

static void
flush(struct gate *gate, struct conn *conn)
{
	if (conn->front >= 0 && conn->out_front.len > 0 &&
	    !write_out(gate, conn, false))
		conn_close_front(gate, conn);
	reach(gate, conn);
	if (conn->back < 0 || !conn->back_ready || conn->back_shut)
		return;
	if (conn->out_back.len > LAZY_MAX || conn->front < 0)
		conn->urgent = true;
	if (conn->urgent && conn->out_back.len > 0 && !write_out(gate, conn, true))
		buf_clear(&conn->out_back); /* its end of file comes by reading */
	if (conn->out_back.len > 0)
		return;
	conn->urgent = false;
	if (conn->front >= 0)
		return;
	shutdown(conn->back, SHUT_WR);
	conn->back_shut = true;
}

/* Returns true when something was read. */
static bool
read_some(struct gate *gate, struct conn *conn, bool is_back)
{
	struct buf *buf = is_back ? &conn->back_in : &conn->in;
	bool *more = is_back ? &conn->back_more : &conn->front_more;
	ssize_t got = recv(is_back ? conn->back : conn->front, gate->scratch,
	    READ_SIZE, MSG_DONTWAIT);

	if (got < 0 && errno == EINTR)
		return true;
	if (got < 0 && errno == EAGAIN) {
		*more = false;
		return false;
	}
	if (got <= 0) {
		*more = false;
		if (is_back)
			conn_close_back(gate, conn);
		else
			conn->front_eof = conn->front_hup = true;
		return false;
	}
	/* Less than was asked for: the next octets come with a new edge. */
	*more = got == (ssize_t)READ_SIZE || (!is_back && conn->front_hup) ||
	        (is_back && conn->back_hup);
	if (!buf_append(buf, gate->scratch, (size_t)got)) {
		log_warnx("gate: out of memory; connection closed");
		conn_close_front(gate, conn);
	}
	return true;
}

static bool
may_read_front(const struct conn *conn)
{
	return conn->front >= 0 && conn->front_more && conn->state == CONN_IDLE &&
	       !conn->closing && conn->out_front.len == 0 &&
	       (conn->out_back.len == 0 || !conn->urgent);
}

static bool
may_read_back(const struct conn *conn)
{
	return conn->back >= 0 && conn->back_more && conn->state != CONN_WITHHELD &&
	       (conn->front < 0 || conn->out_front.len == 0);
}

/* A whole frame waits only because there was no room to write it. */
static bool
may_hand_over(const struct conn *conn)
{
	return conn->front >= 0 && conn->state == CONN_IDLE && !conn->closing &&
	       conn->out_back.len <= READ_SIZE && frames_length(&conn->in) != 0;
}

static void
finish(struct gate *gate, struct conn *conn)
{
	if (conn->front < 0 || conn->state != CONN_IDLE)
		return;
	if (conn->front_eof && frames_length(&conn->in) == 0)
		conn->closing = true;
	if (conn->closing && (conn->out_front.len == 0 || conn->front_eof))
		conn_close_front(gate, conn);
}

void
conn_pump(struct gate *gate, struct conn *conn)
{
	for (int round = 0; round < MOST_ROUNDS; round++) {
		bool moved = false;
		if (conn->dead)
			return;
		if (may_read_back(conn))
			moved = read_some(gate, conn, true);
		frames_back(gate, conn);
		if (may_read_front(conn))
			moved = read_some(gate, conn, false) || moved;
		frames_front(gate, conn);
		flush(gate, conn);
		finish(gate, conn);
		if (!moved && !may_read_back(conn) && !may_read_front(conn) &&
		    !may_hand_over(conn))
			return;
	}
	loop_again(gate, conn);
}

/* The MTA has closed its end, or (not whole) perhaps only its writing half. */
static void
hung_up(struct gate *gate, struct conn *conn, bool whole)
{
	if (wait_is_on(conn) || (whole && conn->state == CONN_DUE)) {
		conn_close_front(gate, conn);
		return;
	}
	pthread_mutex_lock(&gate->lock);
	conn->shared.shut = true;
	pthread_mutex_unlock(&gate->lock);
}

void
conn_event(struct gate *gate, struct conn *conn, bool is_back, uint32_t events)
{
	bool hup = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;

	if (conn->dead)
		return;
	if (is_back) {
		conn->back_more = true;
		conn->back_hup = conn->back_hup || hup;
	} else {
		conn->front_more = true;
		conn->front_hup = conn->front_hup || hup;
		if (hup)
			hung_up(gate, conn, (events & (EPOLLHUP | EPOLLERR)) != 0);
	}
	conn_pump(gate, conn);
}

void
conn_close_front(struct gate *gate, struct conn *conn)
{
	if (conn->front < 0)
		return;
	wait_ended(
	    gate, conn, wait_is_on(conn) ? GATE_END_MTA_GONE : GATE_END_NONE);
	pthread_mutex_lock(&gate->lock);
	conn->shared.shut = true;
	pthread_mutex_unlock(&gate->lock);
	close(conn->front);
	conn->front = -1;
	conn->state = CONN_IDLE;
	conn->due = 0;
	buf_clear(&conn->in);
	buf_clear(&conn->out_front);
	buf_clear(&conn->withheld);
	if (conn->back >= 0 || (!conn->has_back && conn->out_back.len > 0))
		flush(gate, conn);
	else
		conn_free(gate, conn);
}

void
conn_close_back(struct gate *gate, struct conn *conn)
{
	if (conn->back >= 0)
		close(conn->back);
	conn->back = -1;
	buf_clear(&conn->out_back);
	if (conn->front < 0) {
		conn_free(gate, conn);
		return;
	}
	if (conn->answerer != ANSWER_LIBMILTER)
		return;
	/* libmilter has given the session up: so must the MTA. */
	wait_ended(gate, conn, GATE_END_NONE);
	conn->state = CONN_IDLE;
	conn->due = 0;
	conn->closing = true;
	buf_clear(&conn->in);
	buf_clear(&conn->withheld);
	loop_again(gate, conn);
}

void
conn_free(struct gate *gate, struct conn *conn)
{
	if (conn->dead)
		return;
	conn->dead = true;
	heap_remove(&gate->heap, conn);
	loop_unwatch(gate, conn);
	pthread_mutex_lock(&gate->lock);
	budget_release(gate, conn);
	uint32_t slot = (uint32_t)(conn->number & ((1U << SLOT_BITS) - 1));
	gate->slots[slot] = NULL;
	gate->free_slots[gate->free_count++] = slot;
	gate->report.connections--;
	if (conn->shared.poked) {
		struct conn **at = &gate->poked;
		while (*at != conn)
			at = &(*at)->shared.next_poked;
		*at = conn->shared.next_poked;
		conn->shared.poked = false;
	}
	pthread_mutex_unlock(&gate->lock);
	buf_clear(&conn->in);
	buf_clear(&conn->back_in);
	buf_clear(&conn->out_back);
	free(conn->shared.refusal);
	conn->shared.refusal = NULL;
	if (!conn->queued && !conn->retrying)
		list_add(&gate->dead, conn);
	listen_resume(gate);
}
