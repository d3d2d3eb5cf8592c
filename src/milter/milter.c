/* SPDX-License-Identifier: BSD-2-Clause */
#include "milter/milter.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libmilter/mfapi.h>

#include "base/block.h"
#include "base/log.h"
#include "base/text.h"
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
} here;

/* libmilter's private pointer. */
struct connection {
	struct session *session;
	bool nr_connect, nr_helo, nr_mail, nr_header, nr_eoh;
};

static struct connection *
enter(SMFICTX *ctx)
{
	block_callback_enter();
	return smfi_getpriv(
	    ctx); /* the gate lets nobody pass who has not negotiated */
}

static sfsistat
leave(sfsistat status)
{
	block_callback_leave();
	return status;
}

/* smfi_setreply() passes the text to printf-like readers: % is doubled. */
static void
set_reply(SMFICTX *ctx, const struct reply *reply)
{
	char text[REPLY_SIZE], *end = text;

	for (const char *c = reply->text;
	     *c != '\0' && end < text + sizeof text - 2; c++) {
		*end++ = *c;
		if (*c == '%')
			*end++ = '%';
	}
	*end = '\0';
	if (smfi_setreply(ctx, TEXT(reply->code), TEXT(reply->enhanced), text) !=
	    MI_SUCCESS)
		log_warnx("libmilter refused the reply \"%s %s %s\"", reply->code,
		    reply->enhanced, text);
}

static sfsistat
answer(SMFICTX *ctx, struct reply reply)
{
	if (reply.refuse)
		set_reply(ctx, &reply);
	return leave(reply.refuse ? SMFIS_TEMPFAIL : SMFIS_CONTINUE);
}

/* Exactly when negotiated: libmilter logs an error for anything else. */
static sfsistat
quietly(bool no_reply)
{
	return leave(no_reply ? SMFIS_NOREPLY : SMFIS_CONTINUE);
}

static const char *
symbol(SMFICTX *ctx, const char *name)
{
	return smfi_getsymval(ctx, TEXT(name));
}

static void
ask_for_macros(SMFICTX *ctx)
{
	static const struct {
		int stage;
		const char *names;
	} macros[] = {
	    {SMFIM_CONNECT,
	        "j {client_name} {client_ptr} {client_resolve} {client_addr} "
	        "{client_port} {daemon_addr} {daemon_port}"},
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
	*steps_r =
	    (SMFIP_NOBODY | SMFIP_NR_EOH | SMFIP_NOUNKNOWN | SMFIP_RCPT_REJ |
	        SMFIP_NR_HDR | SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL) &
	    steps;
	*f2_r = 0;
	*f3_r = 0;
	connection->nr_connect = (*steps_r & SMFIP_NR_CONN) != 0;
	connection->nr_helo = (*steps_r & SMFIP_NR_HELO) != 0;
	connection->nr_mail = (*steps_r & SMFIP_NR_MAIL) != 0;
	connection->nr_header = (*steps_r & SMFIP_NR_HDR) != 0;
	connection->nr_eoh = (*steps_r & SMFIP_NR_EOH) != 0;
	return leave(SMFIS_CONTINUE);
}

/* The MTA's end of the SMTP connection, from its macros. */
static bool
server_address(SMFICTX *ctx, struct sockaddr_storage *address_r, struct ip *ip_r)
{
	const char *address = symbol(ctx, "{daemon_addr}");
	const char *port = symbol(ctx, "{daemon_port}");
	int64_t number = 0;

	memset(address_r, 0, sizeof *address_r);
	if (address != NULL && strncasecmp(address, "IPv6:", 5) == 0)
		address += 5;
	if (address == NULL || !ip_from_text(address, ip_r))
		return false;
	if (port == NULL || !text_integer(port, 1, 65535, &number))
		return false;
	if (ip_is_v4(ip_r)) {
		struct sockaddr_in *in = (struct sockaddr_in *)(void *)address_r;
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)number);
		memcpy(&in->sin_addr, ip_r->bytes + 12, 4);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)address_r;
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)number);
		memcpy(&in6->sin6_addr, ip_r->bytes, 16);
	}
	return true;
}

static uint16_t
port_of(const struct sockaddr *address)
{
	if (address != NULL && address->sa_family == AF_INET)
		return ntohs(
		    ((const struct sockaddr_in *)(const void *)address)->sin_port);
	if (address != NULL && address->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)address)
		                 ->sin6_port);
	return 0;
}

