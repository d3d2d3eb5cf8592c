/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "store/pgsql/link_private.h"

enum trouble_kind
link_kind_of(const char *state)
{
	static const char *const again[] = {
	    "40001", /* serialization_failure */
	    "40P01", /* deadlock_detected */
	    "55P03", /* lock_not_available */
	};
	static const char *const gone[] = {
	    "25006", /* read_only_sql_transaction: it is a standby now */
	    "57P01", /* admin_shutdown */
	    "57P02", /* crash_shutdown */
	    "57P03", /* cannot_connect_now */
	    "57P05", /* idle_session_timeout */
	    "25P03", /* idle_in_transaction_session_timeout */
	    "26000", /* invalid_sql_statement_name: somebody deallocated them */
	    "42P01", /* undefined_table: another database, or not made yet */
	};

	for (size_t i = 0; i < sizeof again / sizeof *again; i++) {
		if (strcmp(state, again[i]) == 0)
			return TROUBLE_CONFLICT;
	}
	for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
		if (strcmp(state, gone[i]) == 0)
			return TROUBLE_REOPEN;
	}
	if (strncmp(state, "08", 2) == 0)
		return TROUBLE_REOPEN;
	/* Data that it rejects: a type's limit, an odd character. */
	if (strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0)
		return TROUBLE_NOTE;
	return TROUBLE_WAIT;
}
