/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
#include "facts/gather.h"
size_t spf_header_received(char *buf, size_t size, const struct spf_fact *fact,
    bool is_helo, const struct ip *ip, const char *helo, const char *sender,
    const char *receiver);
size_t spf_header_authres(char *buf, size_t size, const struct spf_fact *fact,
    bool is_helo, const char *host);
