/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gate's inside. The loop's thread owns all of struct gate and struct conn
 * but the parts named "shared", which gate->lock guards: what callbacks and
 * other threads ask for, and what they may read. The lock is held for some
 * hundred instructions at most and never across a system call, save the write
 * to the loop's eventfd.
 */
#ifndef GATE_PRIVATE_H
#define GATE_PRIVATE_H

#include <netinet/in.h>
#include <pthread.h>

#include "base/log.h"
#include "gate/buf.h"
#include "gate/gate.h"
#include "gate/heap.h"
#include "gate/protocol.h"
#include "gate/watch.h"

#define FRAME_MAX        ((size_t)1024 * 1024 + 64) /* of a frame's length field */
#define READ_SIZE        ((size_t)64 * 1024)
#define LAZY_MAX         4096  /* octets of C and H frames kept for company */
#define PROGRESS_MS      10000 /* Postfix's milter_command_timeout is 30 s */
#define PROGRESS_GRID_MS 250   /* many at one wake-up */
#define LEAST_WAIT_MS    10
#define MOST_ASKS        64
#define REFUSAL_MAX      512
#define NEGOTIATION_SIZE 12
#define GATE_MACRO       "{targrey_gate}"
#define RETRY_MS         2   /* libmilter's backlog is full */
#define PAUSE_MS         100 /* accept() has no descriptor */

enum conn_state {
	CONN_IDLE,     /* no reply is due */
	CONN_DUE,      /* libmilter works on conn->due */
	CONN_WAITING,  /* asks again later; the frame stays at the head of in */
	CONN_WITHHELD, /* the reply is in conn->withheld */
	CONN_KEPT      /* DATA is at the head of in, not handed over yet */
};

/* How far the transaction has come, by what was answered. */
enum mail_state {
	MAIL_NONE,
	MAIL_BEGUN,
	MAIL_HAS_RECIPIENT, /* one was accepted */
	MAIL_CONTENT,       /* between DATA's reply and the end of the message */
	MAIL_REFUSED        /* DATA was, and the transaction still stands */
};

/* Whether the gate itself answers for the rest of the session, and how. */
enum answerer {
	ANSWER_LIBMILTER,
	ANSWER_GONE,
	ANSWER_STOPPED,
	ANSWER_ACCEPT,
	ANSWER_TEMPFAIL
};

/* Guarded by gate->lock. */
struct shared {
	char cmd;    /* R or T while libmilter works on it, else 0 */
	bool parked; /* the loop wants to hear of a wake or a settlement */
	bool poked;  /* in gate->poked */
	bool shut;   /* no more waits */
	bool wants;  /* a wait was asked for and granted, its reply is not here */
	bool woken;
	bool fresh; /* the outcome is still that of the command before */
	bool has_settle;
	enum gate_settlement settle;
	enum gate_wait_kind kind;
	bool is_hold, refuse_when_due, settles_once;
	unsigned owed; /* settlements of waits that were over before them */
	bool booked, counted;
	uint64_t key;
	int64_t until_ms;
	int64_t data_until_ms;
	int64_t began_ms, waited_ms;
	enum gate_end end;
	bool was_hold, watched, refused;
	unsigned asked;
	enum gate_early early;
	char *refusal; /* owned; NULL: none */
	struct watch_socket socket;
	bool was_seen; /* the socket, when its name was given */
	struct conn *next_poked;
};

struct conn {
	uint64_t number;
	int front, back; /* descriptors; -1 = closed */
	enum conn_state state;
	enum answerer answerer;
	char due;        /* the command that a reply is due for */
	bool front_more; /* something may be there to read */
	bool back_more;
	bool front_hup; /* the MTA has closed its end, or its writing half */
	bool front_eof; /* and all it sent was read */
	bool back_hup;
	bool front_out, back_out; /* EPOLLOUT is asked for */
	bool back_ready;          /* connected */
	bool back_shut;           /* our writing half is closed */
	bool has_negotiated;
	bool has_macro; /* the macro was sent */
	enum mail_state mail;
	bool urgent;  /* out_back must not be kept for company */
	bool closing; /* close the front once out_front is written */
	bool queued, dead;
	bool own_said; /* the first refusal of a stop was sent */
	bool has_back; /* a connection to libmilter was opened or tried */
	bool retrying; /* in the retry list */
	bool watching;
	uint32_t version, offered; /* of the MTA's negotiation */
	uint32_t no_reply;         /* SMFIP_NR_* bits negotiated */
	bool asks_connect;         /* the MTA wants a reply to CONNECT: ours */
	char mta_address[INET6_ADDRSTRLEN + 5];
	uint16_t mta_port;  /* network order */
	struct buf in;      /* from the MTA, not processed */
	struct buf back_in; /* from libmilter, half a frame at most */
	struct buf out_front, out_back;
	struct buf withheld;
	int64_t sent_ms;     /* when libmilter got the command */
	int64_t progress_ms; /* next SMFIR_PROGRESS */
	int64_t until_ms;    /* of the wait, or of the kept DATA */
	int64_t timer_ms;    /* heap's key: no later than anything to do */
	int32_t heap_at;     /* heap's index, -1 = not in */
	int64_t watch_ms;
	struct conn *watch_next, *watch_prev;
	struct conn *next; /* in one of: run queue, dead list */
	struct conn *next_retry;
	struct shared shared;
};

struct budget_row {
	uint64_t key;
	unsigned holds;
	struct budget_row *next;
};
#define BUDGET_ROWS 256

