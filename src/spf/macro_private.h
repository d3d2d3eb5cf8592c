/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Macros of RFC 7208 7: the check in advance, and the expansion at the time of the
 * look-up. Ours, because libspf2 1.2.10 refuses the delimiters "," and "/" and
 * large part counts, does not cut long names and overruns its buffer on crafted
 * text (CVE-2023-42118). Private to this folder.
 */
#ifndef SPF_MACRO_PRIVATE_H
#define SPF_MACRO_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "dns/name.h"

/* macro-string: of unknown modifiers; may be empty */
bool spf_macro_check(const char *text);

/*
 * domain-spec. *has_macro_r: a letter other than d and o, whose values depend
 * on the checked domain alone.
 */
bool spf_macro_check_domain(const char *text, bool *has_macro_r);

/* Value of a letter (lower case); it stays valid until the next call. */
typedef const char *spf_macro_value(void *ctx, char letter);

/*
 * Expands a checked domain-spec to a name that can be looked up: labels are
 * cut from the left down to 253 octets. Else target is "": no name that DNS can
 * hold came out, or out of memory.
 */
enum spf_expansion { SPF_EXPANDED, SPF_NO_NAME, SPF_NO_MEMORY };
enum spf_expansion spf_macro_expand(char target[static DNS_NAME_SIZE],
    const char *spec, spf_macro_value *value, void *ctx);

#endif
