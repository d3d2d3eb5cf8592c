/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fixture of the gate's tests: a folder, the libmilter filter, a gate with a
 * clock that stands still until a test moves it, and an MTA that speaks raw
 * frames. Reading guards against a hang with one minute; nothing else depends
 * on real time.
 */
#ifndef TESTS_GATE_FIXTURE_H
#define TESTS_GATE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* clang-format off: cmocka.h needs these before it */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "gate/filter.h"
#include "gate/gate.h"
#include "support/frame.h"

struct gate_fixture {
	char folder[40];
	char listen[256];
	struct gate_settings settings;
	struct clock clock;
	struct gate *gate;
};

/* The process's one; made by fixture_open(). */
extern struct gate_fixture *const fixture;
void fixture_open(void);
/* A new gate with fixture->settings, which the test may have changed. */
void fixture_gate(void);
void fixture_gate_stop(void);
/* For cmocka: open, with a gate and the protocol of targrey; and the end of it. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
/* Moves the clock. */
void fixture_advance(int64_t ms);
/* The same, and waits until the gate has done all that is due by then. */
void fixture_pass(int64_t ms);
int64_t fixture_now(void);
/* Defaults of settings. */
void fixture_reset(void);

struct mta {
	int fd;
};
struct mta_frame {
	char cmd; /* 0: the connection was closed; '?': nothing for a minute */
	uint32_t len;
	char data[1024]; /* cut, with NUL */
};

struct mta mta_connect(const char *listen);
void mta_close(struct mta *mta);
void mta_send(struct mta *mta, char cmd, const void *data, size_t len);
void mta_send_raw(struct mta *mta, const void *data, size_t len);
/* The next frame that is not progress. */
struct mta_frame mta_read(struct mta *mta);
/* The next frame, progress too. */
struct mta_frame mta_read_any(struct mta *mta);
/* Nothing arrives within some milliseconds of real time. */
bool mta_silent(struct mta *mta, int ms);
/* Whether a frame can be read within ms. */
bool mta_ready(struct mta *mta, int ms);

/* Negotiates, offering protocol; returns the reply's protocol bits. */
uint32_t mta_negotiate(struct mta *mta, uint32_t protocol);
/* Connect macros, CONNECT, HELO, MAIL, with replies read as negotiated none. */
void mta_greet(struct mta *mta);
void mta_rcpt(struct mta *mta, const char *recipient);
void mta_data(struct mta *mta);
/* Headers, end of headers, body, end; the final reply is not read. */
void mta_message(struct mta *mta);

#define MTA_OFFER FRAME_STEPS

/*
 * What targrey's filter negotiates: SMFIP_NR_CONN, HELO, HDR, EOH, BODY. The gate
 * answers CONNECT and HELO itself, and MAIL is answered to the gate.
 */
#define FILTER_PROTOCOL 0xc3080U
#define MTA_PROTOCOL    0xc4080U

struct gate_report fixture_report(void);
/* How often the log has said that. */
unsigned fixture_said(const char *text);
/* Waits, a minute at most, until the filter's callback has run count times. */
void fixture_await(int event, unsigned count);
/* Waits, a minute at most, until that many commands and replies are delayed. */
void fixture_await_waiting(unsigned count);
/* The same for connections. */
void fixture_await_connections(unsigned count);

#endif
