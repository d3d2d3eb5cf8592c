/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every closed list of words in headers, events, settings and reports, written
 * once: enums, arrays of words and the table of header keys are made from it. Add
 * a word here and its meaning in docs/headers.md; tests/words compares that page,
 * the SpamAssassin rules, the plugin and the delivery samples with these lists.
 *
 * X(ENUMERATOR, "word")
 */
#ifndef WORDS_VOCABULARY_H
#define WORDS_VOCABULARY_H

#define WORD_ENUM(name, word)  name,
#define WORD_TEXT(name, word)  [name] = (word),
#define WORD_ALONE(name, word) word,

#define MODE_LIST(X)                                                               \
	X(MODE_OBSERVE, "observe")                                                 \
	X(MODE_RGREY, "rgrey")                                                     \
	X(MODE_STARPIT, "starpit")                                                 \
	X(MODE_TARGREY, "targrey")                                                 \
	X(MODE_STRICT, "strict")

#define VERDICT_LIST(X)                                                            \
	X(VERDICT_PASS, "pass")                                                    \
	X(VERDICT_HOLD, "hold")                                                    \
	X(VERDICT_GREYLIST, "greylist")

/* The selectors; the first in this order that marks a client is the reason. */
#define SELECTOR_LIST(X)                                                           \
	X(WHY_S25R, "s25r")                                                        \
	X(WHY_ALL, "all")                                                          \
	X(WHY_HELO, "helo")                                                        \
	X(WHY_SPF, "spf")                                                          \
	X(WHY_DNSBL, "dnsbl")                                                      \
	X(WHY_LOCAL, "local")                                                      \
	X(WHY_RECORD, "record")

/* The policy step that decided. */
#define WHY_LIST(X)                                                                \
	SELECTOR_LIST(X)                                                           \
	X(WHY_KNOWN_ADDRESS, "known-address")                                      \
	X(WHY_KNOWN_DOMAIN, "known-domain")                                        \
	X(WHY_TRIES, "tries")                                                      \
	X(WHY_NONE, "none") /* not a suspect */                                    \
	X(WHY_OVERFLOW, "overflow")                                                \
	X(WHY_FAULT, "fault")                                                      \
	X(WHY_WARN,                                                                \
	    "warn") /* not a suspect, but a rule or selector on trial matched */   \
	X(WHY_LISTED, "listed") /* on an allow list; set by session/ */

#define RDNS_LIST(X)                                                               \
	X(RDNS_PASS, "pass")                                                       \
	X(RDNS_MISMATCH, "mismatch")                                               \
	X(RDNS_NONE, "none")                                                       \
	X(RDNS_TEMPERROR, "temperror")

#define S25R_LIST(X)                                                               \
	X(S25R_NONE, "none")                                                       \
	X(S25R_MATCH, "match")                                                     \
	X(S25R_UNKNOWN, "unknown")

/* What the client calls itself. */
#define HELO_LIST(X)                                                               \
	X(HELO_FQDN, "fqdn")                                                       \
	X(HELO_BARE, "bare")       /* anything else: no dot, odd characters */     \
	X(HELO_IP, "ip")           /* an address without brackets */               \
	X(HELO_LITERAL, "literal") /* an address literal, RFC 5321 4.1.3 */        \
	X(HELO_OURS, "ours")       /* our own name or address */                   \
	X(HELO_LOCALHOST, "localhost")                                             \
	X(HELO_MISSING, "missing")

#define HELO_DNS_LIST(X)                                                           \
	X(HELO_DNS_UNKNOWN, "unknown")                                             \
	X(HELO_DNS_MATCH, "match")                                                 \
	X(HELO_DNS_MISMATCH, "mismatch")                                           \
	X(HELO_DNS_NONE, "none")

/* The sender; if several apply: null first, then its own form, then DNS. */
#define FROM_LIST(X)                                                               \
	X(FROM_OK, "ok")                                                           \
	X(FROM_NULL, "null")                                                       \
	X(FROM_SELF, "self")                                                       \
	X(FROM_OURS, "ours")                                                       \
	X(FROM_NODNS, "nodns")                                                     \
	X(FROM_UNKNOWN, "unknown")

