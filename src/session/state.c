/* SPDX-License-Identifier: BSD-2-Clause */
/* Beginning and end of a session and its mail, and what they keep. */
#include "session/session_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/text.h"
#include "lists/address.h"
#include "record/fold.h"

const struct answer answer_continue = {.refuse = false};
const struct answer answer_trouble = {.refuse = true,
    .code = "451",
    .enhanced = "4.3.0",
    .text = "Temporary failure, please try again later"};

struct session *
session_new(struct snapshot *snapshot)
{
	struct session *session = calloc(1, sizeof *session);
	uint8_t random[5];

	if (session == NULL)
		return NULL;
	session->snapshot = snapshot_ref(snapshot);
	session->facts.helo_class = HELO_MISSING;
	session->facts.from = FROM_UNKNOWN;
	session->facts.pipe = PIPE_UNKNOWN;
	if (getrandom(random, sizeof random, GRND_NONBLOCK) !=
	    (ssize_t)sizeof random)
		memcpy(random, &session, sizeof random);
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(session->sid + 2 * i, 3, "%02x", random[i]);
	return session;
}

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

void
session_free(struct session *session)
{
	session_end_mail(session);
	snapshot_drop(&session->snapshot);
	free((char *)session->facts.name);
	free((char *)session->facts.ptr);
	free((char *)session->facts.helo);
	free((char *)session->facts.local);
	free(session->exempt_by);
	free(session);
}

char *
session_keep(struct session *session, const char *text)
{
	char *copy = text_dup(text);

	if (copy == NULL && text != NULL)
		session->lacks_memory = true;
	return copy;
}

bool
session_is_lost(struct session *session)
{
	if (session->mail != NULL && !session->lacks_memory)
		return false;
	log_warnx("sid=%s out of memory: this message passes without targrey",
	    session->sid);
	session_end_mail(session);
	return true;
}
