/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a session, shared by the files of this room only. */
#ifndef SESSION_PRIVATE_H
#define SESSION_PRIVATE_H

#include <stdatomic.h>

#include "record/event.h"
#include "facts/facts.h"
#include "record/organisation.h"
#include "record/words.h"
#include "policy/hold.h"
#include "policy/judge.h"
#include "session/activity.h"
#include "session/explain.h"
#include "session/session.h"

#define SID_SIZE 11
#define MAX_RECIPIENTS                                                             \
	1000 /* kept; more are only counted (RFC 5321 4.5.3.1.8: 100) */
#define MAX_FORGED                                                                 \
	500 /* removed; an MTA's work grows with the square of their number */
#define COMMIT_LIMIT_MS 5000 /* a 450 waits at most this long for its record */

struct recipient {
	char *address; /* lower case, without brackets */
	bool exempt;
	bool noted; /* the attempt of this visit is on its way to the store */
};

/* A header field to remove. */
struct field {
	char *name;
	unsigned index; /* among those of that name, from 1 */
};

/* What RCPT recalled for one recipient; the rest is in session->history. */
struct recalled {
	int64_t at_ms; /* 0: nothing */
	size_t recipient, rows_count;
	struct grey_row row;
};

/* The jobs of one MAIL; its ticket is decided when the last of them is over. */
struct background {
	const struct snapshot *snapshot;
	uint64_t ticket;
	_Atomic unsigned running;
};

/* From MAIL to the end of message, RSET or the next MAIL. */
struct transaction {
	int64_t started;       /* wall clock, seconds */
	char *sender, *folded; /* one string, where nothing is folded */
	struct recipient *recipients;
	size_t count;
	unsigned accepted, refused, exempt;
	struct gather *gather;
	struct asked *asked; /* the record, where the store is shared */
	struct background background;
	struct dns_facts *dns; /* once known */
	int64_t noted_at;      /* the first attempt of this visit; 0: none yet */
	struct note *note;     /* the attempt whose commit a 450 waits for */
	struct recalled recalled;
	struct judgement judgement;
	bool is_judged, data_seen, has_rcpt;
	char *exempt_by;        /* sender, or all recipients, exempt */
	char *exempt_recipient; /* who set the first of them free */
	char *queue_id, *message_id;
	struct field *removed; /* once there are more than MAX_FORGED: no more */
	size_t removed_count;
	bool has_lost_removed; /* for one of them there was no memory */
	unsigned forged_headers,
	    authres_headers; /* that came; the latter of any id */
	bool relay_trusted, foreign_session;
	const char *reply; /* static word for the event */
	char *other;       /* the text of a 450 that waits for its record */
	bool is_last;      /* it is a 421, which ends the connection */
};

/* The one hold of a connection. */
struct hold {
	bool begun, over;
	bool shed;
	bool outcome_noted;
	enum hold_end end; /* of the wait, later of the hold */
	bool watched;
	int64_t asked_ms, waited_ms;
	struct activity_hold activity; /* counted from begun to over */
};

/* What the last answer's delay was for. */
enum waits_for { WAITS_FOR_NOTHING, WAITS_FOR_HOLD, WAITS_FOR_RECORD };

struct session {
	struct snapshot *snapshot;
	struct gate_moment now; /* of the function that runs */
	enum waits_for waits_for;
	char sid[SID_SIZE];
	struct facts facts;                  /* owns name, ptr, helo and local */
	const char *organisation;            /* within facts.name; NULL: none */
	const struct local_rule *local_rule; /* first that acts, or else warns */
	struct ip server_ip;
	char *exempt_by; /* network, authenticated, list entry; NULL: not exempt */
	/* Exempt because it may be our own mail, which carries no headers. */
	bool is_outgoing;
	bool authenticated;
	bool is_local; /* no SMTP client */
	bool had_mail, any_event;
	bool lacks_memory; /* a word of the client's is lost: see session_keep() */
	unsigned refusals; /* 450s of this connection */
	bool overflow;     /* the budget refused the hold; judged at DATA */
	enum fault fault;
	int64_t attempt_at; /* the visit's first attempt was noted then; 0: none */
	struct history history; /* of the last recall, rows left out */
	bool has_history;
	struct hold hold;
	struct transaction *mail;
};

/* exempt.c: who set the session, the recipient or the message free; or NULL */
/* is_outgoing_r: what it sends may be our own */
char *exempt_client(struct session *session, bool *is_outgoing_r);
/* address: without brackets, lower case */
char *exempt_recipient(struct session *session, const char *address);
char *exempt_sender(struct session *session);

/* state.c */
extern const struct answer answer_continue, answer_trouble;
/*
 * A copy of a fact. Without memory for it the session's mail goes on without us:
 * a server whose name is lost would look like a client without one.
 */
