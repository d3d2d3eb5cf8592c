/* SPDX-License-Identifier: BSD-2-Clause */
#include "milter/milter.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libmilter/mfapi.h>

#include "base/block.h"
#include "base/log.h"
#include "base/text.h"
#include "milter/client.h"
#include "session/session.h"

#define LIBMILTER_TIMEOUT_S 7210
#define BACKLOG             512
#define REPLY_SIZE          512

/* libmilter takes char * where it only reads. */
#define TEXT(text) ((char *)(uintptr_t)(text))

/* Set once by milter_start(), before libmilter runs. */
static struct {
	struct milter_settings settings;
	struct gate *gate;
	_Atomic bool has_ended;
} here;

/* libmilter's private pointer. */
struct connection {
	struct session *session;
	uint64_t number;     /* the gate's */
	unsigned long steps; /* SMFIP_* that were negotiated */
};

static struct connection *
enter(SMFICTX *ctx)
{
	block_callback_enter();
	return smfi_getpriv(
	    ctx); /* the gate lets no client pass that has not negotiated */
}

static sfsistat
leave(sfsistat status)
{
	block_callback_leave();
	return status;
}

/* What the gate knows now; place: take a place, for a possible hold. */
static struct gate_moment
look(const struct connection *connection, bool place)
{
	struct gate_moment moment;
	uint64_t key;

	place = place && session_wants_place(connection->session, &key);
	gate_look(here.gate, connection->number, place ? &key : NULL, &moment);
	return moment;
}

/* smfi_setreply() passes the text to printf-like readers: % is doubled. */
static void
set_reply(SMFICTX *ctx, const struct answer *answer)
{
	char text[REPLY_SIZE], *end = text;

	for (const char *c = answer->text;
	     *c != '\0' && end < text + sizeof text - 2; c++) {
		*end++ = *c;
		if (*c == '%')
			*end++ = '%';
	}
	*end = '\0';
	if (smfi_setreply(ctx, TEXT(answer->code), TEXT(answer->enhanced), text) !=
	    MI_SUCCESS)
		log_warnx("libmilter refused the reply \"%s %s %s\"", answer->code,
		    answer->enhanced, text);
}

/* What the session wants goes to the gate, its reply to libmilter. */
static sfsistat
tell(SMFICTX *ctx, const struct gate_moment *moment, struct answer answer)
{
	gate_tell(here.gate, moment->ticket, &answer.wish);
	if (answer.refuse)
		set_reply(ctx, &answer);
	return leave(answer.refuse ? SMFIS_TEMPFAIL : SMFIS_CONTINUE);
}

/* Exactly when negotiated: libmilter logs an error for anything else. */
static sfsistat
quietly(const struct connection *connection, unsigned long step)
{
	bool no_reply = (connection->steps & step) != 0;

	return leave(no_reply ? SMFIS_NOREPLY : SMFIS_CONTINUE);
}

static void
ask_for_macros(SMFICTX *ctx)
{
	static const struct {
		int stage;
		const char *names;
	} macros[] = {
	    {SMFIM_CONNECT,
	        "{client_name} {client_ptr} {client_resolve} {daemon_addr} "
	        "{daemon_port}"},
	    {SMFIM_HELO, "{tls_version}"},
	    {SMFIM_ENVFROM, "{auth_type} {tls_version}"},
	    {SMFIM_ENVRCPT, "{rcpt_mailer}"},
	    {SMFIM_DATA, "i"},
	    {SMFIM_EOM, "i"},
	};

	for (size_t i = 0; i < sizeof macros / sizeof *macros; i++)
		smfi_setsymlist(ctx, macros[i].stage, TEXT(macros[i].names));
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long f2, unsigned long f3, unsigned long *actions_r,
    unsigned long *steps_r, unsigned long *f2_r, unsigned long *f3_r)
{
	struct connection *connection = calloc(1, sizeof *connection);

	(void)f2;
	(void)f3;
	block_callback_enter();
	if (connection == NULL || smfi_setpriv(ctx, connection) != MI_SUCCESS) {
		free(connection);
		return leave(SMFIS_REJECT);
	}
	if (actions & SMFIF_SETSYMLIST)
		ask_for_macros(ctx);
	*actions_r = (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_SETSYMLIST) & actions;
	*steps_r = (SMFIP_NOBODY | SMFIP_NR_EOH | SMFIP_NOUNKNOWN | SMFIP_RCPT_REJ |
	               SMFIP_NR_HDR | SMFIP_NR_CONN | SMFIP_NR_HELO) &
	           steps;
	/* Before version 4 (no SMFIP_NODATA) EOH takes the place of DATA. */
	if ((steps & SMFIP_NODATA) == 0)
		*steps_r &= ~(unsigned long)SMFIP_NR_EOH;
	*f2_r = 0;
	*f3_r = 0;
	connection->steps = *steps_r;
	return leave(SMFIS_CONTINUE);
}

