/* SPDX-License-Identifier: BSD-2-Clause */
#include "callbacks.h"

#include <stdio.h>

sfsistat
continue_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	(void)ctx, (void)name, (void)address;
	return SMFIS_CONTINUE;
}

sfsistat
continue_text(SMFICTX *ctx, char *text)
{
	(void)ctx, (void)text;
	return SMFIS_CONTINUE;
}

sfsistat
continue_words(SMFICTX *ctx, char **words)
{
	(void)ctx, (void)words;
	return SMFIS_CONTINUE;
}

sfsistat
continue_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx, (void)name, (void)value;
	return SMFIS_CONTINUE;
}

sfsistat
continue_event(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

sfsistat
continue_body(SMFICTX *ctx, unsigned char *body, size_t length)
{
	(void)ctx, (void)body, (void)length;
	return SMFIS_CONTINUE;
}

sfsistat
continue_unknown(SMFICTX *ctx, const char *command)
{
	(void)ctx, (void)command;
	return SMFIS_CONTINUE;
}

int
callbacks_serve(struct smfiDesc filter, const char *path)
{
	char socket[256];

	snprintf(socket, sizeof socket, "unix:%s", path);
	if (smfi_setconn(socket) != MI_SUCCESS ||
	    smfi_register(filter) != MI_SUCCESS)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
