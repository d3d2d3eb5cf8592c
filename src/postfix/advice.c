/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/advice.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

/* Versions of the milter protocol before this one have no DATA event. */
#define PROTOCOL_WITH_DATA 4
/* The gate tells Postfix every two seconds that it is still there. */
#define TIMEOUT_LEAST_S 10

static void __attribute__((format(printf, 2, 3)))
say(struct postfix_advice *advice, const char *format, ...)
{
	va_list args;

	if (advice->count == POSTFIX_ADVICE_MAX)
		return;
	va_start(args, format);
	vsnprintf(advice->text[advice->count++], POSTFIX_ADVICE_SIZE, format, args);
	va_end(args);
}

static bool
is_covered(const struct ipnet *net, const struct postfix_asked *asked)
{
	for (size_t i = 0; i < asked->exempt_count; i++) {
		if (asked->exempt[i].prefix <= net->prefix &&
		    ipnet_has(&asked->exempt[i], &net->ip))
			return true;
	}
	return false;
}

static void
look_at_networks(const struct postfix_settings *settings,
    const struct postfix_asked *asked, struct postfix_advice *advice)
{
	char text[IPNET_TEXT_SIZE];

	for (size_t i = 0; i < settings->networks_count; i++) {
		if (is_covered(&settings->networks[i], asked))
			continue;
		say(advice,
		    "Postfix's mynetworks includes %s, exempt_networks does not: a "
		    "scanner or server there can be held and greylisted, and lose "
		    "its mail; add \"postfix:mynetworks\" to exempt_networks",
		    ipnet_to_text(&settings->networks[i], text));
		break;
	}
	if (*settings->unread != '\0')
		say(advice,
		    "Postfix's mynetworks has entries that only Postfix can read "
		    "(%s): add these networks to exempt_networks yourself",
		    settings->unread);
}

static void
look_at_milter(
    const struct postfix_settings *settings, struct postfix_advice *advice)
{
	int protocol = settings->milter_protocol,
	    timeout = settings->milter_command_timeout_s;

	if (protocol >= 0 && protocol < PROTOCOL_WITH_DATA)
		say(advice,
		    "Postfix is set to milter_protocol = %d, which has no DATA "
		    "event: greylisting waits for the whole message; remove that "
		    "line from main.cf (6 is the default) and run \"postfix "
		    "reload\"",
		    protocol);
	if (timeout >= 0 && timeout < TIMEOUT_LEAST_S)
		say(advice,
		    "Postfix is set to milter_command_timeout = %ds: where the "
		    "filter is busy for that long, mail goes by default_action, "
		    "with \"accept\" without the filter; remove that line from "
		    "main.cf (30s is the default) and run \"postfix reload\"",
		    timeout);
	if (settings->offers_chunking)
		say(advice,
		    "Postfix offers CHUNKING: a 450 to BDAT crashes the smtpd of "
		    "older releases (Debian 12's among them); set "
		    "smtpd_discard_ehlo_keywords = chunking, silent-discard");
}

void
postfix_advise(const struct postfix_settings *settings,
    const struct postfix_asked *asked, struct postfix_advice *advice_r)
{
	advice_r->count = 0;
	if (asked->lacks_networks)
		say(advice_r,
		    "postconf failed or took too long when the settings were read: "
		    "exempt_networks lacks what Postfix has in mynetworks, so a "
		    "scanner or server there can be held and greylisted; see what "
		    "postconf(1) says of mynetworks, then reload targrey");
	else if (settings != NULL)
		look_at_networks(settings, asked, advice_r);
	if (settings != NULL)
		look_at_milter(settings, advice_r);
	if (asked->process_limit > 0 &&
	    (int64_t)asked->max_sessions * 10 > (int64_t)asked->process_limit * 7)
		say(advice_r,
		    "tarpit.max_sessions is %u, more than 70%% of the %d smtpd "
		    "processes that Postfix may run; ordinary mail could find none "
		    "free: lower it, or raise default_process_limit",
		    asked->max_sessions, asked->process_limit);
}
