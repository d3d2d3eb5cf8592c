/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/cmd.h"
#include "report/missing.h"
#include "report/view.h"

static bool
add(void *ctx, const struct event *event)
{
	struct event_view view = view_of(event);

	missing_add(ctx, &view);
	return true;
}

static bool
name(void *ctx, const struct event *event)
{
	struct event_view view = view_of(event);

	missing_name(ctx, &view);
	return true;
}

static bool
name_all(struct query *query, struct missing *missing, struct error *error)
{
	struct event_filter one = {.words = missing_words()};
	bool ok = true;

	for (size_t i = 0; ok && (one.id = missing_wants(missing, i)) != 0; i++)
		ok = query_events(query, &one, name, missing, error);
	return ok;
}

/* The doc; NULL with the reason in error. */
static struct doc *
find_lost(struct query *query, const struct event_filter *filter, size_t limit,
    bool only_likely, int64_t until, struct error *error)
{
	struct missing *missing = missing_new();
	struct doc *doc = missing == NULL ? NULL : doc_new("targrey lost");

	error_set(error, "out of memory");
	if (doc != NULL) {
		bool ok = query_events(query, filter, add, missing, error);
		if (ok) {
			missing_choose(missing, limit, only_likely, until);
			ok = name_all(query, missing, error);
		}
		if (ok && !missing_write(missing, filter->since, doc)) {
			error_set(error, "out of memory");
			ok = false;
		}
		if (!ok)
			doc_free(&doc);
	}
	missing_free(&missing);
	return doc;
}

static int
run(struct admin *admin)
{
	struct event_filter filter = {.since = admin_now(admin) - 7 * 86400,
	    .until = admin_now(admin),
	    .sender = args_value(admin, "from"),
	    .recipient = args_value(admin, "to"),
	    .words = missing_words()};
	size_t limit = 100;
	struct error error;

	if (!args_time(admin, "since", &filter.since) ||
	    !args_time(admin, "until", &filter.until) ||
	    !args_count(admin, "limit", &limit))
		return EXIT_USAGE;
	if (filter.until < filter.since)
		return usage(admin, "--until is before --since");
	const struct config *config = admin_config(admin);
	struct query *query = config == NULL ? NULL : admin_query(admin, false);
	if (query == NULL)
		return EXIT_FAILED;
	int64_t until = filter.until - config->policy.retry_window_s;
	struct doc *doc = find_lost(query, &filter, limit,
	    args_value(admin, "likely") != NULL, until, &error);
	return doc == NULL ? failed(admin, &error) : admin_write(admin, &doc);
}

static const struct option_row options[] = {
    {"since", "TIME", "visits since then (7d ago)", NULL, false},
    {"until", "TIME", "visits until then (now)", NULL, false},
    {"from", "PART", "part of the sender", NULL, false},
    {"to", "PART", "part of a recipient", NULL, false},
    {"limit", "COUNT", "at most this many mails (100; 0 = all)", NULL, false},
    {"likely", NULL, "only mail with a sign of good mail", NULL, false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_lost = {
    .name = "lost",
    .args = "[--since TIME] [--to PART] [OPTION...]",
    .help = "List mail that came, was delayed and never got through",
    .manual =
        "Mail of suspects that were held or greylisted and that was not let "
        "through afterwards either, by sender and first recipient, the "
        "likeliest good mail first. \"May be lost\", in report and serve too, "
        "counts what stayed away with a sign of good mail.\n\n"
        "The signs, the strongest first. Known address: it has a success or "
        "ham on record. Kept trying: for an hour or longer, from whatever "
        "addresses. Known domain: mail of the sender's domain was let through "
        "in the same time, and not just because it waited a hold out. Own "
        "HELO: a host name that leads to the client and is not the name of its "
        "address. SPF pass: a narrow one, of sender or HELO. Server's name: a "
        "verified name that S25R does not match, unless it was the record or a "
        "DNS list that spoke.\n\n"
        "What bots show as well is no sign: the verified name of a line, a "
        "second attempt within the hour, a sender's address that is empty, "
        "that SPF does not vouch for though its domain has a record (fail, "
        "softfail, neutral, a pass that is not narrow) or that is of the "
        "recipient's domain without a narrow pass. A client whose address, or "
        "SPF domain, has more spam than ham on record shows none. Spammers "
        "with a server of their own do show signs, and mail without one may be "
        "good all the same: nothing tells it from that of bots.\n\n"
        "What came within greylist.retry_window may still come back. What "
        "Postfix itself, or a filter behind targrey, refused is not listed.",
    .options = options,
    .run = run,
};
