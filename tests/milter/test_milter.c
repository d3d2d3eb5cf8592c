/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The callbacks with everything around them but Postfix and the disk: frames in,
 * frames out, through the gate, libmilter and a session with the memory store.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "gate/protocol.h"
#include "gate/gate_fixture.h"
#include "milter/stack.h"

static int
start_all(void **state)
{
	stack_start();
	return 0;
}

static int
stop_all(void **state)
{
	stack_stop();
	return 0;
}

static void
macros(struct mta *mta, char stage, const char *name, const char *value)
{
	char data[200] = {stage};
	int len = snprintf(data + 1, sizeof data - 1, "%s%c%s", name, 0, value);

	mta_send(mta, SMFIC_MACRO, data, (size_t)len + 2);
}

static void
say(struct mta *mta, char cmd, const char *text)
{
	mta_send(mta, cmd, text, strlen(text) + 1);
}

/* A client without a name, or with one; up to HELO. */
static struct mta
greet(const char *ip, const char *name)
{
	struct mta mta = mta_connect(stack_listen());
	char connect[80];

	assert_int_equal(
	    mta_negotiate(&mta, MTA_OFFER) & (SMFIP_NR_CONN | SMFIP_NR_HELO), 0);
	macros(&mta, SMFIC_CONNECT, "{client_name}", name);
	int len =
	    snprintf(connect, sizeof connect, "%s%c4%c%c%s", name, 0, 1, 1, ip);
	mta_send(&mta, SMFIC_CONNECT, connect, (size_t)len + 1);
	assert_int_equal(mta_read(&mta).cmd, SMFIR_CONTINUE);
	say(&mta, SMFIC_HELO, "mail.example.com");
	assert_int_equal(mta_read(&mta).cmd, SMFIR_CONTINUE);
	return mta;
}

static char
rcpt(struct mta *mta, const char *mailer)
{
	macros(mta, SMFIC_RCPT, "{rcpt_mailer}", mailer);
	say(mta, SMFIC_RCPT, "<you@example.jp>");
	return mta_read(mta).cmd;
}

/* Reads to the final reply; keeps the headers that are inserted. */
static char
end_of_message(struct mta *mta, char *inserted, size_t size)
{
	struct mta_frame frame;
	size_t used = 0;

	*inserted = '\0';
	mta_send(mta, SMFIC_HEADER, "From\0a", 7);
	mta_send(mta, SMFIC_EOH, NULL, 0);
	macros(mta, SMFIC_BODYEOB, "i", "4Qx1");
	mta_send(mta, SMFIC_BODYEOB, NULL, 0);
	while ((frame = mta_read(mta)).cmd == 'i') {
		const char *name = frame.data + 4;
		used += (size_t)snprintf(inserted + used, size - used, "%s: %s\n",
		    name, name + strlen(name) + 1);
	}
	return frame.cmd;
}

static void
a_suspects_450_carries_the_configured_text(void **state)
{
	struct mta mta = greet("198.51.100.7", "unknown");

	say(&mta, SMFIC_MAIL, "<a@example.net>");
	assert_int_equal(rcpt(&mta, "virtual"), SMFIR_CONTINUE);
	mta_send(&mta, SMFIC_DATA, NULL, 0);
	struct mta_frame frame = mta_read(&mta);
	assert_int_equal(frame.cmd, SMFIR_REPLYCODE);
	assert_string_equal(frame.data, "450 4.7.1 Not now, please come back");
	mta_close(&mta);
}

static void
a_message_of_a_server_gets_its_headers(void **state)
{
	char inserted[3000];

	struct mta mta = greet("192.0.2.1", "mail.example.org");
	macros(&mta, SMFIC_HELO, "{tls_version}", "TLSv1.3");
	say(&mta, SMFIC_HELO, "mail.example.org");
	assert_int_equal(mta_read(&mta).cmd, SMFIR_CONTINUE);
	say(&mta, SMFIC_MAIL, "<a@example.org>");
	assert_int_equal(rcpt(&mta, "virtual"), SMFIR_CONTINUE);
	mta_send(&mta, SMFIC_DATA, NULL, 0);
	assert_int_equal(mta_read(&mta).cmd, SMFIR_CONTINUE);
	assert_int_equal(
	    end_of_message(&mta, inserted, sizeof inserted), SMFIR_CONTINUE);
	assert_non_null(strstr(inserted, "X-TaRgrey-Session: v=1; "));
	assert_non_null(strstr(inserted, "; tls=yes;"));
	assert_non_null(strstr(inserted, "; name=mail.example.org;"));
	mta_close(&mta);
}

static void
an_authenticated_user_is_exempt(void **state)
{
	char inserted[3000];

	struct mta mta = greet("198.51.100.8", "unknown");
	macros(&mta, SMFIC_MAIL, "{auth_type}", "PLAIN");
	say(&mta, SMFIC_MAIL, "<a@example.net>");
	assert_int_equal(rcpt(&mta, "virtual"), SMFIR_CONTINUE);
	mta_send(&mta, SMFIC_DATA, NULL, 0);
	assert_int_equal(mta_read(&mta).cmd, SMFIR_CONTINUE);
	assert_int_equal(
	    end_of_message(&mta, inserted, sizeof inserted), SMFIR_CONTINUE);
	assert_string_equal(inserted, "");
	mta_close(&mta);
}

static void
a_recipient_that_postfix_refused_makes_no_message(void **state)
{
	struct mta mta = greet("192.0.2.2", "mail.example.org");

	say(&mta, SMFIC_MAIL, "<a@example.org>");
	assert_int_equal(rcpt(&mta, "error"), SMFIR_CONTINUE);
	mta_send(&mta, SMFIC_DATA, NULL, 0);
	assert_int_equal(mta_read(&mta).cmd, SMFIR_REPLYCODE);
	assert_int_equal(rcpt(&mta, "virtual"), SMFIR_CONTINUE);
	mta_send(&mta, SMFIC_DATA, NULL, 0);
	assert_int_equal(mta_read(&mta).cmd, SMFIR_CONTINUE);
	mta_close(&mta);
}

/* An old MTA: libmilter fakes what it cannot leave out. */
static void
an_mta_that_wants_a_reply_to_everything_gets_one(void **state)
{
	struct mta mta = mta_connect(stack_listen());

	assert_int_equal(mta_negotiate(&mta, 0x7f), SMFIP_NOBODY);
	mta_send(&mta, SMFIC_CONNECT, "host\0U", 6);
	assert_int_equal(mta_read(&mta).cmd, SMFIR_CONTINUE);
	say(&mta, SMFIC_HELO, "mail.example.org");
	assert_int_equal(mta_read(&mta).cmd, SMFIR_CONTINUE);
	say(&mta, SMFIC_MAIL, "<a@example.org>");
	assert_int_equal(mta_read(&mta).cmd, SMFIR_CONTINUE);
	assert_int_equal(rcpt(&mta, "virtual"), SMFIR_CONTINUE);
	mta_close(&mta);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_suspects_450_carries_the_configured_text),
	    cmocka_unit_test(a_message_of_a_server_gets_its_headers),
	    cmocka_unit_test(an_authenticated_user_is_exempt),
	    cmocka_unit_test(a_recipient_that_postfix_refused_makes_no_message),
	    cmocka_unit_test(an_mta_that_wants_a_reply_to_everything_gets_one),
	};
	return cmocka_run_group_tests(tests, start_all, stop_all);
}