char *session_keep(struct session *session, const char *text);
/* Then it says so and the mail is gone; to be asked before anything is decided. */
bool session_is_lost(struct session *session);
struct transaction *transaction_new(const char *sender, int64_t now);
/* Nothing is written of them. */
void session_end_mail(struct session *session);
void session_free(struct session *session);

/* session.c */
/* The moment begins; what the last answer waited for is taken note of. */
void session_enter(struct session *session, const struct gate_moment *moment);

/* background.c */
void background_start(struct session *session);
/*
 * Until the DNS facts and the record are in, DATA stays with the gate, and of
 * those who may be held RCPT too. A call-out, which stops at RCPT, is never
 * delayed.
 */
struct answer background_delay(const struct session *session);
/* Who becomes a suspect by a recipient alone is held when all is in. */
bool background_is_out(const struct session *session);
/* Takes over the DNS result when it is there. */
void background_take_dns(struct session *session);

/* decide.c: from facts to a verdict, for the daemon and for explain alike */
/* The narrow SPF domain of the running transaction, or NULL. */
const char *session_domain(const struct session *session);
/* Whom the record of an organisation is about, or NULL. */
const char *session_organisation(const struct session *session);
/* As the store is asked and told of the client and the mail it sends. */
struct store_who session_who(const struct session *session);
/* Judges for recipients [from, from + count); fills mail->judgement. */
void decide_judge(struct session *session, size_t from, size_t count);
/* For all recipients, where an allow list has set the message free. */
void decide_listed(struct session *session);
/* Would this client be held if nothing were on record? */
bool decide_may_hold(const struct session *session);
/* A hash that only this database's daemon can make. */
uint64_t decide_keyed(
    const struct snapshot *snapshot, const void *data, size_t length);
/* The length of the hold that the judgement asks for. */
struct hold_plan decide_hold(const struct session *session, bool at_data);
/* What the judgement means for a connection that may have been held already. */
enum verdict decide_after_hold(const struct session *session);
/* There is no place for the hold: what becomes of it. */
void decide_overflow(struct session *session);
/* Rule and pattern, or the tags, behind the selector that spoke; or "". */
void decide_detail(const struct session *session, char *buf, size_t size);
/* The facts of the operator's own rules. */
void decide_local(struct session *session);
void session_fault(struct session *session, enum fault fault);

/* hold.c */
struct answer hold_start(
    struct session *session, size_t first_recipient, bool at_data);
void hold_end(struct session *session, enum gate_end end);

/* greylist.c */
/* The 450 of the transaction, "450 4.7.1 text"; NULL: memory is out. */
const char *greylist_reply(struct session *session);
/* On the writer's thread: its record is final. */
void greylist_record_done(void *ctx, uint64_t ticket, enum note_state state);
/* What is answered where a 450 cannot be. */
struct answer greylist_on_failure(const struct session *session);
struct answer greylist_start(struct session *session);
/* The 450 was not sent, because its record could not be kept. */
void greylist_failed(struct session *session);

/* data.c */
void data_look_for_pipe(struct session *session);
/*
 * The whole message. Late, at its end, what would have been done is only told: the
 * MTA has asked neither at DATA nor at the end of the headers.
 */
struct answer data_judge(struct session *session, bool is_late);

/* record.c */
/* Notes the attempt for recipients not noted yet. done: NULL, or told its end */
void record_attempt(struct session *session, size_t from, size_t count,
    void (*done)(void *ctx, uint64_t ticket, enum note_state state));
/* Notes the attempt again, now that the SPF domain is known. */
void record_named(struct session *session);
/* What has become of the attempt's note: a fault, if it is lost. */
void record_look(struct session *session);
/* Of the transaction: event, outcome, log line. */
void record_transaction(
    struct session *session, bool delivered, const struct session_words *words);
void record_session(struct session *session);

/* words.c */
enum from_state session_from(const struct session *session);
enum helo_class session_helo_class(const struct session *session);
void session_words_fill(
    const struct session *session, bool delivered, struct session_words *words);

/* stamp.c */
#define STAMP_CLIENT_SIZE 801
#define STAMP_FLAGS_SIZE  256
void stamp_client(
    const struct session *session, char buf[static STAMP_CLIENT_SIZE]);
void stamp_flags(const struct session *session, const struct session_words *words,
    char buf[static STAMP_FLAGS_SIZE]);
/* false: too many forged copies to remove. Forgets a trusted relay's word that came
 * with another's. */
bool stamp_is_possible(struct transaction *mail);
/* Removes forged copies, inserts our headers. */
void stamp_message(const struct session *session, const struct session_words *words,
    const struct session_edits *edits);

#endif