/* RFC 7208 2.6, and skipped: loopback, exempt, switched off. */
#define SPF_LIST(X)                                                                \
	X(SPF_NONE, "none")                                                        \
	X(SPF_NEUTRAL, "neutral")                                                  \
	X(SPF_PASS, "pass")                                                        \
	X(SPF_FAIL, "fail")                                                        \
	X(SPF_SOFTFAIL, "softfail")                                                \
	X(SPF_TEMPERROR, "temperror")                                              \
	X(SPF_PERMERROR, "permerror")                                              \
	X(SPF_SKIPPED, "skipped")

/* Whether the client sent octets when it should have been silent. */
#define PIPE_LIST(X)                                                               \
	X(PIPE_NO, "no")                                                           \
	X(PIPE_YES, "yes")                                                         \
	X(PIPE_UNKNOWN, "unknown")

/* How a hold ended, in the event. */
#define HOLD_END_LIST(X)                                                           \
	X(HOLD_NONE, "none")       /* there was none */                            \
	X(HOLD_ELAPSED, "elapsed") /* to the end; outcome not known yet */         \
	X(HOLD_ENDURED, "endured")                                                 \
	X(HOLD_UNPROVEN, "unproven")                                               \
	X(HOLD_HELD, "held") /* to the end, but no message followed */             \
	X(HOLD_GONE, "gone")                                                       \
	X(HOLD_RELEASED, "released") /* early: the client became known */          \
	X(HOLD_SHED, "shed") /* the budget cut it below 60 s, or refused it */     \
	X(HOLD_STOPPED, "stopped")                                                 \
	X(HOLD_MTA_GONE, "mta-gone")                                               \
	X(HOLD_FAULT, "fault")

/* Our own failures. */
#define FAULT_LIST(X)                                                              \
	X(FAULT_NONE, "none")                                                      \
	X(FAULT_STORE, "store")                                                    \
	X(FAULT_DNS, "dns")                                                        \
	X(FAULT_LIMIT, "limit")                                                    \
	X(FAULT_GATE, "gate")

/* Words used only in the header. */
#define WOULD_LIST(X)                                                              \
	X(, "none")                                                                \
	X(, "hold")                                                                \
	X(, "greylist")
#define TARPIT_LIST(X)                                                             \
	X(, "none")                                                                \
	X(, "endured")                                                             \
	X(, "unproven")                                                            \
	X(, "shed")
#define GREY_LIST(X)                                                               \
	X(, "none")                                                                \
	X(, "passed")
/* Where the first attempt went, by MX priority. */
#define MX_ORDER_LIST(X)                                                           \
	X(, "none")                                                                \
	X(, "primary-first")                                                       \
	X(, "secondary-first")
#define YES_LIST(X)                                                                \
	X(, "no")                                                                  \
	X(, "yes")

/* X-TaRgrey-Flags, in their order. */
#define FLAG_LIST(X)                                                               \
	X(FLAG_S25R, "S25R")                                                       \
	X(FLAG_NORDNS, "NORDNS")                                                   \
	X(FLAG_MISMATCH, "MISMATCH")                                               \
	X(FLAG_TARPIT, "TARPIT")                                                   \
	X(FLAG_SHED, "SHED")                                                       \
	X(FLAG_GREY, "GREY")                                                       \
	X(FLAG_EARLY, "EARLY")                                                     \
	X(FLAG_NO_SUCCESS, "NO-SUCCESS")                                           \
	X(FLAG_KNOWN, "KNOWN")                                                     \
	X(FLAG_GAVEUP, "GAVEUP")                                                   \
	X(FLAG_HELO_BAD, "HELO-BAD")                                               \
	X(FLAG_FROM_BAD, "FROM-BAD")                                               \
	X(FLAG_SPF_PASS, "SPF-PASS")                                               \
	X(FLAG_SPF_FAIL, "SPF-FAIL")                                               \
	X(FLAG_SPF_SOFTFAIL, "SPF-SOFTFAIL")                                       \
	X(FLAG_PIPE, "PIPE")                                                       \
	X(FLAG_LOCAL, "LOCAL")                                                     \
	X(FLAG_WOULD, "WOULD")                                                     \
	X(FLAG_FORGED, "FORGED")                                                   \
	X(FLAG_FAULT, "FAULT")

