/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "report/missing_private.h"

static const char *
signs_text(unsigned signs, char *buf, size_t size)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {{SIGN_SPF, "SPF pass"}, {SIGN_DOMAIN, "known domain"},
	    {SIGN_ADDRESS, "known address"}, {SIGN_NAME, "verified name"},
	    {SIGN_CAME_BACK, "came back"}};
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (signs & names[i].bit)
			used += (size_t)snprintf(buf + used, size - used, "%s%s",
			    used == 0 ? "" : ", ", names[i].name);
	}
	return used == 0 ? "none" : buf;
}

static void
write_mail(const struct mail *mail, int64_t until, struct doc *doc)
{
	const struct names *names = mail->names;
	char signs[96];

	if (names == NULL)
		return;
	doc_row(doc, (struct cell[]){cell_text(mail->last > until ? "may come back"
	                                                          : "stayed away"),
	                 cell_text(signs_text(mail->signs, signs, sizeof signs)),
	                 cell_time(mail->first), cell_time(mail->last),
	                 cell_count(mail->attempts), cell_text(names->how),
	                 cell_text(names->ip),
	                 cell_text(*names->client != '\0' ? names->client : NULL),
	                 cell_text(*names->ptr != '\0' ? names->ptr : NULL),
	                 cell_text(names->sender), cell_text(names->recipients),
	                 cell_text(names->sid)});
}

bool
missing_write(struct missing *missing, int64_t until, struct doc *doc)
{
	static const struct column columns[] = {
	    {"state", "State", 0, false},
	    {"signs", "Signs of good mail", 0, false},
	    {"first", "First attempt", 0, true},
	    {"last", "Last attempt", 0, false},
	    {"attempts", "Attempts", 0, false},
	    {"how", "Ended by", 0, true},
	    {"ip", "Address", 0, false},
	    {"name", "Name", 0, false},
	    {"ptr", "Unverified name", 0, true},
	    {"sender", "Sender", 0, false},
	    {"recipients", "Recipients", 0, false},
	    {"sid", "sid", 0, false},
	};
	size_t away = 0;

	for (size_t i = 0; i < missing->undelivered; i++)
		away += missing->chosen[i]->last <= until;
	doc_section(doc, "lost", "Mail that may be lost");
	doc_fact(doc, "stayed_away", "Came, was delayed and stayed away",
	    cell_count(away));
	doc_fact(doc, "may_come_back", "Came lately, may come back",
	    cell_count(missing->undelivered - away));
	doc_table(doc, columns, sizeof columns / sizeof *columns);
	for (size_t i = 0; i < missing->chosen_count; i++)
		write_mail(missing->chosen[i], until, doc);
	if (missing->chosen_count < missing->undelivered)
		doc_say(doc, "%zu more are not shown; --limit 0 shows all.",
		    missing->undelivered - missing->chosen_count);
	if (missing->unwatched > 0)
		doc_say(doc,
		    "%zu visits were left out: too many mails in that time.",
		    missing->unwatched);
	doc_say(doc, "The likeliest good mail stands first; bots may show the same "
	             "signs. explain --sid tells why a visit was delayed; a client "
	             "that you know belongs into allow.d.");
	return !missing->failed;
}
