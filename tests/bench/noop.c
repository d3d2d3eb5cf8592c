/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The yardstick: a libmilter filter with every callback, none of which does
 * anything but one header at the end of the message.
 *
 * usage: bench_noop SOCKET
 */
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include <libmilter/mfapi.h>

static sfsistat
on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	(void)ctx;
	(void)name;
	(void)address;
	return SMFIS_CONTINUE;
}

static sfsistat
on_text(SMFICTX *ctx, char *text)
{
	(void)ctx;
	(void)text;
	return SMFIS_CONTINUE;
}

static sfsistat
on_words(SMFICTX *ctx, char **words)
{
	(void)ctx;
	(void)words;
	return SMFIS_CONTINUE;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return SMFIS_CONTINUE;
}

static sfsistat
on_event(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *body, size_t length)
{
	(void)ctx;
	(void)body;
	(void)length;
	return SMFIS_CONTINUE;
}

static sfsistat
on_end(SMFICTX *ctx)
{
	static char name[] = "X-Nothing", value[] = "none";

	smfi_insheader(ctx, 0, name, value);
	return SMFIS_CONTINUE;
}

static sfsistat
on_unknown(SMFICTX *ctx, const char *command)
{
	(void)ctx;
	(void)command;
	return SMFIS_CONTINUE;
}

int
main(int argc, char **argv)
{
	static char title[] = "noop", socket[256];
	struct smfiDesc filter = {
	    .xxfi_name = title,
	    .xxfi_version = SMFI_VERSION,
	    .xxfi_flags = SMFIF_ADDHDRS,
	    .xxfi_connect = on_connect,
	    .xxfi_helo = on_text,
	    .xxfi_envfrom = on_words,
	    .xxfi_envrcpt = on_words,
	    .xxfi_header = on_header,
	    .xxfi_eoh = on_event,
	    .xxfi_body = on_body,
	    .xxfi_eom = on_end,
	    .xxfi_abort = on_event,
	    .xxfi_close = on_event,
	    .xxfi_unknown = on_unknown,
	    .xxfi_data = on_event,
	};

	if (argc != 2)
		return 2;
	snprintf(socket, sizeof socket, "unix:%s", argv[1]);
	if (smfi_setconn(socket) != MI_SUCCESS ||
	    smfi_register(filter) != MI_SUCCESS)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