/*
 * The keys of X-TaRgrey-Session, in their order, which are columns of the event
 * too. New ones only at the end; a change of meaning raises v.
 * NUMBER(ENUMERATOR, "key"), TEXT(ENUMERATOR, "key"),
 * WORD(ENUMERATOR, "key", closed list)
 */
#define SESSION_KEY_LIST(NUMBER, TEXT, WORD)                                       \
	NUMBER(SK_V, "v")                                                          \
	TEXT(SK_ID, "id")                                                          \
	TEXT(SK_SID, "sid")                                                        \
	WORD(SK_MODE, "mode", MODE_LIST)                                           \
	WORD(SK_VERDICT, "verdict", VERDICT_LIST)                                  \
	WORD(SK_WHY, "why", WHY_LIST)                                              \
	WORD(SK_WOULD, "would", WOULD_LIST)                                        \
	WORD(SK_RDNS, "rdns", RDNS_LIST)                                           \
	WORD(SK_S25R, "s25r", S25R_LIST)                                           \
	TEXT(SK_S25R_RULE, "s25r_rule")                                            \
	WORD(SK_TARPIT, "tarpit", TARPIT_LIST)                                     \
	NUMBER(SK_TARPIT_SECS, "tarpit_secs")                                      \
	WORD(SK_GREY, "grey", GREY_LIST)                                           \
	NUMBER(SK_GREY_TRIES, "grey_tries")                                        \
	NUMBER(SK_GREY_SECS, "grey_secs")                                          \
	WORD(SK_EARLY, "early", YES_LIST)                                          \
	NUMBER(SK_AGE, "age")                                                      \
	NUMBER(SK_SEEN, "seen")                                                    \
	NUMBER(SK_PASSED, "passed")                                                \
	NUMBER(SK_GAVEUP, "gaveup")                                                \
	NUMBER(SK_GAVEUP_SECS, "gaveup_secs")                                      \
	NUMBER(SK_HAM, "ham")                                                      \
	NUMBER(SK_SPAM, "spam")                                                    \
	NUMBER(SK_RCPT_REFUSED, "rcpt_refused")                                    \
	WORD(SK_HELO, "helo", HELO_LIST)                                           \
	WORD(SK_HELO_DNS, "helo_dns", HELO_DNS_LIST)                               \
	WORD(SK_FROM, "from", FROM_LIST)                                           \
	WORD(SK_SPF, "spf", SPF_LIST)                                              \
	WORD(SK_SPF_HELO, "spf_helo", SPF_LIST)                                    \
	WORD(SK_PIPE, "pipe", PIPE_LIST)                                           \
	WORD(SK_TLS, "tls", YES_LIST)                                              \
	TEXT(SK_LOCAL, "local")                                                    \
	NUMBER(SK_FORGED, "forged")                                                \
	WORD(SK_FAULT, "fault", FAULT_LIST)                                        \
	TEXT(SK_DNSBL, "dnsbl") /* only when DNS lists are configured */           \
	NUMBER(SK_MX, "mx")                                                        \
	WORD(SK_MX_ORDER, "mx_order", MX_ORDER_LIST)                               \
	/* only when the record was asked and the address is not known as good; */ \
	/* org_: only with an organisation */                                      \
	NUMBER(SK_NET_HAM, "net_ham")                                              \
	NUMBER(SK_NET_SPAM, "net_spam")                                            \
	NUMBER(SK_ORG_HAM, "org_ham")                                              \
	NUMBER(SK_ORG_SPAM, "org_spam")                                            \
	TEXT(SK_NEW, "new")

#endif
