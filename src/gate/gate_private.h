/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internals of the gate. The loop's thread owns all of struct gate and struct conn
 * except the parts named "shared", which gate->lock guards: what callbacks and
 * other threads ask for, and what they may read. The lock is held for some hundred
 * instructions at most and never across a system call, except the write to the
 * loop's eventfd.
 *
 * Calls go one way (tests/layers.cmake): loop -> listen, conn -> frames -> filter,
 * early -> answer -> wait -> call -> budget, watch, buf. Only conn_run() closes
 * descriptors and ends a connection, after which its memory is gone: everything
 * below it marks what has come to an end, in mta.state and back.state, and goes on.
 */
#ifndef GATE_PRIVATE_H
#define GATE_PRIVATE_H

#include <pthread.h>

#include "base/log.h"
#include "gate/buf.h"
#include "gate/gate.h"
#include "gate/protocol.h"
#include "gate/watch.h"

#define FRAME_MAX        ((size_t)1024 * 1024 + 64) /* largest length field */
#define READ_SIZE        ((size_t)64 * 1024)
#define UNSENT_MAX       4096 /* octets of frames that may wait for the next one */
#define NEGOTIATION_SIZE 12
#define GATE_MACRO       "{targrey_gate}"
/* Some sites set milter_command_timeout to 5 s (Postfix's default is 30 s). */
#define PROGRESS_MS      2000
#define PROGRESS_GRID_MS 250 /* so that wake-ups are shared */
#define REFUSAL_MAX      512
#define RETRY_MS         2   /* libmilter's backlog is full */
#define PAUSE_MS         100 /* accept() has no descriptor */
/*
 * Of epoll_event.data; for a connection: twice its number, plus 1 for libmilter's
 * end.
 */
#define EVENT_ACCEPT 0
#define EVENT_WAKE   1
#define SLOT_BITS    20 /* of a number: 2^20 connections */
#define SLOT_MASK    (((uint64_t)1 << SLOT_BITS) - 1)

/* The MTA's end; the state never goes back. */
enum mta_state {
	MTA_TALKS,
	MTA_HUNG_UP,  /* has closed its end, or its writing half */
	MTA_READ_OUT, /* and all that it sent was read */
	MTA_CLOSES,   /* closed once all is written */
	MTA_ENDS,     /* closed at once */
	MTA_CLOSED
};

struct mta_side {
	int fd;
	enum mta_state state;
	bool has_more;    /* something may be there to read */
	bool waits_write; /* EPOLLOUT is requested */
	bool has_negotiated;
	uint32_t version, offered; /* of its negotiation */
	uint32_t no_reply;         /* SMFIP_NR_* bits sent to it */
	struct buf in;             /* not processed */
	struct buf out;
};

/* libmilter's end. */
enum back_state {
	BACK_NONE, /* not connected yet, or its backlog is full */
	BACK_OPEN,
	BACK_SHUT, /* our half is closed; its abort and close callbacks run */
	BACK_CLOSED
};

/* libmilter's transaction, judged by the answers. */
enum mail_state {
	MAIL_NONE,
	MAIL_BEGUN,
	MAIL_HAS_RECIPIENT, /* one was accepted */
	MAIL_HEADERS,       /* DATA was accepted */
	MAIL_BODY,          /* the headers are complete */
	MAIL_REFUSED /* MAIL or DATA was refused; the transaction is still open */
};

struct back_side {
	int fd;
	enum back_state state;
	enum mail_state mail;
	bool has_more, has_hung_up, waits_write;
	bool is_urgent; /* out must not wait for more */
	bool has_macro; /* the connection's number was sent */
	uint32_t no_reply;
	struct buf in; /* half a frame, and a reply that is delayed */
	struct buf out;
};

enum wait_state {
	WAIT_NONE,
	WAIT_LIBMILTER, /* it works on the command */
	WAIT_COMMAND,   /* delayed, at the head of mta.in */
	WAIT_REPLY      /* delayed, at the head of back.in */
};

