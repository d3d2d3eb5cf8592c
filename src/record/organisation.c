/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/organisation.h"

#include <libpsl.h>
#include <pthread.h>
#include <string.h>

#define NAME_LIMIT 255 /* octets of a domain name in text, RFC 1035 2.3.4 */

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
organisation_of(const char *name)
{
	if (name == NULL || strlen(name) > NAME_LIMIT)
		return NULL;
	organisation_load();
	return psl_registrable_domain(suffixes, name);
}
