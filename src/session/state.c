/* SPDX-License-Identifier: BSD-2-Clause */
/* A session begins and ends, and keeps what it is told. */
#include "session/session_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/text.h"

const struct answer answer_continue = {.refuse = false};
const struct answer answer_trouble = {.refuse = true,
    .code = "451",
    .enhanced = "4.3.0",
    .text = "Temporary trouble, please try again"};

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
	log_warnx(
	    "sid=%s out of memory: a mail goes on without targrey", session->sid);
	session_end_mail(session);
	return true;
}
