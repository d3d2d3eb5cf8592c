/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The leanest libmilter filter that could do targrey's work: it answers
 * CONNECT, RCPT and DATA, has everything else negotiated away, and inserts
 * three headers of the length of targrey's.
 *
 * usage: bench_lean SOCKET
 */
#include <string.h>

#include "callbacks.h"

#define AWAY                                                                       \
	(SMFIP_NOHELO | SMFIP_NOMAIL | SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NOBODY | \
	    SMFIP_NOUNKNOWN)

/* Octets of the values of X-TaRgrey-Session, -Client and -Flags in the second
 * full example of docs/headers.md: a client with some history. */
enum { SESSION_SIZE = 397, CLIENT_SIZE = 119, FLAGS_SIZE = 19 };

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long unused_a, unsigned long unused_b, unsigned long *actions_r,
    unsigned long *steps_r, unsigned long *unused_a_r, unsigned long *unused_b_r)
{
	(void)ctx;
	(void)actions;
	(void)unused_a;
	(void)unused_b;
	*actions_r = SMFIF_ADDHDRS;
	*steps_r = AWAY & steps;
	*unused_a_r = 0;
	*unused_b_r = 0;
	return SMFIS_CONTINUE;
}

static void
insert(SMFICTX *ctx, char *name, size_t size)
{
	char value[SESSION_SIZE + 1];

	memset(value, 'x', size);
	value[size] = '\0';
	smfi_insheader(ctx, 0, name, value);
}

static sfsistat
on_end(SMFICTX *ctx)
{
	static char session[] = "X-Nothing-Session", client[] = "X-Nothing-Client",
	            flags[] = "X-Nothing-Flags";

	insert(ctx, flags, FLAGS_SIZE);
	insert(ctx, client, CLIENT_SIZE);
	insert(ctx, session, SESSION_SIZE);
	return SMFIS_CONTINUE;
}

int
main(int argc, char **argv)
{
	static char title[] = "lean";
	struct smfiDesc filter = {
	    .xxfi_name = title,
	    .xxfi_version = SMFI_VERSION,
	    .xxfi_flags = SMFIF_ADDHDRS,
	    .xxfi_connect = continue_connect,
	    .xxfi_envrcpt = continue_words,
	    .xxfi_data = continue_event,
	    .xxfi_eom = on_end,
	    .xxfi_negotiate = on_negotiate,
	};

	if (argc != 2)
		return 2;
	return callbacks_serve(filter, argv[1]);
}