static uint64_t
gate_number(SMFICTX *ctx)
{
	const char *text = client_macro(ctx, "{targrey_gate}");
	int64_t number = 0;

	if (text == NULL || !text_integer(text, 0, INT64_MAX, &number))
		return 0;
	return (uint64_t)number;
}

static sfsistat
on_connect(SMFICTX *ctx, char *hostname, _SOCK_ADDR *address)
{
	struct connection *connection = enter(ctx);
	struct session_client client;

	client_read(ctx, hostname, (const struct sockaddr *)address, &client);
	connection->number = gate_number(ctx);
	struct snapshot *snapshot = here.settings.current(here.settings.ctx);
	connection->session = session_new(snapshot);
	snapshot_drop(&snapshot);
	if (connection->session == NULL) {
		log_warnx("out of memory: a session goes on without targrey");
		return quietly(connection, SMFIP_NR_CONN);
	}
	struct gate_moment moment = look(connection, false);
	session_connect(connection->session, &moment, &client);
	return quietly(connection, SMFIP_NR_CONN);
}

static sfsistat
on_helo(SMFICTX *ctx, char *helo)
{
	struct connection *connection = enter(ctx);

	if (connection->session != NULL)
		session_helo(connection->session, helo,
		    client_macro(ctx, "{tls_version}") != NULL);
	return quietly(connection, SMFIP_NR_HELO);
}

static sfsistat
on_mail(SMFICTX *ctx, char **argv)
{
	struct connection *connection = enter(ctx);

	if (connection->session == NULL)
		return leave(SMFIS_CONTINUE);
	struct gate_moment moment = look(connection, false);
	return tell(ctx, &moment,
	    session_mail(connection->session, &moment, argv[0],
	        client_macro(ctx, "{auth_type}") != NULL,
	        client_macro(ctx, "{tls_version}") != NULL));
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	struct connection *connection = enter(ctx);
	const char *mailer = client_macro(ctx, "{rcpt_mailer}");
	bool refused = mailer != NULL && strcmp(mailer, "error") == 0;

	if (connection->session == NULL)
		return leave(SMFIS_CONTINUE);
	struct gate_moment moment = look(connection, !refused);
	return tell(ctx, &moment,
	    session_rcpt(connection->session, &moment, argv[0], refused));
}

static sfsistat
on_data(SMFICTX *ctx)
{
	struct connection *connection = enter(ctx);

	if (connection->session == NULL)
		return leave(SMFIS_CONTINUE);
	struct gate_moment moment = look(connection, true);
	return tell(ctx, &moment,
	    session_data(connection->session, &moment, client_macro(ctx, "i")));
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	struct connection *connection = enter(ctx);

	if (connection->session != NULL)
		session_header(connection->session, name, value);
	return quietly(connection, SMFIP_NR_HDR);
}

/*
 * Before version 4 of the protocol there is no DATA, and this takes its place.
 * Since then it only has to be sent: libmilter never answers an end of message
 * right after DATA, which a message without any header would cause.
 */
