/* SPDX-License-Identifier: BSD-2-Clause */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <libmilter/mfdef.h>

#include "figures.h"
#include "support/frame.h"

#define HEADERS 10
#define BODY    2048

enum step {
	STEP_NEGOTIATE,
	STEP_CONNECT,
	STEP_HELO,
	STEP_MAIL,
	STEP_RCPT,
	STEP_DATA,
	STEP_HEADER, /* HEADERS times */
	STEP_EOH,
	STEP_BODY,
	STEP_END,
	STEP_QUIT
};

struct session {
	int fd; /* -1: free */
	uint64_t number;
	enum step step; /* whose reply is awaited */
	unsigned header;
	uint32_t steps; /* negotiated */
	double started, asked;
	char out[8192];
	unsigned char in[4096];
	size_t out_used, in_used;
	bool refused;
};

struct run {
	const struct load_spec *spec;
	struct load_result *result;
	struct session *sessions;
	int epoll;
	uint64_t begun, ended;
	double start;
	double *rcpt, *data, *whole; /* samples, count of spec each */
	size_t rcpt_count, data_count, whole_count;
};

/* ------------------------------------------------------------------- frames */

/* The data of one frame. */
struct data {
	size_t used;
	char text[2560];
};

static void
add(struct data *data, const void *more, size_t length)
{
	if (data->used + length > sizeof data->text)
		abort();
	memcpy(data->text + data->used, more, length);
	data->used += length;
}

static void
add_text(struct data *data, const char *text)
{
	add(data, text, strlen(text) + 1);
}

static void
add_frame(struct session *session, char command, const struct data *data)
{
	if (session->out_used + FRAME_HEAD + data->used > sizeof session->out)
		abort();
	session->out_used = frame_put(
	    session->out, session->out_used, command, data->text, data->used);
}

/* pairs: name, value, ..., NULL */
static void
add_macros(struct session *session, char command, const char *const *pairs)
{
	struct data data = {1, {command}};

	for (; *pairs != NULL; pairs++)
		add_text(&data, *pairs);
	add_frame(session, 'D', &data);
}

static void
add_command(struct session *session, char command, const char *one, const char *two)
{
	struct data data = {0};

	if (one != NULL)
		add_text(&data, one);
	if (two != NULL)
		add_text(&data, two);
	add_frame(session, command, &data);
}

static void
add_connect(struct session *session, const struct load_session *says)
{
	char ip[IP_TEXT_SIZE];
	uint16_t port = htons((uint16_t)(1024 + session->number % 60000));
	bool is_known = strcmp(says->name, "unknown") != 0;
	struct data data = {0};

	ip_to_text(&says->ip, ip);
	const char *const macros[] = {"j", "mx.example.jp", "{client_addr}", ip,
	    "{client_name}", says->name, "{client_port}", "25", "{client_ptr}",
	    says->ptr, "{client_resolve}", is_known ? "OK" : "FAIL",
	    "{daemon_addr}", "127.0.0.1", "{daemon_port}", "25", "v",
	    "Postfix 3.7.11", NULL};
	add_macros(session, 'C', macros);
	add_text(&data, says->name);
	add(&data, "4", 1);
	add(&data, &port, 2);
	add_text(&data, ip);
	add_frame(session, 'C', &data);
}

/* ------------------------------------------------------------------ a session */

static bool
is_left_out(const struct session *session, enum step step)
{
	static const uint32_t bits[] = {[STEP_CONNECT] = SMFIP_NOCONNECT,
	    [STEP_HELO] = SMFIP_NOHELO,
	    [STEP_MAIL] = SMFIP_NOMAIL,
	    [STEP_RCPT] = SMFIP_NORCPT,
	    [STEP_DATA] = SMFIP_NODATA,
	    [STEP_HEADER] = SMFIP_NOHDRS,
	    [STEP_EOH] = SMFIP_NOEOH,
	    [STEP_BODY] = SMFIP_NOBODY};

	return step > STEP_NEGOTIATE && step < STEP_END &&
	       (session->steps & bits[step]);
}

static bool
has_reply(const struct session *session, enum step step)
{
	static const uint32_t bits[] = {[STEP_CONNECT] = SMFIP_NR_CONN,
	    [STEP_HELO] = SMFIP_NR_HELO,
	    [STEP_MAIL] = SMFIP_NR_MAIL,
	    [STEP_RCPT] = SMFIP_NR_RCPT,
	    [STEP_DATA] = SMFIP_NR_DATA,
	    [STEP_HEADER] = SMFIP_NR_HDR,
	    [STEP_EOH] = SMFIP_NR_EOH,
	    [STEP_BODY] = SMFIP_NR_BODY};

	return step == STEP_NEGOTIATE || step == STEP_END ||
	       !(session->steps & bits[step]);
}

static void
add_body(struct session *session)
{
	static const char line[] =
	    "This is a line of a message of two kilobytes.\r\n";
	struct data data = {0};

	while (data.used < BODY)
		add(&data, line, sizeof line - 1);
	add_frame(session, 'B', &data);
}

