/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/organisation.h"

#include <libpsl.h>
#include <pthread.h>
#include <string.h>

#include "base/text.h"

static const psl_ctx_t *suffixes;

static void
load_once(void)
{
	suffixes = psl_latest(NULL);
}

void
organisation_load(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load_once);
}

const char *
organisation_of(const char *name, char buf[static ORGANISATION_SIZE])
{
	if (name == NULL || strlen(name) >= ORGANISATION_SIZE)
		return NULL;
	organisation_load();
	text_copy(buf, ORGANISATION_SIZE, name);
	text_lower(buf);
	const char *registered = psl_registrable_domain(suffixes, buf);
	if (registered == NULL)
		return NULL;
	return memmove(buf, registered, strlen(registered) + 1);
}
