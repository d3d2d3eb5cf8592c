/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/session_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lists/address.h"
#include "record/fold.h"

char *
address_clean(const char *address)
{
	return address_normalize(address);
}

struct transaction *
transaction_new(const char *sender, int64_t now)
{
	struct transaction *mail = calloc(1, sizeof *mail);
	char folded[FOLD_SIZE];

	if (mail == NULL)
		return NULL;
	mail->started = now;
	mail->sender = address_clean(sender);
	if (mail->sender != NULL)
		mail->folded = text_dup(sender_fold(mail->sender, folded));
	if (mail->folded == NULL)
		transaction_free(&mail);
	return mail;
}

void
transaction_free(struct transaction **mail_ptr)
{
	struct transaction *mail = *mail_ptr;

	if (mail == NULL)
		return;
	*mail_ptr = NULL;
	for (size_t i = 0; i < mail->count; i++)
		free(mail->recipients[i].address);
	for (size_t i = 0; i < mail->forged_count; i++)
		free(mail->forged[i].name);
	gather_drop(&mail->gather);
	asked_drop(&mail->asked);
	note_drop(&mail->note);
	free(mail->recipients);
	free(mail->forged);
	free(mail->authres_ours);
	free(mail->dns);
	free(mail->sender);
	free(mail->folded);
	free(mail->exempt_by);
	free(mail->exempt_recipient);
	free(mail->queue_id);
	free(mail->message_id);
	free(mail->other);
	free(mail);
}
