/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/session_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lists/address.h"
#include "record/fold.h"

static void
transaction_free(struct transaction *mail)
{
	if (mail == NULL)
		return;
	for (size_t i = 0; i < mail->count; i++)
		free(mail->recipients[i].address);
	for (size_t i = 0; i < mail->removed_count; i++)
		free(mail->removed[i].name);
	gather_drop(&mail->gather);
	asked_drop(&mail->asked);
	note_drop(&mail->note);
	free(mail->recipients);
	free(mail->removed);
	free(mail->dns);
	if (mail->folded != mail->sender)
		free(mail->folded);
	free(mail->sender);
	free(mail->exempt_by);
	free(mail->exempt_recipient);
	free(mail->queue_id);
	free(mail->message_id);
	free(mail->other);
	free(mail);
}

struct transaction *
transaction_new(const char *sender, int64_t now)
{
	struct transaction *mail = calloc(1, sizeof *mail);
	char buf[FOLD_SIZE];

	if (mail == NULL)
		return NULL;
	mail->started = now;
	mail->judgement.why = mail->judgement.suspect = WHY_NONE;
	mail->sender = address_normalize(sender);
	if (mail->sender != NULL) {
		const char *folded = sender_fold(mail->sender, buf);
		bool is_same = strcmp(folded, mail->sender) == 0;
		mail->folded = is_same ? mail->sender : text_dup(folded);
	}
	if (mail->folded != NULL)
		return mail;
	transaction_free(mail);
	return NULL;
}

void
session_end_mail(struct session *session)
{
	session->facts.sender = NULL;
	session->facts.dns = NULL;
	transaction_free(session->mail);
	session->mail = NULL;
}
