/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection of the MTA and its counterpart to libmilter: descriptors, octets.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include "gate/gate_private.h"

#define MOST_ROUNDS 8
#define EDGES       (EPOLLIN | EPOLLRDHUP | EPOLLET)

static bool
observe(struct gate *gate, struct conn *conn, bool is_back, int how, bool out)
{
	struct epoll_event event = {
	    .events = (uint32_t)EDGES | (out ? (uint32_t)EPOLLOUT : 0),
	    .data.u64 = conn->number << 1 | (is_back ? 1 : 0)};
	int fd = is_back ? conn->back.fd : conn->mta.fd;

	return epoll_ctl(gate->epoll, how, fd, &event) == 0;
}

/* A slot is free: accept checked it, and only this thread takes slots. */
static void
take_slot(struct gate *gate, struct conn *conn)
{
	pthread_mutex_lock(&gate->lock);
	uint32_t slot = gate->free_slots[--gate->free_count];
	conn->number = ++gate->generation << SLOT_BITS | slot;
	gate->slots[slot] = conn;
	gate->due_ms[slot] = INT64_MAX;
	if (slot >= gate->slots_used)
		gate->slots_used = slot + 1;
	gate->report.connections++;
	gate->report.accepted++;
	pthread_mutex_unlock(&gate->lock);
}

struct conn *
conn_open(struct gate *gate, int fd)
{
	static const int on = 1;
	struct conn *conn = calloc(1, sizeof *conn);

	if (conn == NULL) {
		close(fd);
		return NULL;
	}
	take_slot(gate, conn);
	conn->mta.fd = fd;
	conn->mta.has_more = true;
	conn->back.fd = -1;
	conn->wait.watch_ms = INT64_MAX;
	conn->client.sent_at_helo = conn->client.sent_at_data = -1;
	if (gate->socket_path == NULL)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (!observe(gate, conn, false, EPOLL_CTL_ADD, false))
		conn->mta.state = MTA_ENDS;
	return conn;
}

static void
connect_back(struct gate *gate, struct conn *conn)
{
	struct back_side *back = &conn->back;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, gate->back_path, strlen(gate->back_path) + 1);
	if (back->fd < 0)
		back->fd =
		    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (back->fd >= 0 &&
	    connect(back->fd, (struct sockaddr *)&address, sizeof address) == 0 &&
	    observe(gate, conn, true, EPOLL_CTL_ADD, false)) {
		back->state = BACK_OPEN;
		return;
	}
	if (back->fd >= 0 && (errno == EAGAIN || errno == EINTR)) {
		wait_due(gate, conn, gate->now_ms + RETRY_MS);
		return;
	}
	if (log_may(&gate->limit_back, gate->now_ms, NULL))
		log_warn("gate: cannot reach libmilter at %s", gate->back_path);
	if (back->fd >= 0)
		close(back->fd);
	back->fd = -1;
	back->state = BACK_CLOSED;
}

/* Writes what it can; false: the other end has gone. */
static bool
write_some(struct gate *gate, struct conn *conn, bool is_back)
{
	struct buf *buf = is_back ? &conn->back.out : &conn->mta.out;
	bool *waits = is_back ? &conn->back.waits_write : &conn->mta.waits_write;
	int fd = is_back ? conn->back.fd : conn->mta.fd;

	while (buf->len > 0) {
		ssize_t sent =
		    send(fd, buf_head(buf), buf->len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN) {
			if (!*waits)
				*waits = observe(
				    gate, conn, is_back, EPOLL_CTL_MOD, true);
			return true;
		}
		if (sent < 0)
			return false;
		buf_take(buf, (size_t)sent);
	}
	if (*waits)
		*waits = !observe(gate, conn, is_back, EPOLL_CTL_MOD, false);
	return true;
}

/* Frames whose reply nobody awaits are kept for the next frame, up to a size. */
static void
write_back(struct gate *gate, struct conn *conn)
{
	struct back_side *back = &conn->back;

	if (back->out.len > UNSENT_MAX || conn->mta.state == MTA_CLOSED)
		back->is_urgent = true;
	if (!back->is_urgent || back->out.len == 0)
		return;
	if (back->state == BACK_NONE)
		connect_back(gate, conn);
	if (back->state == BACK_OPEN && !write_some(gate, conn, true)) {
		/* Nothing may follow what was lost; reading will see the end. */
		buf_clear(&back->out);
		shutdown(back->fd, SHUT_RDWR);
	}
	if (back->out.len == 0)
		back->is_urgent = false;
}

