/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel may answer about a client's socket, made up by hand.
 * Source: the kernel's uapi headers sock_diag.h, inet_diag.h, netlink.h, tcp.h;
 * states are those of its net/tcp_states.h.
 */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>

#include "gate/failing.h"
#include "gate/gate_fixture.h"
#include "gate/watch.h"

#define CLIENT_PORT 0x1234

struct answer {
	struct nlmsghdr head;
	union {
		struct inet_diag_msg body;
		struct nlmsgerr failure;
	};
	struct rtattr other; /* of a kind that nobody asked for */
	uint32_t number;
	struct rtattr attribute;
	struct tcp_info info;
} __attribute__((packed));

enum shape {
	WHOLE,
	NO_INFO,      /* ends behind the body */
	SHORT_INFO,   /* an older kernel's */
	WRONG_LENGTH, /* an attribute that says it is longer than the answer */
	NO_LENGTH,    /* an attribute shorter than its head */
	SHORT_BODY,
	ONLY_HEAD,
	HALF_HEAD
};

/* Names as in tcp_states.h. */
enum {
	ESTABLISHED = 1,
	FIN_WAIT2 = 5,
	TIME_WAIT = 6,
	CLOSE_WAIT = 8,
	LAST_ACK = 9,
	LISTEN = 10,
	CLOSING = 11
};

static const struct {
	const char *claim;
	int state;
	enum shape shape;
	uint32_t unread;
	uint64_t received;
	enum watch_state wanted;
	struct watch_octets octets;
} answers[] = {
    {"established", ESTABLISHED, WHOLE, 7, 90, WATCH_CONNECTED, {50, 90, 7}},
    {"a FIN counts for no octet", CLOSE_WAIT, WHOLE, 8, 91, WATCH_LEFT,
        {50, 90, 7}},
    {"nor when we closed, too", LAST_ACK, WHOLE, 8, 91, WATCH_LEFT, {50, 90, 7}},
    {"nor when both did at once", CLOSING, WHOLE, 1, 1, WATCH_LEFT, {50, 0, 0}},
    {"nor afterwards", TIME_WAIT, WHOLE, 0, 0, WATCH_LEFT, {50, 0, 0}},
    {"our FIN is not the client's", FIN_WAIT2, WHOLE, 7, 90, WATCH_LEFT,
        {50, 90, 7}},
    {"after a reset: the listening socket", LISTEN, WHOLE, 0, 0, WATCH_UNSEEN,
        {-1, -1, -1}},
    {"no word on octets", ESTABLISHED, NO_INFO, 7, 90, WATCH_CONNECTED,
        {-1, -1, 7}},
    {"too few words on octets", ESTABLISHED, SHORT_INFO, 7, 90, WATCH_CONNECTED,
        {-1, -1, 7}},
    {"an attribute beyond the end", ESTABLISHED, WRONG_LENGTH, 7, 90,
        WATCH_CONNECTED, {-1, -1, 7}},
    {"an attribute of no length", ESTABLISHED, NO_LENGTH, 7, 90, WATCH_CONNECTED,
        {-1, -1, 7}},
    {"half a body", ESTABLISHED, SHORT_BODY, 7, 90, WATCH_UNKNOWN, {-1, -1, -1}},
    {"no body", ESTABLISHED, ONLY_HEAD, 7, 90, WATCH_UNKNOWN, {-1, -1, -1}},
    {"half a head", ESTABLISHED, HALF_HEAD, 7, 90, WATCH_UNKNOWN, {-1, -1, -1}},
};

static const struct watch_socket wanted = {.family = AF_INET,
    .mta_port = 0x1900,
    .client_port = CLIENT_PORT,
    .mta = {127, 0, 0, 1},
    .client = {127, 0, 0, 2}};

static struct answer
answer_of(const struct watch *watch, size_t at)
{
	struct answer answer = {.head = {.nlmsg_type = SOCK_DIAG_BY_FAMILY,
	                            .nlmsg_seq = watch->sequence + 1},
	    .body = {.idiag_state = (uint8_t)answers[at].state,
	        .idiag_rqueue = answers[at].unread,
	        .id.idiag_dport = CLIENT_PORT},
	    .other = {.rta_len = sizeof(struct rtattr) + 4,
	        .rta_type = INET_DIAG_MARK},
	    .attribute = {.rta_len =
	                      sizeof(struct rtattr) + sizeof(struct tcp_info),
	        .rta_type = INET_DIAG_INFO},
	    .info = {.tcpi_state = (uint8_t)answers[at].state,
	        .tcpi_bytes_sent = 50,
	        .tcpi_bytes_received = answers[at].received}};

	return answer;
}