static void
add_step(struct run *run, struct session *session, enum step step)
{
	static const char *const headers[HEADERS] = {"Received", "Date", "From",
	    "To", "Subject", "Message-ID", "MIME-Version", "Content-Type",
	    "X-Mailer", "List-Id"};
	static const char *const none[] = {NULL};
	struct load_session says;
	char queue_id[32], bracketed[320];

	run->spec->describe(session->number, &says);
	snprintf(queue_id, sizeof queue_id, "4cQ%08llX",
	    (unsigned long long)session->number);
	const char *const with_id[] = {"i", queue_id, NULL};
	const char *const mail[] = {
	    "{mail_addr}", says.sender, "{mail_mailer}", "smtp", NULL};
	const char *const rcpt[] = {
	    "{rcpt_addr}", says.recipient, "{rcpt_mailer}", "local", NULL};
	switch (step) {
	case STEP_NEGOTIATE:
		session->out_used = frame_put_negotiation(session->out,
		    session->out_used, FRAME_VERSION, FRAME_ACTIONS, FRAME_STEPS);
		break;
	case STEP_CONNECT:
		add_connect(session, &says);
		break;
	case STEP_HELO:
		add_macros(session, 'H', none);
		add_command(session, 'H', says.helo, NULL);
		break;
	case STEP_MAIL:
		add_macros(session, 'M', mail);
		snprintf(bracketed, sizeof bracketed, "<%s>", says.sender);
		add_command(session, 'M', bracketed, NULL);
		break;
	case STEP_RCPT:
		add_macros(session, 'R', rcpt);
		snprintf(bracketed, sizeof bracketed, "<%s>", says.recipient);
		add_command(session, 'R', bracketed, NULL);
		break;
	case STEP_DATA:
		add_macros(session, 'T', with_id);
		add_command(session, 'T', NULL, NULL);
		break;
	case STEP_HEADER:
		add_command(session, 'L', headers[session->header],
		    "some text as it stands in a header of a message");
		break;
	case STEP_EOH:
		add_command(session, 'N', NULL, NULL);
		break;
	case STEP_BODY:
		add_body(session);
		break;
	case STEP_END:
		add_macros(session, 'E', with_id);
		add_command(session, 'E', NULL, NULL);
		break;
	case STEP_QUIT:
		if (session->refused || run->spec->ends_at_data)
			add_command(session, 'A', NULL, NULL);
		add_command(session, 'Q', NULL, NULL);
		break;
	}
}

static void
flush(struct session *session)
{
	size_t sent = 0;

	while (sent < session->out_used) {
		ssize_t n = write(
		    session->fd, session->out + sent, session->out_used - sent);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0)
			break; /* seen when reading */
		sent += (size_t)n;
	}
	session->out_used = 0;
}

static void
end_session(struct run *run, struct session *session, bool broken)
{
	if (!broken && run->whole_count < run->spec->count)
		run->whole[run->whole_count++] =
		    (now_s() - session->started) * 1000;
	if (broken)
		run->result->broken++;
	else if (session->refused)
		run->result->delayed++;
	else
		run->result->accepted++;
	if (!broken && run->spec->ended != NULL)
		run->spec->ended(run->spec->ctx, session->number, session->refused);
	close(session->fd);
	session->fd = -1;
	run->ended++;
}

static enum step
next_step(const struct run *run, struct session *session)
{
	if (session->refused)
		return STEP_QUIT;
	if (session->step == STEP_HEADER && ++session->header < HEADERS)
		return STEP_HEADER;
	if (session->step == STEP_DATA && run->spec->ends_at_data)
		return STEP_QUIT;
	return session->step + 1;
}

/* Sends on until a reply must be awaited; as Postfix, in as few writes. */
static void
advance(struct run *run, struct session *session)
{
	for (;;) {
		session->step = next_step(run, session);
		if (session->step == STEP_QUIT) {
			add_step(run, session, STEP_QUIT);
			flush(session);
			end_session(run, session, false);
			return;
		}
		if (is_left_out(session, session->step))
			continue;
		add_step(run, session, session->step);
		if (has_reply(session, session->step))
			break;
	}
	session->asked = now_s();
	flush(session);
}

static void
take_sample(struct run *run, const struct session *session)
{
	double took = (now_s() - session->asked) * 1000;

	if (session->step == STEP_RCPT && run->rcpt_count < run->spec->count)
		run->rcpt[run->rcpt_count++] = took;
	if (session->step == STEP_DATA && run->data_count < run->spec->count)
		run->data[run->data_count++] = took;
}

