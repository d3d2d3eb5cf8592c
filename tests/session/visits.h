/* SPDX-License-Identifier: BSD-2-Clause */
/* Who comes in the tests of sessions, and what is asked of its mail. */
#ifndef TESTS_SESSION_VISITS_H
#define TESTS_SESSION_VISITS_H

/* clang-format off: cmocka.h needs these before it */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "policy/cases.h"
#include "session/session_fixture.h"

#define LINE    "p7-dyn100.example.net"
#define SERVER  "mail.example.org"
#define SUSPECT "198.51.100.7"
#define FROM    "<a@example.net>"
#define TO      "<u@example.jp>"

/* Of X-TaRgrey-Session. */
#define word_is(key, value) assert_string_equal(fixture_word(key), value)

/* A connection with one message; true: it was accepted. The session is still open.
 */
static inline bool
visit(const char *ip, const char *name, const char *from, const char *to,
    enum hold_end end)
{
	fixture_connect(ip, name);
	return fixture_message(from, to, end);
}

/* RCPT to the end of its hold, and DATA; true: both were accepted. */
static inline bool
reaches_data(const char *to, enum hold_end end)
{
	return !fixture_rcpt(to, end).refuse && !fixture_data_refused();
}

static inline bool
has_flag(const char *flag)
{
	return strstr(fixture_header("X-TaRgrey-Flags"), flag) != NULL;
}

#endif
