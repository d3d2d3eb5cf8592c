/* SPDX-License-Identifier: BSD-2-Clause */
/* Only the header fields that the filter reads are handed to libmilter. */
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "gate/script.h"

static const char *const wanted[] = {"X-TaRgrey", "Message-ID", NULL};
static char seen[200];

static sfsistat
note_header(const struct filter_call *call)
{
	if (call->event == FILTER_HEADER) {
		strcat(seen, call->text);
		strcat(seen, " ");
	}
	return SMFIS_CONTINUE;
}

static void
send_header(struct mta *mta, const char *name)
{
	char text[100];
	size_t length = strlen(name);

	memcpy(text, name, length + 1);
	memcpy(text + length + 1, " value", 7);
	mta_send(mta, 'L', text, length + 8);
}

static void
deliver_headers(struct mta *mta)
{
	script_data(mta);
	send_header(mta, "Received");
	send_header(mta, "x-targrey-session");
	send_header(mta, "Message");
	send_header(mta, "MESSAGE-ID");
	send_header(mta, "Subject");
}

static void
other_headers_are_not_handed_over(void **state)
{
	seen[0] = '\0';
	struct mta mta = script_begin(note_header);
	deliver_headers(&mta);
	mta_message(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_string_equal(seen, "x-targrey-session MESSAGE-ID ");
	assert_int_equal(filter_count(FILTER_EOH), 1);
	script_end(&mta);
}

static void
a_message_without_a_wanted_header_is_answered(void **state)
{
	seen[0] = '\0';
	struct mta mta = script_begin(note_header);
	script_rcpt(&mta);
	script_deliver(&mta);
	assert_string_equal(seen, "");
	script_end(&mta);
}

static void
headers_that_want_a_reply_are_all_handed_over(void **state)
{
	seen[0] = '\0';
	filter_hook(note_header);
	filter_protocol(FILTER_PROTOCOL & ~(uint32_t)SMFIP_NR_HDR);
	struct mta mta = mta_connect(fixture->listen);
	mta_negotiate(&mta, MTA_OFFER);
	mta_greet(&mta);
	script_data(&mta);
	send_header(&mta, "Subject");
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_string_equal(seen, "Subject ");
	mta_close(&mta);
	fixture_await(FILTER_CLOSE, 1);
	filter_protocol(FILTER_PROTOCOL);
}

/* Together they fill the 512 octets that the gate reads them into. */
static void
macros_without_a_command_are_not_handed_over(void **state)
{
	char frames[512], value[502];

	struct mta mta = script_begin(note_header);
	memset(value, 'x', sizeof value);
	memcpy(value, "Rname", 6);
	value[sizeof value - 1] = '\0';
	size_t length = frame_put(frames, 0, 'D', value, sizeof value);
	length = frame_put(frames, length, 'D', NULL, 0);
	assert_int_equal(length, sizeof frames);
	script_rcpt(&mta);
	mta_send_raw(&mta, frames, length);
	script_deliver(&mta);
	script_end(&mta);
}

static char at_end[20];

static sfsistat
note_end(const struct filter_call *call)
{
	static char name[] = "{end}";
	const char *value =
	    call->event == FILTER_EOM ? smfi_getsymval(call->smfi, name) : NULL;

	if (value != NULL)
		strncat(at_end, value, sizeof at_end - 1);
	return SMFIS_CONTINUE;
}

static void
end_message(struct mta *mta)
{
	static const char macros[] = "E{end}\0here";

	mta_send(mta, 'N', NULL, 0);
	mta_send(mta, 'D', macros, sizeof macros);
	mta_send(mta, 'E', NULL, 0);
	assert_int_equal(mta_read(mta).cmd, 'c');
}

static void
macros_of_the_end_are_handed_over_only_where_there_is_no_data(void **state)
{
	for (int has_data = 0; has_data < 2; has_data++) {
		at_end[0] = '\0';
		filter_protocol(FILTER_PROTOCOL);
		filter_hook(note_end);
		struct mta mta = mta_connect(fixture->listen);
		mta_negotiate(&mta,
		    has_data ? MTA_OFFER : MTA_OFFER & ~(uint32_t)SMFIP_NODATA);
		mta_greet(&mta);
		script_rcpt(&mta);
		if (has_data) {
			mta_data(&mta);
			assert_int_equal(mta_read(&mta).cmd, 'c');
		}
		end_message(&mta);
		assert_string_equal(at_end, has_data ? "" : "here");
		script_end(&mta);
	}
}

static void
headers_and_their_end_wait_for_the_end_of_the_message(void **state)
{
	const struct timespec moment = {.tv_nsec = 30000000};

	seen[0] = '\0';
	struct mta mta = script_begin(note_header);
	deliver_headers(&mta);
	mta_send(&mta, 'N', NULL, 0);
	nanosleep(&moment, NULL);
	assert_string_equal(seen, "");
	assert_int_equal(filter_count(FILTER_EOH), 0);
	mta_send(&mta, 'E', NULL, 0);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_string_equal(seen, "x-targrey-session MESSAGE-ID ");
	assert_int_equal(filter_count(FILTER_EOH), 1);
	script_end(&mta);
}

static int
open_fixture(void **state)
{
	fixture_open();
	fixture->settings.headers = wanted;
	fixture_gate();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(other_headers_are_not_handed_over),
	    cmocka_unit_test(a_message_without_a_wanted_header_is_answered),
	    cmocka_unit_test(headers_that_want_a_reply_are_all_handed_over),
	    cmocka_unit_test(macros_without_a_command_are_not_handed_over),
	    cmocka_unit_test(
	        macros_of_the_end_are_handed_over_only_where_there_is_no_data),
	    cmocka_unit_test(headers_and_their_end_wait_for_the_end_of_the_message),
	};
	return cmocka_run_group_tests(tests, open_fixture, fixture_teardown);
}