struct wait {
	enum wait_state state;
	char cmd;            /* the command that waits or is awaited; 0: none */
	bool is_refused;     /* the recipient, by the MTA itself */
	int64_t since_ms;    /* when this state began */
	int64_t until_ms;    /* when it is due */
	int64_t progress_ms; /* next SMFIR_PROGRESS; 0: none is needed */
	int64_t watch_ms;    /* next check of the client; INT64_MAX: none */
	int64_t delayed_ms;  /* how long the command at the head was delayed */
};

/* The client's connection to the MTA, as far as it can be seen. */
struct client {
	struct watch_socket socket;
	bool was_seen, has_tls;
	/* Octets that the MTA had sent when HELO and DATA came; -1: not known */
	int64_t sent_at_helo, sent_at_data;
};

/* Guarded by gate->lock. */
struct shared {
	/* Given to the next callback; the ticket is 0 when it may not wait. */
	struct gate_moment moment;
	/* What the last callback asked for. */
	struct gate_wish wish;
	char *other; /* of the wish, owned */
	bool is_decided, chosen;
	/* Of the MAIL that delays commands. */
	bool delays_rcpt;
	uint64_t command_ticket;
	int64_t command_until_ms;

	bool is_booked;
	uint64_t place;
	bool is_shut; /* no more waits */
	bool is_waiting, is_notified;
	struct conn *next_notified;
};

/* Who answers the MTA: libmilter, or the gate for the rest of the session. */
enum answerer {
	ANSWER_LIBMILTER,
	ANSWER_GONE,
	ANSWER_STOPPED,
	ANSWER_ACCEPT,
	ANSWER_TEMPFAIL
};

struct conn {
	uint64_t number; /* a generation, and the slot */
	struct mta_side mta;
	struct back_side back;
	struct wait wait;
	struct client client;
	enum answerer answerer;
	bool said_stopped; /* the first refusal of a stop was sent */
	struct shared shared;
};

struct budget_row {
	uint64_t key;
	unsigned holds;
	struct budget_row *next;
};
#define BUDGET_ROWS 256

struct gate {
	struct clock clock;
	int64_t now_ms;    /* fixed for this turn of the loop */
	int64_t jumped_ms; /* when the clock was last seen to jump */
	int epoll, wake_fd, lock_fd, listen_fd;
	bool is_listening, is_started;
	int64_t paused_until_ms; /* real time; out of descriptors until then */
	char *socket_path;       /* NULL: not a unix socket */
	mode_t socket_mode;
	gid_t socket_group;
	atomic_bool is_unlinked; /* the socket must be made again */
	char *back_path;
	/*
	 * When a slot's connection next needs attention: may be too early, never
	 * too late. INT64_MAX: nothing
	 */
	int64_t *due_ms, soonest_ms;
	struct watch watch;
	char *scratch; /* READ_SIZE */
	bool said_unwatched;
	const char *const *headers; /* NULL: all */
	size_t max_connections;
	size_t slots_used; /* slots from here on never had a connection */
	bool is_stopping, are_closed;
	int64_t stop_close_ms, stop_end_ms; /* real time */
	struct log_limit limit_timeout, limit_back, limit_frame, limit_accept,
	    limit_lock;
	pthread_t thread;

	_Atomic int64_t answer_timeout_ms;
	_Atomic int on_failure;
	_Atomic unsigned turns;

	pthread_mutex_t lock; /* guards everything below and struct shared */
	struct conn **slots;
	uint32_t *free_slots;
	size_t free_count;
	uint64_t generation;
	struct conn *notified;
	bool stop_asked, no_waits;
	int64_t grace_ms;
	unsigned max_holds, max_holds_per_key;
	struct budget_row *budget[BUDGET_ROWS];
	struct gate_report report;
};

/* loop.c */
void *loop_run(void *arg);