/* Returns true when something was read. */
static bool
read_some(struct gate *gate, struct conn *conn, bool is_back)
{
	bool *has_more = is_back ? &conn->back.has_more : &conn->mta.has_more;
	bool has_hung_up =
	    is_back ? conn->back.has_hung_up : conn->mta.state == MTA_HUNG_UP;
	ssize_t got = recv(is_back ? conn->back.fd : conn->mta.fd, gate->scratch,
	    READ_SIZE, MSG_DONTWAIT);

	if (got < 0 && errno == EINTR)
		return true;
	if (got < 0 && errno == EAGAIN) {
		*has_more = false;
		return false;
	}
	if (got <= 0) {
		*has_more = false;
		if (is_back) {
			close(conn->back.fd);
			conn->back.fd = -1;
			conn->back.state = BACK_CLOSED;
		} else
			conn->mta.state = MTA_READ_OUT;
		return false;
	}
	/* After a short read the next octets bring a new edge. */
	*has_more = got == (ssize_t)READ_SIZE || has_hung_up;
	buf_append(
	    is_back ? &conn->back.in : &conn->mta.in, gate->scratch, (size_t)got);
	return true;
}

static bool
may_read_mta(const struct conn *conn)
{
	return conn->mta.state < MTA_READ_OUT && conn->mta.has_more &&
	       conn->wait.state == WAIT_NONE && conn->mta.out.len == 0 &&
	       (conn->back.out.len == 0 || !conn->back.is_urgent);
}

static bool
may_read_back(const struct conn *conn)
{
	return (conn->back.state == BACK_OPEN || conn->back.state == BACK_SHUT) &&
	       conn->back.has_more && conn->wait.state != WAIT_REPLY &&
	       (conn->mta.state == MTA_CLOSED || conn->mta.out.len == 0);
}

/* A whole frame is waiting, and now there is room to write it. */
static bool
may_hand_over(const struct conn *conn)
{
	return conn->mta.state < MTA_CLOSES && conn->wait.state == WAIT_NONE &&
	       conn->back.out.len <= READ_SIZE && frames_length(&conn->mta.in) != 0;
}

static void
check_memory(struct conn *conn)
{
	if (!conn->mta.in.has_failed && !conn->mta.out.has_failed &&
	    !conn->back.in.has_failed && !conn->back.out.has_failed)
		return;
	if (conn->mta.state < MTA_ENDS) {
		log_warnx("gate: out of memory; connection closed");
		conn->mta.state = MTA_ENDS;
	}
	buf_clear(&conn->back.out);
}

static void
close_mta(struct gate *gate, struct conn *conn)
{
	wait_end(gate, conn,
	    wait_is_delay(conn) ? GATE_END_MTA_GONE : GATE_END_NONE, false);
	pthread_mutex_lock(&gate->lock);
	conn->shared.is_shut = true;
	pthread_mutex_unlock(&gate->lock);
	close(conn->mta.fd);
	conn->mta.fd = -1;
	conn->mta.state = MTA_CLOSED;
	buf_clear(&conn->mta.in);
	buf_clear(&conn->mta.out);
}

/* libmilter has closed the session, so the MTA's end must close too. */
static void
follow_libmilter(struct gate *gate, struct conn *conn)
{
	if (conn->answerer != ANSWER_LIBMILTER || conn->mta.state >= MTA_CLOSES)
		return;
	wait_end(gate, conn, GATE_END_NONE, false);
	buf_clear(&conn->mta.in);
	conn->mta.state = MTA_CLOSES;
}

