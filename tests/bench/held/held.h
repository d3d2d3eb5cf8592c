/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bench of holds, in three parts: sessions.c plays the MTA's side of the
 * raw milter protocol, serve.c is a filter without any session of its own
 * (behind the gate, or alone on libmilter), bench.c measures.
 */
#ifndef TESTS_BENCH_HELD_H
#define TESTS_BENCH_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "figures.h"
#include "load.h"

/* ------------------------------------------------------------- sessions.c */

/* Who comes. A suspect has no name; another one is mail.example.com. */
struct visitor {
	uint32_t ip; /* host order */
	uint16_t port, mta_port;
	bool suspect;
};

/* A visitor nobody was before. */
struct visitor visitor_new(bool suspect);

/* Connects, negotiates and goes on to MAIL; -1: failed. */
int session_open(const char *path, const struct visitor *visitor);
void session_rcpt(int fd);
/* The next reply but progress; 0: closed, '?': none within ms. */
char session_read(int fd, int ms);

/* Whole ordinary sessions, parallel at a time, for that long. */
struct load_result session_load(
    const char *path, unsigned parallel, double seconds);

static inline double
now_ms(void)
{
	return now_s() * 1e3;
}

/* --------------------------------------------------------------- server.c */

#define GUARD_MS  60000
#define MOST_HELD 10500

/* A process that answers; kind: gate, direct, targreyd or targreyd_spf. */
struct server {
	const char *kind;
	pid_t pid;
	char path[96];
};

struct held {
	int mta, client, smtpd; /* the last two: -1 without a real connection */
};
extern struct held held[MOST_HELD];
extern int held_count;

void fail(const char *what);
void pause_s(double seconds);

/* A scratch folder, removed at the end unless KEEP is set. */
void server_prepare(const char *daemon, const char *rules_file);
void server_start(struct server *server, const char *kind);
void server_signal(const struct server *server);
void server_stop(struct server *server);
double cpu_ms(const struct server *server);

/* One more held session; real: of a client on a TCP connection of its own. */
void hold_one(const struct server *server, bool real);
void hold_many(const struct server *server, int count, bool real);
/* Their MTA goes away. */
void let_go(void);

/* ---------------------------------------------------------------- serve.c */

/* Runs until SIGTERM; returns the exit status. */
int serve(const char *kind, const char *folder);

#endif
