/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a session, for the files in this folder only. */
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

/* What RCPT recalled for one recipient; all else is in session->history. */
struct recalled {
	int64_t at_ms; /* 0: nothing */
	size_t recipient, rows_count;
	struct grey_row row;
};

/* The jobs of one MAIL; its ticket is decided when the last one is over. */
struct background {
	const struct snapshot *snapshot;
	uint64_t ticket;
	_Atomic unsigned running;
};

/* From MAIL to the end of message, RSET or the next MAIL. */
struct transaction {
	int64_t started;       /* wall clock, seconds */
	char *sender, *folded; /* one string if folding changed nothing */
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
	char *exempt_by;        /* set if the sender or all recipients are exempt */
	char *exempt_recipient; /* what exempted the first of them */
	char *queue_id, *message_id;
	struct field *removed; /* up to MAX_FORGED + 1, which is too many */
	size_t removed_count;
	bool has_lost_removed; /* out of memory for one of them */
	unsigned forged_headers, authres_headers; /* seen; authres with any id */
	bool relay_trusted, foreign_session;
	const char *reply; /* static word for the event */
	char *other;       /* the text of a 450 that waits for its record */
	bool is_last;      /* other is a 421, which ends the connection */
};

/* The one hold of a connection. */
struct hold {
	bool begun, over;
	bool shed;
	bool outcome_noted;
	enum hold_end end; /* how the wait ended, or why there was none */
	bool watched;
	int64_t asked_ms, waited_ms;
	struct activity_hold activity; /* counted from begun to over */
};

/* What the last answer's delay was for. */
enum waits_for { WAITS_FOR_NOTHING, WAITS_FOR_HOLD, WAITS_FOR_RECORD };

struct session {
	struct snapshot *snapshot;
	struct gate_moment now; /* of the function that is running */
	enum waits_for waits_for;
	char sid[SID_SIZE];
	struct facts facts;                  /* owns name, ptr, helo and local */
	const char *organisation;            /* within facts.name; NULL: none */
	const struct local_rule *local_rule; /* first that acts, else that warns */
	struct ip server_ip;
	char *exempt_by; /* network, authenticated, list entry; NULL: not exempt */
	/* Exempt because it may be our own mail, which carries no headers. */
	bool is_outgoing;
	bool authenticated;
	bool is_local; /* not an SMTP client */
	bool had_mail, any_event;
	bool lacks_memory; /* lost what the client said: see session_keep() */
	unsigned refusals; /* 450s on this connection */
	bool overflow;     /* the budget refused the hold; judged at DATA */
	enum fault fault;
	int64_t attempt_at; /* when the visit's first attempt was noted; 0: none */
	struct history history; /* of the last recall, without rows */
	bool has_history;
	struct hold hold;
	struct transaction *mail;
};

/* exempt.c: what exempts the session, the recipient or the message; or NULL */
/* is_outgoing_r: it may be sending our own mail */
char *exempt_client(struct session *session, bool *is_outgoing_r);
/* address: without brackets, lower case */
char *exempt_recipient(struct session *session, const char *address);
char *exempt_sender(struct session *session);

/* state.c */
extern const struct answer answer_continue, answer_trouble;
/*
 * A copy of a fact. When out of memory, the session's mail goes on without us: a
 * server whose name is lost would look like a client without one.
 */
char *session_keep(struct session *session, const char *text);
/*
 * true: what the client said was lost for want of memory; it is logged and the
 * transaction ended. Call before anything is decided.
 */
bool session_is_lost(struct session *session);
struct transaction *transaction_new(const char *sender, int64_t now);
/* Both free without writing to the store or the log. */
void session_end_mail(struct session *session);
void session_free(struct session *session);

/* session.c */
/* The moment begins; records how the last wait ended. */
void session_enter(struct session *session, const struct gate_moment *moment);

/* background.c */
void background_start(struct session *session);
/*
 * Until the DNS facts and the record are in, delays DATA at the gate, and also RCPT
 * of clients that may be held. A call-out, which stops at RCPT, is never delayed.
 */
struct answer background_delay(const struct session *session);
/*
 * The DNS facts or the record are not in yet, and may still come: whoever is a
 * suspect only by a recipient is then judged at DATA.
 */
bool background_is_out(const struct session *session);
/* Takes over the DNS result when it is there. */
void background_take_dns(struct session *session);

/* decide.c: from facts to a verdict, for the daemon and for explain alike */
/* The narrow SPF domain of the running transaction, or NULL. */
const char *session_domain(const struct session *session);
/* The organisation whose record counts, or NULL. */
const char *session_organisation(const struct session *session);
/* The client and its mail, as the store is asked and told. */
struct store_who session_who(const struct session *session);
/* Judges recipients [from, from + count); fills mail->judgement. */
void decide_judge(struct session *session, size_t from, size_t count);
/* When an allow list lets the message off: says what is known, delays nothing. */
void decide_listed(struct session *session);
/* Would this client be held if it had no record? */
bool decide_may_hold(const struct session *session);
/* A hash that only the daemon with this database can make. */
uint64_t decide_keyed(
    const struct snapshot *snapshot, const void *data, size_t length);
/* The length of the hold that the judgement asks for. */
struct hold_plan decide_hold(const struct session *session, bool at_data);
/* What the judgement means for a connection that may have been held already. */
enum verdict decide_after_hold(const struct session *session);
/* Decides what happens when there is no place for the hold. */
void decide_overflow(struct session *session);
/* The rule's line and pattern, or numbers of the record, behind it; or "". */
void decide_detail(const struct session *session, char *buf, size_t size);
/* The facts of the operator's own rules. */
void decide_local(struct session *session);
void session_fault(struct session *session, enum fault fault);

/* hold.c */
struct answer hold_start(
    struct session *session, size_t first_recipient, bool at_data);
void hold_end(struct session *session, enum gate_end end);

/* greylist.c */
/*
 * "450 4.7.1 text" of the transaction, or "421 ..." for the last one of a
 * connection; NULL: out of memory.
 */
const char *greylist_reply(struct session *session);
/* On the writer's thread: the record is final. */
void greylist_record_done(void *ctx, uint64_t ticket, enum note_state state);
/* The answer when a 450 is not possible. */
struct answer greylist_on_failure(const struct session *session);
struct answer greylist_start(struct session *session);
/* The 450 was not sent, because its record could not be kept. */
void greylist_failed(struct session *session);

/* data.c */
void data_look_for_pipe(struct session *session);
/*
 * Judges the whole message. is_late, at its end: only reports what would have been
 * done, since the MTA asked neither at DATA nor at the end of the headers.
 */
struct answer data_judge(struct session *session, bool is_late);

/* record.c */
/*
 * Notes the attempt for recipients not noted yet. done: called once its record is
 * final, perhaps at once; NULL: nobody waits.
 */
void record_attempt(struct session *session, size_t from, size_t count,
    void (*done)(void *ctx, uint64_t ticket, enum note_state state));
/* Notes the attempt again, now that the SPF domain is known. */
void record_named(struct session *session);
/* Checks what became of the attempt's note: a fault if it is lost. */
void record_look(struct session *session);
/* For the transaction: event, outcome, log line. */
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
/*
 * false: too many forged copies to remove, or one could not be noted for want of
 * memory. Ignores a trusted relay's word when another relay's came with it.
 */
bool stamp_is_possible(struct transaction *mail);
/* Removes forged copies, inserts our headers. */
void stamp_message(const struct session *session, const struct session_words *words,
    const struct session_edits *edits);

#endif
