/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that a session may ask of the machine it runs on: the tests give it a
 * fake one, milter/ one over the gate. The meaning of each call is that of the
 * function of the same name in gate/gate.h.
 */
#ifndef SESSION_PORT_H
#define SESSION_PORT_H

#include <stdbool.h>
#include <stdint.h>

enum port_wait_kind { PORT_ASK_AGAIN, PORT_WITHHOLD };

struct port_wait {
	enum port_wait_kind kind;
	int64_t until_ms;
	bool is_hold;
	const char *refusal;
	bool refuse_when_due, settles_once;
};

enum port_answer { PORT_WAITING, PORT_NOT_WAITING, PORT_FULL };

enum port_end {
	PORT_END_NONE,
	PORT_END_WAITING,
	PORT_END_ELAPSED,
	PORT_END_WOKEN,
	PORT_END_GONE,
	PORT_END_STOPPED,
	PORT_END_MTA_GONE
};

struct port_outcome {
	enum port_end end;
	int64_t waited_ms;
	bool was_hold, watched, refused;
	unsigned asked;
};

struct port_grant {
	bool granted;
	unsigned holds, max_holds;
};

enum port_settlement {
	PORT_FORWARD_NOW,
	PORT_REFUSE_NOW,
	PORT_FORWARD_WHEN_DUE,
	PORT_REFUSE_WHEN_DUE
};

/* One for all sessions; number is the connection's. */
enum port_early { PORT_EARLY_UNKNOWN, PORT_EARLY_NO, PORT_EARLY_YES };

struct port {
	void *ctx;
	enum port_answer (*wait)(
	    void *ctx, uint64_t number, const struct port_wait *wait);
	bool (*wake)(void *ctx, uint64_t number);
	bool (*settle)(void *ctx, uint64_t number, enum port_settlement how);
	bool (*data_not_before)(void *ctx, uint64_t number, int64_t until_ms);
	struct port_grant (*budget)(void *ctx, uint64_t number, uint64_t key);
	bool (*outcome)(void *ctx, uint64_t number, struct port_outcome *outcome_r);
	int64_t (*pending)(void *ctx, uint64_t number);
	enum port_early (*early)(void *ctx, uint64_t number);
};

#endif
