/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filter to compare with: libmilter with the callbacks and the negotiation
 * of targreyd and nothing in them but the hold. kind "gate": behind the gate;
 * "direct": the MTA speaks to libmilter itself, and nobody is held.
 */
#include "held.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/callbacks.h"
#include "gate/gate.h"

#define HOLD_MS 600000

static struct gate *gate;
static struct clock the_clock;
static const unsigned long steps_wanted =
    SMFIP_NOBODY | SMFIP_NR_EOH | SMFIP_NOUNKNOWN | SMFIP_RCPT_REJ | SMFIP_NR_HDR |
    SMFIP_NR_CONN | SMFIP_NR_HELO;

#define TEXT(text) ((char *)(uintptr_t)(text))

static uint64_t
number_of(SMFICTX *ctx)
{
	const char *text = smfi_getsymval(ctx, TEXT("{targrey_gate}"));
	return text == NULL ? 0 : strtoull(text, NULL, 10);
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2,
    unsigned long f3, unsigned long *p0, unsigned long *p1, unsigned long *p2,
    unsigned long *p3)
{
	(void)ctx;
	(void)f2;
	(void)f3;
	*p0 = SMFIF_ADDHDRS & f0;
	*p1 = steps_wanted & f1;
	*p2 = *p3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	(void)ctx;
	(void)name;
	(void)address;
	return SMFIS_NOREPLY;
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
	(void)ctx;
	(void)name;
	return SMFIS_NOREPLY;
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	const char *name = smfi_getsymval(ctx, TEXT("{client_name}"));
	struct gate_wish wish = {
	    .reply_until_ms = clock_mono_ms(&the_clock) + HOLD_MS, .is_hold = true};
	struct gate_moment moment;

	(void)argv;
	if (gate == NULL || name == NULL || strcmp(name, "unknown") != 0)
		return SMFIS_CONTINUE;
	uint64_t number = number_of(ctx);
	if (gate_look(gate, number, &number, &moment) && moment.has_place)
		gate_tell(gate, moment.ticket, &wish);
	return SMFIS_CONTINUE;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return SMFIS_NOREPLY;
}

static sfsistat
on_eoh(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_NOREPLY;
}

static sfsistat
on_eom(SMFICTX *ctx)
{
	smfi_insheader(ctx, 0, TEXT("X-Bench"), TEXT("value"));
	return SMFIS_CONTINUE;
}

static void *
run(void *arg)
{
	(void)arg;
	smfi_main();
	return NULL;
}

static bool
start_libmilter(const char *path)
{
	struct smfiDesc description = {.xxfi_name = TEXT("bench"),
	    .xxfi_version = SMFI_VERSION,
	    .xxfi_flags = SMFIF_ADDHDRS,
	    .xxfi_connect = on_connect,
	    .xxfi_helo = on_helo,
	    .xxfi_envfrom = continue_words,
	    .xxfi_envrcpt = on_rcpt,
	    .xxfi_data = continue_event,
	    .xxfi_header = on_header,
	    .xxfi_eoh = on_eoh,
	    .xxfi_eom = on_eom,
	    .xxfi_abort = continue_event,
	    .xxfi_close = continue_event,
	    .xxfi_negotiate = on_negotiate};
	char name[256];
	pthread_t thread;

	snprintf(name, sizeof name, "local:%s", path);
	return smfi_register(description) == MI_SUCCESS &&
	       smfi_setconn(name) == MI_SUCCESS &&
	       smfi_setbacklog(512) == MI_SUCCESS &&
	       smfi_opensocket(1) == MI_SUCCESS &&
	       pthread_create(&thread, NULL, run, NULL) == 0;
}

static bool
start_gate(const char *front, const char *back)
{
	char listen[256];
	struct error error;

	snprintf(listen, sizeof listen, "unix:%s", front);
	struct gate_settings settings = {.listen = listen,
	    .socket_mode = 0600,
	    .socket_group = (gid_t)-1,
	    .back_path = back,
	    .answer_timeout_ms = 20000,
	    .max_holds = 100000};
	clock_init(&the_clock);
	gate = gate_open(&settings, &the_clock, &error);
	if (gate != NULL && gate_start(gate, &error))
		return true;
	fprintf(stderr, "gate: %s\n", error.text);
	return false;
}

int
serve(const char *kind, const char *folder)
{
	char front[200], back[200];
	struct rlimit limit;
	sigset_t set;
	int got;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	snprintf(front, sizeof front, "%s/front.sock", folder);
	snprintf(back, sizeof back, "%s/back.sock", folder);
	bool direct = strcmp(kind, "direct") == 0;
	if (!start_libmilter(direct ? front : back))
		return 1;
	if (!direct && !start_gate(front, back))
		return 1;
	/* libmilter keeps TERM for itself, so the stop comes by another signal. */
	sigwait(&set, &got);
	if (gate != NULL) {
		gate_stop(gate, 1000);
		gate_free(&gate);
	}
	_exit(0);
}
