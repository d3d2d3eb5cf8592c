/* SPDX-License-Identifier: BSD-2-Clause */
#include "facts/facts.h"

const char *const rdns_state_words[RDNS_STATES] = {RDNS_LIST(WORD_TEXT)};
const char *const from_state_words[FROM_STATES] = {FROM_LIST(WORD_TEXT)};
const char *const pipe_state_words[PIPE_STATES] = {PIPE_LIST(WORD_TEXT)};
const char *const helo_dns_words[HELO_DNS_STATES] = {HELO_DNS_LIST(WORD_TEXT)};
const char *const helo_class_words[HELO_CLASSES] = {HELO_LIST(WORD_TEXT)};