/* One frame from the filter; false: it means nothing to a session. */
static bool
take_frame(struct run *run, struct session *session, char command,
    const unsigned char *data, size_t length)
{
	switch (command) {
	case 'O':
		if (length < FRAME_STEPS_AT + 4)
			return false;
		session->steps = frame_number(data + FRAME_STEPS_AT);
		break;
	case 'p': /* still at it */
	case 'm':
	case 'h':
		return true;
	case 'i':
		if (length > 4 &&
		    strncmp((const char *)data + 4, "X-TaRgrey-Session", 17) == 0)
			run->result->ours++;
		return true;
	case 't':
	case 'y':
		session->refused = true;
		break;
	case 'a':
	case 'c':
	case 's':
		break;
	default:
		return false;
	}
	take_sample(run, session);
	advance(run, session);
	return true;
}

static void
receive(struct run *run, struct session *session)
{
	ssize_t n = read(session->fd, session->in + session->in_used,
	    sizeof session->in - session->in_used);
	size_t at = 0;

	if (n <= 0) {
		if (n < 0 && errno == EAGAIN)
			return;
		end_session(run, session, true);
		return;
	}
	session->in_used += (size_t)n;
	while (session->fd >= 0 && session->in_used - at >= FRAME_HEAD) {
		uint32_t length = frame_number(session->in + at);
		if (session->in_used - at < 4 + (size_t)length)
			break;
		size_t frame = at;
		at += 4 + (size_t)length;
		if (!take_frame(run, session, (char)session->in[frame + 4],
		        session->in + frame + FRAME_HEAD, length - 1)) {
			end_session(run, session, true);
			return;
		}
	}
	if (session->fd < 0)
		return;
	memmove(session->in, session->in + at, session->in_used - at);
	session->in_used -= at;
}

/* -------------------------------------------------------------------- the run */

static bool
begin_session(struct run *run, struct session *session, double due)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = session};

	snprintf(
	    address.sun_path, sizeof address.sun_path, "%s", run->spec->socket);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		close(fd);
		return false;
	}
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	session->fd = fd;
	session->number = run->spec->first + run->begun++;
	session->step = STEP_NEGOTIATE;
	session->header = 0;
	session->steps = 0;
	session->out_used = session->in_used = 0;
	session->refused = false;
	session->started = session->asked = due;
	epoll_ctl(run->epoll, EPOLL_CTL_ADD, fd, &event);
	add_step(run, session, STEP_NEGOTIATE);
	flush(session);
	return true;
}

static bool
is_last(const struct run *run, double now)
{
	return run->begun == run->spec->count ||
	       (run->spec->seconds > 0 && now > run->start + run->spec->seconds);
}

/* Begins what may be begun now; false: the filter cannot be reached. */
static bool
begin_due(struct run *run)
{
	const struct load_spec *spec = run->spec;
	double now = now_s();

	for (unsigned i = 0; i < spec->parallel && !is_last(run, now); i++) {
		double due = spec->rate > 0
		                 ? run->start + (double)run->begun / spec->rate
		                 : now;
		if (due > now)
			return true;
		if (run->sessions[i].fd >= 0)
			continue;
		if (!begin_session(run, &run->sessions[i], due))
			return false;
	}
	return true;
}

static bool
run_all(struct run *run)
{
	struct epoll_event events[64];
	int wait_ms = run->spec->rate > 0 ? 1 : 1000;

	while (!is_last(run, now_s()) || run->ended < run->begun) {
		if (!begin_due(run))
			return false;
		int count = epoll_wait(run->epoll, events, 64, wait_ms);
		for (int i = 0; i < count; i++)
			receive(run, events[i].data.ptr);
	}
	return true;
}

static void
summarise(struct run *run)
{
	struct load_result *result = run->result;

	result->rcpt_p50 = quantile(run->rcpt, run->rcpt_count, 0.5);
	result->rcpt_p99 = quantile(run->rcpt, run->rcpt_count, 0.99);
	result->rcpt_max = quantile(run->rcpt, run->rcpt_count, 1);
	result->data_p50 = quantile(run->data, run->data_count, 0.5);
	result->data_p99 = quantile(run->data, run->data_count, 0.99);
	result->data_max = quantile(run->data, run->data_count, 1);
	result->session_p50 = quantile(run->whole, run->whole_count, 0.5);
	result->session_p99 = quantile(run->whole, run->whole_count, 0.99);
	result->session_max = quantile(run->whole, run->whole_count, 1);
}

bool
load_run(const struct load_spec *spec, struct load_result *result_r)
{
	struct run run = {.spec = spec, .result = result_r};
	double *samples = calloc(spec->count * 3, sizeof *samples);

	memset(result_r, 0, sizeof *result_r);
	run.sessions = calloc(spec->parallel, sizeof *run.sessions);
	if (samples == NULL || run.sessions == NULL)
		abort();
	run.rcpt = samples;
	run.data = samples + spec->count;
	run.whole = samples + 2 * spec->count;
	for (unsigned i = 0; i < spec->parallel; i++)
		run.sessions[i].fd = -1;
	run.epoll = epoll_create1(EPOLL_CLOEXEC);
	run.start = now_s();
	bool ok = run_all(&run);
	result_r->seconds = now_s() - run.start;
	summarise(&run);
	close(run.epoll);
	free(run.sessions);
	free(samples);
	return ok;
}
