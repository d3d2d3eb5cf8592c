/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole sessions of frames, in any order, with wild arguments, through gate,
 * libmilter, callbacks and session. Whatever an MTA sends: no crash, no hang,
 * never a refusal for good, and no header of ours that breaks its line.
 *
 * input  frames: one octet for the command (below), one for the length, so many
 *        octets. The first octet of all says what is offered at the negotiation.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include "fuzz/fuzz.h"
#include "milter/stack.h"
#include "support/frame.h"

enum { QUIET_MS = 4, QUIETS_MAX = 60, JUMP_MS = 40000, LARGEST = 1 << 16 };

/* A letter stands for a command; any other octet for itself. */
static const char commands[] = {SMFIC_CONNECT, SMFIC_HELO, SMFIC_MAIL, SMFIC_RCPT,
    SMFIC_DATA, SMFIC_HEADER, SMFIC_EOH, SMFIC_BODY, SMFIC_BODYEOB, SMFIC_ABORT,
    SMFIC_QUIT, SMFIC_QUIT_NC, SMFIC_UNKNOWN, SMFIC_MACRO, SMFIC_OPTNEG};

static char out[LARGEST], in[LARGEST];
static size_t out_used, in_used;

static void
put_frame(char command, const uint8_t *data, size_t size)
{
	if (out_used + size + FRAME_HEAD <= sizeof out)
		out_used = frame_put(out, out_used, command, data, size);
}

static void
put_negotiation(uint8_t how)
{
	static const uint32_t steps[] = {FRAME_STEPS, 0x7f, 0xc7ff, 0};

	out_used = frame_put_negotiation(out, out_used, how & 4 ? 2 : FRAME_VERSION,
	    how & 8 ? 0 : FRAME_ACTIONS, steps[how % 4]);
}

static void
write_frames(const uint8_t *data, size_t size)
{
	out_used = in_used = 0;
	if (size == 0)
		return;
	if (data[0] < 0xf0) /* else: none of its own */
		put_negotiation(data[0]);
	for (size_t at = 1; at + 2 <= size;) {
		uint8_t which = data[at];
		size_t length = data[at + 1];
		at += 2;
		if (length > size - at)
			length = size - at;
		put_frame(which < sizeof commands ? commands[which] : (char)which,
		    data + at, length);
		at += length;
	}
}

/* ------------------------------------------------------------------- answers */

static void
check_text(const char *text, size_t size)
{
	demand(size > 0 && text[size - 1] == '\0', "a text without its end", "");
	for (size_t i = 0; i + 1 < size; i++)
		demand(text[i] >= ' ' && text[i] < 127,
		    "an octet that breaks a line", "");
}

static void
check_header(const char *data, size_t size)
{
	size_t name = size > 4 ? strnlen(data + 4, size - 4) + 1 : 0;

	demand(size > 4 + name, "a header without a value", "");
	check_text(data + 4, name);
	check_text(data + 4 + name, size - 4 - name);
}

static void
check_frame(char command, const char *data, size_t size)
{
	switch (command) {
	case SMFIR_CONTINUE:
	case SMFIR_PROGRESS:
	case SMFIC_OPTNEG:
	case SMFIR_CHGHEADER:
		return;
	case SMFIR_TEMPFAIL: /* of libmilter or the gate, for what has no order */
		return;
	case SMFIR_REPLYCODE:
		check_text(data, size);
		demand(*data == '4', "a refusal for good", "");
		return;
	case SMFIR_INSHEADER:
		check_header(data, size);
		return;
	default:
		fprintf(stderr, "'%c': ", command);
		demand(false, "no answer of ours", "");
	}
}

static void
check_answers(void)
{
	for (size_t at = 0; at + FRAME_HEAD <= in_used;) {
		size_t length = frame_number(in + at);
		demand(length > 0, "a frame of no length", "");
		if (at + 4 + length > in_used)
			return; /* cut by the end of the connection, or of in[] */
		check_frame(in[at + 4], in + at + FRAME_HEAD, length - 1);
		at += 4 + length;
	}
}

/* ---------------------------------------------------------------- connection */

static int
connect_to_gate(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s",
	    stack_listen() + strlen("unix:"));
	while (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
		demand(errno == EAGAIN || errno == EINTR, "nobody listens", "");
	return fd;
}

static void
write_all(int fd)
{
	for (size_t sent = 0; sent < out_used;) {
		ssize_t wrote = send(fd, out + sent, out_used - sent, MSG_NOSIGNAL);
		if (wrote <= 0)
			return; /* the gate has ended it */
		sent += (size_t)wrote;
	}
}

/* To the end; what is delayed goes on as the clock does. */
static void
read_all(int fd)
{
	int quiets = 0;

	while (quiets < QUIETS_MAX) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		if (poll(&poll_fd, 1, QUIET_MS) == 0) {
			stack_now_ms += JUMP_MS;
			quiets++;
			continue;
		}
		ssize_t got = recv(fd, in + in_used, sizeof in - in_used, 0);
		if (got <= 0)
			return;
		in_used += (size_t)got;
		if (in_used == sizeof in)
			return;
	}
}

static void
start(void)
{
	stack_start();
	atexit(stack_stop);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_started;

	if (!is_started)
		start();
	is_started = true;
	write_frames(data, size);
	int fd = connect_to_gate();
	write_all(fd);
	shutdown(fd, SHUT_WR);
	read_all(fd);
	close(fd);
	check_answers();
	return 0;
}