/* listen.c */
/* where: as in struct gate_settings */
bool listen_open(struct gate *gate, const char *where, struct error *error);
/* A new connection's descriptor, or -1 when there is none for now. */
int listen_accept(struct gate *gate);
/* Listens, if there is room. */
void listen_resume(struct gate *gate);
void listen_close(struct gate *gate);
/* On the gate's thread: makes the socket again if its file has been removed. */
void listen_again(struct gate *gate);

/* call.c */
/*
 * Finds a connection by its number or one of its tickets; NULL: the slot is empty.
 * On the loop's thread, or with gate->lock held.
 */
struct conn *call_slot(const struct gate *gate, uint64_t number);
/* Wakes the loop. From any thread. */
void call_wake(struct gate *gate);

/* conn.c */
/* NULL: no memory, or no room */
struct conn *conn_open(struct gate *gate, int fd);
void conn_event(
    struct gate *gate, struct conn *conn, bool is_back, uint32_t events);
/*
 * Reads, hands over, answers, writes and closes as far as possible. The only
 * function that may free conn.
 */
void conn_run(struct gate *gate, struct conn *conn);
/* At a stop: ends the MTA's end, or both. */
void conn_end(struct conn *conn, bool both);

/* frames.c */
void frames_from_mta(struct gate *gate, struct conn *conn);
void frames_from_libmilter(struct gate *gate, struct conn *conn);
/* Acts on the wait when a time, a decision or a stop has come. */
void frames_check(struct gate *gate, struct conn *conn);
/* The length of the whole frame at the head; 0: not all here; -1: bad length */
ssize_t frames_length(const struct buf *buf);

/* filter.c */
enum filter_verdict {
	FILTER_PASS,
	FILTER_DROP, /* libmilter need not see it */
	FILTER_WRONG_MACROS,
	FILTER_WRONG /* not a frame of the protocol */
};
/* data: of the frame, after its head */
enum filter_verdict filter_frame(const struct gate *gate, const struct conn *conn,
    char cmd, const char *data, size_t len);

/* early.c: call before this frame is handed over. data: after its head */
void early_look(
    struct gate *gate, struct conn *conn, char cmd, const char *data, size_t len);

/* answer.c: the gate's own answers */
void answer_put(struct buf *buf, char cmd, const void *data, size_t len);
void answer_refuse(struct conn *conn, const char *text);
/* To a command, once the gate has taken over. */
void answer_command(struct conn *conn, char cmd);
/*
 * From here on libmilter gets nothing more: end of file makes it run the abort and
 * close callbacks, which can still read how the wait ended.
 */
void answer_take_over(struct gate *gate, struct conn *conn, enum answerer how);
/* no_reply: SMFIP_NR_* bits */
bool answer_is_due(uint32_t no_reply, char cmd);

/* wait.c */
/* libmilter is about to get a command that it answers. */
void wait_for_libmilter(struct gate *gate, struct conn *conn, char cmd);
/* true: the command stays at the head of mta.in for now */
bool wait_delays(struct gate *gate, struct conn *conn, char cmd);
/* libmilter's final reply has come; true: it stays at the head of back.in */
bool wait_takes_reply(struct gate *gate, struct conn *conn);

enum wait_event {
	WAIT_GOES_ON,
	WAIT_FORWARD,
	WAIT_OTHER,
	WAIT_CLIENT_GONE,
	WAIT_STOPS,
	WAIT_SILENT /* libmilter is */
};
/* Returns the wait's present state. */
enum wait_event wait_look(struct gate *gate, struct conn *conn);
/* Ends the wait. end, other: as in struct gate_delay */
void wait_end(struct gate *gate, struct conn *conn, enum gate_end end, bool other);
bool wait_is_delay(const struct conn *conn);
/* Call whenever a time of the connection may have moved earlier. */
void wait_set_timer(struct gate *gate, struct conn *conn);
/* Has the connection looked at by that time. */
void wait_due(struct gate *gate, const struct conn *conn, int64_t at_ms);

/* budget.c: with gate->lock held */
bool budget_book(struct gate *gate, struct conn *conn, uint64_t key);
void budget_release(struct gate *gate, struct conn *conn);

#endif
