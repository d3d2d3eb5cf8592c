/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libmilter gets to see. It trusts the MTA: with an odd number of macro
 * strings, or a CONNECT without a NUL, it reads past the frame. And it needs five
 * system calls per frame, so header fields that the program does not read are
 * dropped: a message has dozens.
 */
#include <string.h>
#include <strings.h>

#include "gate/gate_private.h"

/* The macro {targrey_gate} must come from the gate alone. */
static bool
macros_are_whole(const char *data, size_t len)
{
	size_t strings = 0;

	if (len > 0 && data[len - 1] != '\0')
		return false;
	for (size_t at = 0; at < len; at += strlen(data + at) + 1, strings++)
		if (strings % 2 == 0 && strcmp(data + at, GATE_MACRO) == 0)
			return false;
	return strings % 2 == 0;
}

/* No command after DATA brings macros that DATA did not, where there is a DATA. */
static enum filter_verdict
macros(const struct conn *conn, const char *data, size_t len)
{
	static const char stages[] = {
	    SMFIC_CONNECT, SMFIC_HELO, SMFIC_MAIL, SMFIC_RCPT, SMFIC_DATA};
	bool has_data = (conn->mta.offered & SMFIP_NODATA) != 0;

	if (len == 0 || (memchr(stages, *data, sizeof stages) == NULL &&
	                    (*data != SMFIC_BODYEOB || has_data)))
		return FILTER_DROP;
	if (!macros_are_whole(data + 1, len - 1))
		return FILTER_WRONG_MACROS;
	/* The gate adds its own macro to those of CONNECT. */
	return len > 1 || *data == SMFIC_CONNECT ? FILTER_PASS : FILTER_DROP;
}

/* Name NUL family and, unless that is unknown: port, address NUL. */
static bool
connect_is_whole(const char *data, size_t len)
{
	const char *nul = len > 0 ? memchr(data, '\0', len) : NULL;
	size_t rest = nul == NULL ? 0 : len - (size_t)(nul + 1 - data);

	if (rest == 0)
		return false;
	return nul[1] == SMFIA_UNKNOWN || (rest > 4 && data[len - 1] == '\0');
}

static bool
is_string(const char *data, size_t len)
{
	return len > 0 && data[len - 1] == '\0';
}

/* Name NUL value NUL. */
static bool
header_is_whole(const char *data, size_t len)
{
	return is_string(data, len) && *data != '\0' && strlen(data) < len - 1;
}

static bool
is_read(const struct gate *gate, const char *name)
{
	if (gate->headers == NULL)
		return true;
	for (const char *const *wanted = gate->headers; *wanted != NULL; wanted++)
		if (strncasecmp(name, *wanted, strlen(*wanted)) == 0)
			return true;
	return false;
}

static enum filter_verdict
judge(bool is_whole)
{
	return is_whole ? FILTER_PASS : FILTER_WRONG;
}

enum filter_verdict
filter_frame(const struct gate *gate, const struct conn *conn, char cmd,
    const char *data, size_t len)
{
	switch (cmd) {
	case SMFIC_MACRO:
		return macros(conn, data, len);
	case SMFIC_CONNECT:
		return judge(connect_is_whole(data, len));
	case SMFIC_HELO:
	case SMFIC_MAIL:
	case SMFIC_RCPT:
		return judge(is_string(data, len));
	case SMFIC_HEADER:
		if (!header_is_whole(data, len))
			return FILTER_WRONG;
		return is_read(gate, data) ||
		               answer_is_due(conn->back.no_reply, cmd)
		           ? FILTER_PASS
		           : FILTER_DROP;
	case SMFIC_ABORT:
		/* Outside a transaction there is nothing to abort. */
		return conn->back.mail == MAIL_NONE ? FILTER_DROP : FILTER_PASS;
	case SMFIC_OPTNEG:
		return judge(len >= NEGOTIATION_SIZE);
	case SMFIC_DATA:
	case SMFIC_EOH:
	case SMFIC_BODY:
	case SMFIC_BODYEOB:
	case SMFIC_QUIT:
	case SMFIC_QUIT_NC:
	case SMFIC_UNKNOWN:
		return FILTER_PASS;
	default:
		return FILTER_WRONG;
	}
}