static void
end(struct gate *gate, struct conn *conn)
{
	uint32_t slot = (uint32_t)(conn->number & SLOT_MASK);

	if (conn->back.fd >= 0)
		close(conn->back.fd); /* libmilter's backlog was full */
	gate->due_ms[slot] = INT64_MAX;
	pthread_mutex_lock(&gate->lock);
	gate->slots[slot] = NULL;
	gate->free_slots[gate->free_count++] = slot;
	gate->report.connections--;
	/*
	 * Notified in the very turn in which it ends: too rare to test.
	 * GCOVR_EXCL_BR_START
	 */
	struct conn **at = &gate->notified;
	while (conn->shared.is_notified && *at != conn)
		at = &(*at)->shared.next_notified;
	if (conn->shared.is_notified)
		*at = conn->shared.next_notified;
	/* GCOVR_EXCL_BR_STOP */
	pthread_mutex_unlock(&gate->lock);
	buf_clear(&conn->back.in);
	buf_clear(&conn->back.out);
	free(conn);
}

/* true: the connection is gone */
static bool
end_what_is_over(struct gate *gate, struct conn *conn)
{
	struct mta_side *mta = &conn->mta;
	struct back_side *back = &conn->back;

	if (back->state == BACK_CLOSED)
		follow_libmilter(gate, conn);
	bool is_idle = conn->wait.state == WAIT_NONE;
	if (mta->state == MTA_READ_OUT && is_idle && frames_length(&mta->in) == 0)
		mta->state = MTA_ENDS;
	if (mta->state == MTA_CLOSES && is_idle && mta->out.len == 0)
		mta->state = MTA_ENDS;
	if (mta->state == MTA_ENDS) {
		close_mta(gate, conn);
		write_back(gate, conn);
	}
	bool hears_no_more =
	    mta->state == MTA_CLOSED || conn->answerer != ANSWER_LIBMILTER;
	if (back->state == BACK_OPEN && hears_no_more && back->out.len == 0) {
		shutdown(back->fd, SHUT_WR);
		back->state = BACK_SHUT;
	}
	bool is_over = back->state == BACK_CLOSED ||
	               (back->state == BACK_NONE && back->out.len == 0);
	if (mta->state != MTA_CLOSED || !is_over)
		return false;
	end(gate, conn);
	return true;
}

void
conn_run(struct gate *gate, struct conn *conn)
{
	for (int round = 0; round < MOST_ROUNDS; round++) {
		bool has_moved = false;
		if (may_read_back(conn))
			has_moved = read_some(gate, conn, true);
		frames_from_libmilter(gate, conn);
		if (may_read_mta(conn))
			has_moved = read_some(gate, conn, false) || has_moved;
		frames_from_mta(gate, conn);
		check_memory(conn);
		if (conn->mta.state < MTA_ENDS && conn->mta.out.len > 0 &&
		    !write_some(gate, conn, false))
			conn->mta.state = MTA_ENDS;
		write_back(gate, conn);
		if (end_what_is_over(gate, conn))
			return;
		if (!has_moved && !may_read_back(conn) && !may_read_mta(conn) &&
		    !may_hand_over(conn))
			return;
	}
	wait_due(gate, conn, gate->now_ms);
}

/* The MTA has closed its end, or (not whole) perhaps only its writing half. */
static void
hung_up(struct gate *gate, struct conn *conn, bool is_whole)
{
	if (wait_is_delay(conn) ||
	    (is_whole && conn->wait.state == WAIT_LIBMILTER)) {
		conn->mta.state = MTA_ENDS;
		return;
	}
	if (conn->mta.state < MTA_HUNG_UP)
		conn->mta.state = MTA_HUNG_UP;
	pthread_mutex_lock(&gate->lock);
	conn->shared.is_shut = true;
	pthread_mutex_unlock(&gate->lock);
}

void
conn_event(struct gate *gate, struct conn *conn, bool is_back, uint32_t events)
{
	bool has_hung_up = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;

	if (is_back) {
		conn->back.has_more = true;
		conn->back.has_hung_up |= has_hung_up;
		return;
	}
	conn->mta.has_more = true;
	if (has_hung_up && conn->mta.state < MTA_ENDS)
		hung_up(gate, conn, (events & (EPOLLHUP | EPOLLERR)) != 0);
}

void
conn_end(struct conn *conn, bool both)
{
	if (conn->mta.state < MTA_ENDS)
		conn->mta.state = MTA_ENDS;
	if (!both || conn->back.state == BACK_CLOSED)
		return;
	buf_clear(&conn->back.out);
	if (conn->back.fd >= 0)
		close(conn->back.fd);
	conn->back.fd = -1;
	conn->back.state = BACK_CLOSED;
}
