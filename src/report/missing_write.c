/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "report/missing_private.h"

/* By their bits. */
static const char *const sign_names[SIGNS] = {"server's name", "SPF pass",
    "own HELO", "known domain", "kept trying", "known address"};

static const char *
signs_text(unsigned signs, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned i = SIGNS; i-- > 0;) {
		if (signs & 1U << i)
			used += (size_t)snprintf(buf + used, size - used, "%s%s",
			    used == 0 ? "" : ", ", sign_names[i]);
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

static void
write_signs(const struct missing *missing, struct doc *doc)
{
	static const struct column columns[] = {
	    {"which", "Strongest sign", 0, false},
	    {"count", "Messages", 0, false},
	};
	struct chart chart = {.kind = CHART_BARS,
	    .title = "Mail that stayed away, by its strongest sign of good mail",
	    .label = 0,
	    .values = {1},
	    .values_count = 1,
	    .skips_zero = true};
	size_t count = missing_count(missing);

	if (count == 0)
		return;
	doc_section(doc, "lost_signs", "Signs of good mail on what stayed away");
	doc_table(doc, columns, sizeof columns / sizeof *columns);
	for (unsigned i = SIGNS; i-- > 0;) {
		if (missing->away[i] > 0)
			doc_row(doc, (struct cell[]){cell_text(sign_names[i]),
			                 cell_count(missing->away[i])});
	}
	snprintf(chart.alternative, sizeof chart.alternative,
	    "%zu messages stayed away with a sign of good mail, %zu of them from a "
	    "known address.",
	    count, missing->away[SIGNS - 1]);
	doc_chart(doc, &chart);
}

bool
missing_write(struct missing *missing, int64_t since, struct doc *doc)
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
	size_t likely = missing_count(missing);

	doc_section(doc, "lost", "Mail that may be lost");
	doc_front(doc);
	if (since != 0)
		doc_fact(doc, "since", "Visits since", cell_time(since));
	doc_detail(doc, "may_be_lost", "Stayed away with a sign of good mail",
	    cell_count(likely));
	doc_detail(doc, "without_sign", "Stayed away without one",
	    cell_count(missing->away[SIGNS]));
	doc_detail(doc, "may_come_back", "Came recently, may come back",
	    cell_count(missing_pending(missing)));
	doc_table(doc, columns, sizeof columns / sizeof *columns);
	for (size_t i = 0; i < missing->chosen_count; i++)
		write_mail(missing->chosen[i], missing->until, doc);
	if (missing->chosen_count < missing->undelivered)
		doc_say(doc,
		    "%zu more are not shown; targreyctl lost --limit 0 shows all.",
		    missing->undelivered - missing->chosen_count);
	if (missing->unwatched > 0)
		doc_say(doc,
		    "%zu visits were left out: too many messages in that time.",
		    missing->unwatched);
	if (likely == 0)
		doc_say(doc, "No mail with a sign of good mail has stayed away.");
	if (missing->chosen_count > 0)
		doc_say(doc,
		    "The likeliest good mail comes first. Spammers with a server "
		    "of "
		    "their own may show the same signs; what shows none cannot be "
		    "told from bots. explain --sid says why a visit was delayed; "
		    "a client that you know belongs in allow.d.");
	write_signs(missing, doc);
	return !missing->failed;
}