static sfsistat
on_eoh(SMFICTX *ctx)
{
	struct connection *connection = enter(ctx);

	if (connection->session == NULL || (connection->steps & SMFIP_NR_EOH) != 0)
		return quietly(connection, SMFIP_NR_EOH);
	struct gate_moment moment = look(connection, true);
	return tell(
	    ctx, &moment, session_headers_end(connection->session, &moment));
}

static void
edit_remove(void *ctx, const char *name, unsigned index)
{
	if (smfi_chgheader(ctx, TEXT(name), (int)index, NULL) != MI_SUCCESS)
		log_warnx("libmilter could not remove the header %s", name);
}

static void
edit_insert(void *ctx, const char *name, const char *value)
{
	if (smfi_insheader(ctx, 0, TEXT(name), TEXT(value)) != MI_SUCCESS)
		log_warnx("libmilter could not insert the header %s", name);
}

static sfsistat
on_eom(SMFICTX *ctx)
{
	struct connection *connection = enter(ctx);
	struct session_edits edits = {ctx, edit_remove, edit_insert};

	if (connection->session == NULL)
		return leave(SMFIS_CONTINUE);
	struct gate_moment moment = look(connection, false);
	return tell(ctx, &moment,
	    session_eom(
	        connection->session, &moment, client_macro(ctx, "i"), &edits));
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	struct connection *connection = enter(ctx);

	if (connection->session != NULL) {
		struct gate_moment moment = look(connection, false);
		session_abort(connection->session, &moment);
	}
	return leave(SMFIS_CONTINUE);
}

static sfsistat
on_close(SMFICTX *ctx)
{
	struct connection *connection = enter(ctx);

	if (connection != NULL) {
		struct gate_moment moment = look(connection, false);
		session_close(&connection->session, &moment);
		free(connection);
		smfi_setpriv(ctx, NULL);
	}
	return leave(SMFIS_CONTINUE);
}

bool
milter_is_running(void)
{
	if (!atomic_load(&here.has_ended))
		return true;
	log_warnx("libmilter has ended: exiting, to be restarted by the "
	          "service manager");
	return false;
}

void
milter_decide(void *gate, uint64_t ticket, bool other)
{
	gate_decide(gate, ticket, other);
}

static void *
run_libmilter(void *arg)
{
	(void)arg;
	pthread_setname_np(pthread_self(), "milter"); /* and all of libmilter's */
	(void)smfi_main();
	atomic_store(&here.has_ended, true);
	return NULL;
}

bool
milter_start(
    const struct milter_settings *settings, struct gate *gate, struct error *error)
{
	struct smfiDesc description = {
	    .xxfi_name = TEXT("targrey"),
	    .xxfi_version = SMFI_VERSION,
	    .xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_SETSYMLIST,
	    .xxfi_connect = on_connect,
	    .xxfi_helo = on_helo,
	    .xxfi_envfrom = on_mail,
	    .xxfi_envrcpt = on_rcpt,
	    .xxfi_header = on_header,
	    .xxfi_eoh = on_eoh,
	    .xxfi_eom = on_eom,
	    .xxfi_abort = on_abort,
	    .xxfi_close = on_close,
	    .xxfi_data = on_data,
	    .xxfi_negotiate = on_negotiate,
	};
	char address[128];
	pthread_t thread;

	here.settings = *settings;
	here.gate = gate;
	snprintf(address, sizeof address, "unix:%s", settings->back_path);
	mode_t old = umask(0077);
	bool ok = smfi_register(description) == MI_SUCCESS &&
	          smfi_setconn(address) == MI_SUCCESS &&
	          smfi_setbacklog(BACKLOG) == MI_SUCCESS &&
	          smfi_settimeout(LIBMILTER_TIMEOUT_S) == MI_SUCCESS &&
	          smfi_opensocket(true) == MI_SUCCESS;
	umask(old);
	if (!ok) {
		error_set(error, "libmilter cannot open its socket %s",
		    settings->back_path);
		return false;
	}
	int failed = pthread_create(&thread, NULL, run_libmilter, NULL);
	if (failed != 0) {
		error_set(
		    error, "cannot start libmilter's thread: %s", strerror(failed));
		return false;
	}
	pthread_detach(thread);
	return true;
}
