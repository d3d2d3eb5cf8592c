/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The yardstick: a libmilter filter with every callback, none of which does
 * anything but one header at the end of the message.
 *
 * usage: bench_noop SOCKET
 */
#include "callbacks.h"

static sfsistat
on_end(SMFICTX *ctx)
{
	static char name[] = "X-Nothing", value[] = "none";

	smfi_insheader(ctx, 0, name, value);
	return SMFIS_CONTINUE;
}

int
main(int argc, char **argv)
{
	static char title[] = "noop";
	struct smfiDesc filter = {
	    .xxfi_name = title,
	    .xxfi_version = SMFI_VERSION,
	    .xxfi_flags = SMFIF_ADDHDRS,
	    .xxfi_connect = continue_connect,
	    .xxfi_helo = continue_text,
	    .xxfi_envfrom = continue_words,
	    .xxfi_envrcpt = continue_words,
	    .xxfi_header = continue_header,
	    .xxfi_eoh = continue_event,
	    .xxfi_body = continue_body,
	    .xxfi_eom = on_end,
	    .xxfi_abort = continue_event,
	    .xxfi_close = continue_event,
	    .xxfi_unknown = continue_unknown,
	    .xxfi_data = continue_event,
	};

	if (argc != 2)
		return 2;
	return callbacks_serve(filter, argv[1]);
}