struct conn_list {
	struct conn *first, *last;
};

struct gate {
	struct clock clock;
	int64_t now_ms;    /* of this turn of the loop */
	int64_t jumped_ms; /* when the clock was last seen to jump */
	int epoll, wake_fd, lock_fd, listen_fd;
	bool listening, started, joined, finished;
	bool paused;
	int64_t paused_until_ms; /* real time */
	char *socket_path;       /* NULL: not a unix socket */
	char *back_path;
	struct heap heap;
	struct conn_list run, dead, watch;
	struct conn_list retry; /* by next_retry */
	struct watch watch_socket;
	struct watch pending_socket;
	pthread_mutex_t pending_lock; /* guards pending_socket */
	char *scratch;                /* READ_SIZE */
	bool said_unwatched;
	const char *const *headers; /* NULL: all */
	size_t max_connections;
	bool is_stopping;
	int64_t stop_close_ms, stop_end_ms; /* real time */
	bool fronts_closed;
	struct log_limit limit_timeout, limit_back, limit_frame, limit_accept,
	    limit_watch;
	pthread_t thread;

	_Atomic int64_t answer_timeout_ms;
	_Atomic int on_failure;
	_Atomic unsigned turns;

	pthread_mutex_t lock; /* guards everything below and struct shared */
	struct conn **slots;
	uint32_t *free_slots;
	size_t free_count;
	uint64_t generation;
	struct conn *poked;
	bool stop_asked, no_waits;
	int64_t grace_ms;
	unsigned max_holds, max_holds_per_key;
	struct budget_row *budget[BUDGET_ROWS];
	struct gate_report report;
};

/* loop.c */
void *loop_run(void *arg);
void loop_poke(struct gate *gate);
int64_t loop_real_ms(void);
void list_add(struct conn_list *list, struct conn *conn);
struct conn *list_take(struct conn_list *list);
/* Pump it once more in the next turn. */
void loop_again(struct gate *gate, struct conn *conn);
/* Connect to libmilter once more in the next turn. */
void loop_retry(struct gate *gate, struct conn *conn);
/* To be called whenever a time of the connection may have come nearer. */
void loop_timer(struct gate *gate, struct conn *conn);
void loop_watch(struct gate *gate, struct conn *conn);
void loop_unwatch(struct gate *gate, struct conn *conn);

/* listen.c */
bool listen_open(
    struct gate *gate, const struct gate_settings *settings, struct error *error);
void listen_accept(struct gate *gate);
void listen_resume(struct gate *gate);
void listen_close(struct gate *gate);

/* conn.c */
void conn_open(struct gate *gate, int front);
void conn_event(
    struct gate *gate, struct conn *conn, bool is_back, uint32_t events);
void conn_pump(struct gate *gate, struct conn *conn);
bool conn_connect(
    struct gate *gate, struct conn *conn); /* false: try again later */
void conn_close_front(struct gate *gate, struct conn *conn);
void conn_close_back(struct gate *gate, struct conn *conn);
void conn_free(struct gate *gate, struct conn *conn);

/* filter.c */
enum filter_verdict {
	FILTER_PASS,
	FILTER_DROP, /* libmilter need not hear it */
	FILTER_WRONG_MACROS,
	FILTER_WRONG /* not a frame of the protocol */
};
/* data: of the frame, behind its head */
enum filter_verdict filter_frame(const struct gate *gate, const struct conn *conn,
    char cmd, const char *data, size_t len);

/* frames.c */
void frames_front(struct gate *gate, struct conn *conn);
void frames_back(struct gate *gate, struct conn *conn);
/* The length of the whole frame at the head; 0: not all here; -1: bad length */
ssize_t frames_length(const struct buf *buf);
/* The command that was due is answered. reply: the answer's letter */
void frames_done(struct conn *conn, char reply);
void frames_put(struct buf *buf, char cmd, const void *data, size_t len);
bool frames_wants_reply(const struct conn *conn, char cmd);

/* pregreet.c */
void pregreet_macros(struct conn *conn, const char *data, size_t len);
void pregreet_connect(
    struct gate *gate, struct conn *conn, const char *data, size_t len);
void pregreet_negotiate(struct conn *conn, char *steps);

/* answer.c: the gate's own answers */
void answer_take_over(struct gate *gate, struct conn *conn, enum answerer how);
void answer_command(struct conn *conn, char cmd);
void answer_refuse(struct conn *conn, const char *text);

/* wait.c */
/* libmilter is about to get R or T; again: the same command once more */
void wait_sent(struct gate *gate, struct conn *conn, char cmd, bool again);
/* With gate->lock held: the outcome is that of the present command from here. */
void wait_renew(struct shared *shared);
/* libmilter's final reply to R or T; true: it is not passed on */
bool wait_reply(
    struct gate *gate, struct conn *conn, const char *frame, size_t len);
/* true: DATA stays at the head of in for now */
bool wait_keeps(struct gate *gate, struct conn *conn);
void wait_check(struct gate *gate, struct conn *conn);
void wait_ended(struct gate *gate, struct conn *conn, enum gate_end end);
/* A look-up of the watch has this result. */
void wait_looked(struct gate *gate, struct conn *conn, enum watch_state state);
bool wait_is_on(const struct conn *conn);

/* budget.c: with gate->lock held */
bool budget_book(struct gate *gate, struct conn *conn, uint64_t key);
void budget_release(struct gate *gate, struct conn *conn);

/* call.c: with gate->lock held */
struct conn *call_find(struct gate *gate, uint64_t number);

#endif