static size_t
shape_to(struct answer *answer, enum shape shape)
{
	size_t body = offsetof(struct answer, other);
	size_t info = offsetof(struct answer, info);

	switch (shape) {
	case WHOLE:
		break;
	case NO_INFO:
		return body;
	case SHORT_INFO:
		answer->attribute.rta_len =
		    sizeof(struct rtattr) +
		    offsetof(struct tcp_info, tcpi_bytes_sent);
		return info + offsetof(struct tcp_info, tcpi_bytes_sent);
	case WRONG_LENGTH:
		answer->attribute.rta_len = 1000;
		break;
	case NO_LENGTH:
		answer->other.rta_len = 0;
		break;
	case SHORT_BODY:
		return offsetof(struct answer, body) + 8;
	case ONLY_HEAD:
		return sizeof answer->head;
	case HALF_HEAD:
		return sizeof answer->head / 2;
	}
	return sizeof *answer;
}

static void
each_answer_of_the_kernel_is_read_as_its_headers_say(void **state)
{
	struct watch watch;

	(void)state;
	watch_open(&watch);
	assert_true(watch.fd >= 0);
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		struct answer answer = answer_of(&watch, i);
		struct watch_octets octets;
		failing_receive(&answer, shape_to(&answer, answers[i].shape));
		enum watch_state is = watch_look(&watch, &wanted, &octets);
		if (is != answers[i].wanted ||
		    memcmp(&octets, &answers[i].octets, sizeof octets) != 0)
			fail_msg("%s: %d, sent %d, received %d, unread %d",
			    answers[i].claim, (int)is, (int)octets.sent,
			    (int)octets.received, (int)octets.unread);
	}
	watch_close(&watch);
	assert_int_equal(watch.fd, -1);
	watch_close(&watch); /* as often as one likes */
}

static void
errors_and_answers_to_others_are_no_word_about_the_client(void **state)
{
	static const struct {
		int error;
		size_t cut;
		enum watch_state wanted;
	} errors[] = {{-ENOENT, 0, WATCH_UNSEEN}, {-EPERM, 0, WATCH_UNKNOWN},
	    {-ENOENT, 2, WATCH_UNKNOWN}};
	struct watch watch;

	(void)state;
	watch_open(&watch);
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
		struct answer answer = answer_of(&watch, 0);
		answer.head.nlmsg_type = NLMSG_ERROR;
		answer.failure.error = errors[i].error;
		failing_receive(&answer, offsetof(struct answer, failure) +
		                             sizeof answer.failure - errors[i].cut);
		assert_int_equal(
		    watch_look(&watch, &wanted, NULL), errors[i].wanted);
	}

	struct answer answer = answer_of(&watch, 0);
	answer.body.id.idiag_dport = CLIENT_PORT + 1;
	failing_receive(&answer, sizeof answer);
	assert_int_equal(watch_look(&watch, &wanted, NULL), WATCH_UNSEEN);

	/* a late answer is passed over, then there is the real one: no such socket
	 */
	answer = answer_of(&watch, 0);
	answer.head.nlmsg_seq--;
	failing_receive(&answer, sizeof answer);
	assert_int_equal(watch_look(&watch, &wanted, NULL), WATCH_UNSEEN);
	watch_close(&watch);
}

static void
without_an_answer_nothing_is_known(void **state)
{
	static const struct {
		const char *call;
		int error;
		enum watch_state wanted;
	} fails[] = {{"send", ENOBUFS, WATCH_UNKNOWN},
	    {"recv", EAGAIN, WATCH_UNKNOWN}, {"recv", EINTR, WATCH_UNSEEN}};
	struct watch watch;

	(void)state;
	for (size_t i = 0; i < sizeof fails / sizeof *fails; i++) {
		watch_open(&watch);
		failing_arm(fails[i].call, 1, 1, fails[i].error, FAIL_HERE);
		assert_int_equal(
		    watch_look(&watch, &wanted, NULL), fails[i].wanted);
		assert_int_equal(failing_stop(), 1);
		watch_close(&watch);
	}
	assert_int_equal(watch_look(&watch, &wanted, NULL), WATCH_UNKNOWN);
	watch_open(&watch);
	assert_int_equal(
	    watch_look(&watch, &(struct watch_socket){.family = 0}, NULL),
	    WATCH_UNKNOWN);
	watch_close(&watch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_answer_of_the_kernel_is_read_as_its_headers_say),
	    cmocka_unit_test(
	        errors_and_answers_to_others_are_no_word_about_the_client),
	    cmocka_unit_test(without_an_answer_nothing_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