static uint64_t
gate_number(SMFICTX *ctx)
{
	const char *text = symbol(ctx, "{targrey_gate}");
	int64_t number = 0;

	if (text == NULL || !text_integer(text, 0, INT64_MAX, &number))
		return 0;
	return (uint64_t)number;
}

static sfsistat
on_connect(SMFICTX *ctx, char *hostname, _SOCK_ADDR *address)
{
	struct connection *connection = enter(ctx);
	const struct sockaddr *peer = (const struct sockaddr *)address;
	struct session_client client = {
	    .port = port_of(peer),
	    .name = symbol(ctx, "{client_name}"),
	    .ptr = symbol(ctx, "{client_ptr}"),
	    .resolve = symbol(ctx, "{client_resolve}"),
	};
	struct sockaddr_storage server;

	if (client.name == NULL)
		client.name = hostname;
	/* A local process without an address counts as loopback. */
	if (!ip_from_sockaddr(peer, &client.ip))
		(void)ip_from_text("127.0.0.1", &client.ip);
	uint64_t number = gate_number(ctx);
	bool has_server = server_address(ctx, &server, &client.server_ip);
	if (has_server && peer != NULL)
		gate_endpoints(here.gate, number, peer, (struct sockaddr *)&server);

	struct world *world = here.settings.current(here.settings.ctx);
	connection->session = session_new(world, number);
	world_drop(&world);
	if (connection->session == NULL) {
		log_warnx("out of memory: a session goes on without targrey");
		return quietly(connection->nr_connect);
	}
	session_connect(connection->session, &client);
	return quietly(connection->nr_connect);
}

static sfsistat
on_helo(SMFICTX *ctx, char *helo)
{
	struct connection *connection = enter(ctx);

	if (connection->session != NULL)
		session_helo(connection->session, helo,
		    symbol(ctx, "{tls_version}") != NULL);
	return quietly(connection->nr_helo);
}

static sfsistat
on_mail(SMFICTX *ctx, char **argv)
{
	struct connection *connection = enter(ctx);

	if (connection->session != NULL)
		session_mail(connection->session, argv[0],
		    symbol(ctx, "{auth_type}") != NULL,
		    symbol(ctx, "{tls_version}") != NULL);
	return quietly(connection->nr_mail);
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	struct connection *connection = enter(ctx);
	const char *mailer = symbol(ctx, "{rcpt_mailer}");
	bool refused = mailer != NULL && strcmp(mailer, "error") == 0;

	if (connection->session == NULL)
		return leave(SMFIS_CONTINUE);
	return answer(ctx, session_rcpt(connection->session, argv[0], refused));
}

static sfsistat
on_data(SMFICTX *ctx)
{
	struct connection *connection = enter(ctx);

	if (connection->session == NULL)
		return leave(SMFIS_CONTINUE);
	return answer(ctx, session_data(connection->session, symbol(ctx, "i")));
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	struct connection *connection = enter(ctx);

	if (connection->session != NULL)
		session_header(connection->session, name, value);
	return quietly(connection->nr_header);
}

/*
 * Only there to be sent: libmilter never answers an end of message that comes
 * right after DATA, as it would for a message without any header.
 */
static sfsistat
on_eoh(SMFICTX *ctx)
{
	struct connection *connection = enter(ctx);

	return quietly(connection->nr_eoh);
}

static void
edit_remove(void *ctx, const char *name, unsigned index)
{
	if (smfi_chgheader(ctx, TEXT(name), (int)index, NULL) != MI_SUCCESS)
		log_warnx("libmilter could not remove a header %s", name);
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
	return answer(
	    ctx, session_eom(connection->session, symbol(ctx, "i"), &edits));
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	struct connection *connection = enter(ctx);

	if (connection->session != NULL)
		session_abort(connection->session);
	return leave(SMFIS_CONTINUE);
}

static sfsistat
on_close(SMFICTX *ctx)
{
	struct connection *connection = enter(ctx);

	if (connection != NULL) {
		session_close(&connection->session);
		free(connection);
		smfi_setpriv(ctx, NULL);
	}
	return leave(SMFIS_CONTINUE);
}

static void *
run(void *arg)
{
	(void)arg;
	pthread_setname_np(pthread_self(), "milter"); /* and all of libmilter's */
	if (smfi_main() != MI_SUCCESS)
		log_warnx("libmilter's main loop failed");
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
	int failed = pthread_create(&thread, NULL, run, NULL);
	if (failed != 0) {
		error_set(
		    error, "cannot start libmilter's thread: %s", strerror(failed));
		return false;
	}
	pthread_detach(thread);
	return true;
}
