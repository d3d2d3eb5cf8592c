/* SPDX-License-Identifier: BSD-2-Clause */
#include "gate/filter.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/block.h"

static sfsistat (*_Atomic hook)(const struct filter_call *);
static _Atomic unsigned counts[FILTER_EVENTS];
static _Atomic unsigned long protocol;
static char path[128];

void
filter_hook(sfsistat (*wanted)(const struct filter_call *))
{
	for (int i = 0; i < FILTER_EVENTS; i++)
		atomic_store(&counts[i], 0);
	atomic_store(&hook, wanted);
}

unsigned
filter_count(enum filter_event event)
{
	return atomic_load(&counts[event]);
}

void
filter_protocol(unsigned long wanted)
{
	atomic_store(&protocol, wanted);
}

static sfsistat
call(SMFICTX *smfi, enum filter_event event, const char *text)
{
	static const unsigned long silent[FILTER_EVENTS] = {
	    [FILTER_CONNECT] = SMFIP_NR_CONN,
	    [FILTER_HELO] = SMFIP_NR_HELO,
	    [FILTER_MAIL] = SMFIP_NR_MAIL,
	    [FILTER_RCPT] = SMFIP_NR_RCPT,
	    [FILTER_DATA] = SMFIP_NR_DATA,
	    [FILTER_HEADER] = SMFIP_NR_HDR,
	    [FILTER_EOH] = SMFIP_NR_EOH,
	    [FILTER_BODY] = SMFIP_NR_BODY};
	const char *macro =
	    smfi_getsymval(smfi, (char *)(uintptr_t) "{targrey_gate}");
	struct filter_call one = {
	    smfi, event, macro == NULL ? 0 : strtoull(macro, NULL, 10), text};
	sfsistat (*run)(const struct filter_call *) = atomic_load(&hook);

	block_callback_enter();
	sfsistat result = run == NULL ? SMFIS_CONTINUE : run(&one);
	block_callback_leave();
	atomic_fetch_add(&counts[event], 1);
	if ((atomic_load(&protocol) & silent[event]) != 0)
		return SMFIS_NOREPLY;
	return result;
}

static sfsistat
on_negotiate(SMFICTX *smfi, unsigned long f0, unsigned long f1, unsigned long f2,
    unsigned long f3, unsigned long *p0, unsigned long *p1, unsigned long *p2,
    unsigned long *p3)
{
	atomic_fetch_add(&counts[FILTER_NEGOTIATE], 1);
	*p0 = f0;
	*p1 = f1 & atomic_load(&protocol);
	*p2 = *p3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *smfi, char *name, _SOCK_ADDR *address)
{
	return call(smfi, FILTER_CONNECT, name);
}

static sfsistat
on_helo(SMFICTX *smfi, char *name)
{
	return call(smfi, FILTER_HELO, name);
}

static sfsistat
on_mail(SMFICTX *smfi, char **argv)
{
	return call(smfi, FILTER_MAIL, argv[0]);
}

static sfsistat
on_rcpt(SMFICTX *smfi, char **argv)
{
	return call(smfi, FILTER_RCPT, argv[0]);
}

static sfsistat
on_data(SMFICTX *smfi)
{
	return call(smfi, FILTER_DATA, NULL);
}

static sfsistat
on_header(SMFICTX *smfi, char *name, char *value)
{
	return call(smfi, FILTER_HEADER, name);
}

static sfsistat
on_eoh(SMFICTX *smfi)
{
	return call(smfi, FILTER_EOH, NULL);
}

static sfsistat
on_body(SMFICTX *smfi, unsigned char *data, size_t len)
{
	return call(smfi, FILTER_BODY, NULL);
}

static sfsistat
on_eom(SMFICTX *smfi)
{
	return call(smfi, FILTER_EOM, NULL);
}

static sfsistat
on_abort(SMFICTX *smfi)
{
	return call(smfi, FILTER_ABORT, NULL);
}

static sfsistat
on_close(SMFICTX *smfi)
{
	return call(smfi, FILTER_CLOSE, NULL);
}

static void *
serve(void *arg)
{
	smfi_main();
	return NULL;
}

const char *
filter_start(const char *folder)
{
	static struct smfiDesc description = {
	    .xxfi_name = (char *)(uintptr_t) "test",
	    .xxfi_version = SMFI_VERSION,
	    .xxfi_flags = SMFIF_ADDHDRS,
	    .xxfi_connect = on_connect,
	    .xxfi_helo = on_helo,
	    .xxfi_envfrom = on_mail,
	    .xxfi_envrcpt = on_rcpt,
	    .xxfi_header = on_header,
	    .xxfi_eoh = on_eoh,
	    .xxfi_body = on_body,
	    .xxfi_eom = on_eom,
	    .xxfi_abort = on_abort,
	    .xxfi_close = on_close,
	    .xxfi_data = on_data,
	    .xxfi_negotiate = on_negotiate};
	static char name[160];
	struct stat status;
	pthread_t thread;

	snprintf(path, sizeof path, "%s/back.sock", folder);
	snprintf(name, sizeof name, "local:%s", path);
	if (smfi_register(description) != MI_SUCCESS ||
	    smfi_setconn(name) != MI_SUCCESS ||
	    smfi_setbacklog(1024) != MI_SUCCESS ||
	    smfi_opensocket(1) != MI_SUCCESS ||
	    pthread_create(&thread, NULL, serve, NULL) != 0) {
		fprintf(stderr, "libmilter did not start\n");
		abort();
	}
	pthread_detach(thread);
	while (stat(path, &status) != 0)
		usleep(1000);
	return path;
}
