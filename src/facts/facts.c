/* SPDX-License-Identifier: BSD-2-Clause */
#include "facts/facts.h"

const char *const rdns_state_words[4] = {"pass", "mismatch", "none", "temperror"};
const char *const from_state_words[6] = {
    "ok", "null", "self", "ours", "nodns", "unknown"};
const char *const pipe_state_words[3] = {"no", "yes", "unknown"};
const char *const helo_dns_words[4] = {"unknown", "match", "mismatch", "none"};
const char *const helo_class_words[7] = {
    "fqdn", "bare", "ip", "literal", "ours", "localhost", "missing"};
