/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * targreyctl's connection. Its page, or learn-log behind journalctl -f, may run for
 * months: when the server was restarted or another took its place, the next
 * transaction is begun on a new connection.
 */
#include <string.h>

#include "store/pgsql/pgsql_private.h"
#include "store/pgsql/schema_private.h"

/* How long it waits for each server. */
#define ATTACH_MS 5000

/* A report may take long; only connecting is limited in time. */
static bool
take_time(struct link *link, struct trouble *trouble)
{
	link->timeout_ms = 0;
	return link_run(link,
	    "RESET statement_timeout; RESET lock_timeout;"
	    "RESET idle_in_transaction_session_timeout",
	    trouble);
}

bool
pgsql_place_attached(struct backend *backend, struct trouble *trouble)
{
	return place_connect(&backend->place, &backend->link, ATTACH_MS, trouble);
}

bool
pgsql_connect_attached(struct backend *backend,
    uint8_t secret_r[static SIPHASH_KEY_SIZE], struct trouble *trouble)
{
	struct link *link = &backend->link;

	if (pgsql_place_attached(backend, trouble) && take_time(link, trouble) &&
	    pgsql_check_schema(link, secret_r, trouble) &&
	    link_prepare(link, trouble))
		return true;
	link_close(link);
	return false;
}

static bool
connect_again(struct backend *backend, struct trouble *trouble)
{
	uint8_t secret[SIPHASH_KEY_SIZE];

	link_close(&backend->link);
	/* What was claimed is not ours any more. */
	if (backend->is_claimed ||
	    !pgsql_connect_attached(backend, secret, trouble))
		return false;
	if (memcmp(secret, backend->secret, sizeof secret) == 0)
		return true;
	link_close(&backend->link);
	error_set(&trouble->error,
	    "it is another database than before: start this program again");
	return false;
}

bool
pgsql_begin_attached(
    struct backend *backend, const char *begin, struct trouble *trouble)
{
	struct link *link = &backend->link;

	if (link_run(link, begin, trouble))
		return true;
	return trouble->kind == TROUBLE_REOPEN && connect_again(backend, trouble) &&
	       link_run(link, begin, trouble);
}
