/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <strings.h>

#include "report/missing_private.h"

static bool
is(const struct event_view *view, enum session_key key, const char *word)
{
	return strcmp(view_word(view, key), word) == 0;
}

uint64_t
missing_words(void)
{
	static const enum session_key keys[] = {SK_SID, SK_VERDICT, SK_WHY, SK_RDNS,
	    SK_S25R, SK_PASSED, SK_HAM, SK_SPAM, SK_ORG_HAM, SK_ORG_SPAM, SK_HELO,
	    SK_HELO_DNS, SK_FROM, SK_SPF};
	uint64_t words = 0;

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		words |= UINT64_C(1) << keys[i];
	return words;
}

/*
 * The organisation counts only when SPF named it: that of a line's name is the
 * provider, with all its customers.
 */
static bool
has_sent_more_spam(const struct event_view *view)
{
	return view_number(view, SK_SPAM) > view_number(view, SK_HAM) ||
	       (view->event->spf_domain != NULL &&
	           view_number(view, SK_ORG_SPAM) > view_number(view, SK_ORG_HAM));
}

/* One that leads to the client; the name of its line any bot can say. */
static bool
has_own_helo(const struct event_view *view)
{
	const char *name = view->event->name, *helo = view->event->heloname;

	return is(view, SK_HELO, "fqdn") && is(view, SK_HELO_DNS, "match") &&
	       helo != NULL && (name == NULL || strcasecmp(helo, name) != 0);
}

static bool
has_server_name(const struct event_view *view)
{
	return is(view, SK_RDNS, "pass") && is(view, SK_S25R, "none") &&
	       !is(view, SK_WHY, "record") && !is(view, SK_WHY, "dnsbl");
}

bool
missing_sender_counts(const struct event_view *view)
{
	if (view->event->sender[0] == '\0' || has_sent_more_spam(view))
		return false;
	return is(view, SK_SPF, "pass")
	           ? view->event->spf_domain != NULL
	           : !is(view, SK_FROM, "ours") && !is(view, SK_FROM, "self") &&
	                 !is(view, SK_SPF, "fail") &&
	                 !is(view, SK_SPF, "softfail") &&
	                 !is(view, SK_SPF, "neutral");
}

unsigned
missing_signs_of(const struct event_view *view)
{
	unsigned signs = 0;

	if (has_sent_more_spam(view))
		return 0;
	if (has_server_name(view))
		signs |= SIGN_NAME;
	if (view->event->spf_domain != NULL)
		signs |= SIGN_SPF;
	if (has_own_helo(view))
		signs |= SIGN_HELO;
	if (view_number(view, SK_PASSED) > 0 || view_number(view, SK_HAM) > 0)
		signs |= SIGN_ADDRESS;
	return signs;
}
