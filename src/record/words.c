/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/words.h"

/* A NULL-terminated closed list. */
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SPF_WORDS                                                                  \
	WORDS("none", "neutral", "pass", "fail", "softfail", "temperror",          \
	    "permerror", "skipped")

const struct session_key_row session_keys[SESSION_KEYS] = {
    [SK_V] = {"v", true, NULL},
    [SK_ID] = {"id", false, NULL},
    [SK_SID] = {"sid", false, NULL},
    [SK_MODE] = {"mode", false,
        WORDS("observe", "rgrey", "starpit", "targrey", "strict")},
    [SK_VERDICT] = {"verdict", false, WORDS("pass", "hold", "greylist")},
    [SK_WHY] = {"why", false,
        WORDS("s25r", "all", "helo", "spf", "dnsbl", "local", "allowed-address",
            "allowed-domain", "tries", "none", "overflow", "fault", "warn")},
    [SK_WOULD] = {"would", false, WORDS("none", "hold", "greylist")},
    [SK_RDNS] = {"rdns", false, WORDS("pass", "mismatch", "none", "temperror")},
    [SK_S25R] = {"s25r", false, WORDS("match", "none", "unknown")},
    [SK_S25R_RULE] = {"s25r_rule", false, NULL},
    [SK_TARPIT] = {"tarpit", false, WORDS("none", "endured", "unproven", "shed")},
    [SK_TARPIT_SECS] = {"tarpit_secs", true, NULL},
    [SK_GREY] = {"grey", false, WORDS("none", "passed")},
    [SK_GREY_TRIES] = {"grey_tries", true, NULL},
    [SK_GREY_SECS] = {"grey_secs", true, NULL},
    [SK_EARLY] = {"early", false, WORDS("no", "yes")},
    [SK_AGE] = {"age", true, NULL},
    [SK_SEEN] = {"seen", true, NULL},
    [SK_PASSED] = {"passed", true, NULL},
    [SK_GAVEUP] = {"gaveup", true, NULL},
    [SK_GAVEUP_SECS] = {"gaveup_secs", true, NULL},
    [SK_HAM] = {"ham", true, NULL},
    [SK_SPAM] = {"spam", true, NULL},
    [SK_RCPT_REFUSED] = {"rcpt_refused", true, NULL},
    [SK_HELO] = {"helo", false,
        WORDS("fqdn", "bare", "ip", "literal", "ours", "localhost", "missing")},
    [SK_HELO_DNS] = {"helo_dns", false,
        WORDS("match", "mismatch", "none", "unknown")},
    [SK_FROM] = {"from", false,
        WORDS("ok", "null", "self", "ours", "nodns", "unknown")},
    [SK_SPF] = {"spf", false, SPF_WORDS},
    [SK_SPF_HELO] = {"spf_helo", false, SPF_WORDS},
    [SK_PIPE] = {"pipe", false, WORDS("no", "yes", "unknown")},
    [SK_TLS] = {"tls", false, WORDS("no", "yes")},
    [SK_LOCAL] = {"local", false, NULL},
    [SK_FORGED] = {"forged", true, NULL},
    [SK_FAULT] = {"fault", false, WORDS("none", "store", "dns", "limit", "gate")},
    [SK_DNSBL] = {"dnsbl", false, NULL},
};
