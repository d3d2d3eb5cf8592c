/* SPDX-License-Identifier: BSD-2-Clause */
/* allow and unallow. */
#include <string.h>

#include "admin/cmd.h"
#include "base/domain.h"
#include "base/text.h"

static bool
is_spf_domain(const char *text)
{
	return *text != '.' && strchr(text, '.') != NULL && domain_is_name(text);
}

static bool
change(struct admin *admin, struct query *query, const char *who, int64_t until,
    bool *found_r, struct error *error)
{
	char domain[256];
	struct ip ip;

	if (ip_from_text(who, &ip))
		return query_allow_address(
		    query, &ip, admin_now(admin), until, found_r, error);
	text_copy(domain, sizeof domain, who);
	text_lower(domain);
	return query_allow_domain(
	    query, domain, admin_now(admin), until, found_r, error);
}

static int
run_all(struct admin *admin, int64_t until)
{
	static const struct column columns[] = {
	    {"who", "Who", 0, false},
	    {"was_known", "Was on record", 0, false},
	    {"known_until", "Known until", 0, false},
	};
	struct error error;

	for (int i = 0; i < admin->words_count; i++) {
		char text[256];
		struct ip ip;
		text_copy(text, sizeof text, admin->words[i]);
		text_lower(text);
		if (!ip_from_text(text, &ip) && !is_spf_domain(text))
			return usage(admin,
			    "\"%.100s\" is neither an IP address nor an SPF domain "
			    "(networks and names belong in allow.d)",
			    admin->words[i]);
	}
	struct query *query = admin_query(admin, true);
	if (query == NULL)
		return EXIT_FAILED;
	struct doc *doc = doc_new(until == 0 ? "targrey unallow" : "targrey allow");
	if (doc == NULL)
		return admin_write(admin, &doc);
	doc_section(doc, "allowed", until == 0 ? "No longer allowed" : "Allowed");
	doc_table(doc, columns, 3);
	for (int i = 0; i < admin->words_count; i++) {
		bool found = false;
		if (!change(admin, query, admin->words[i], until, &found, &error)) {
			doc_free(&doc);
			return failed(admin, &error);
		}
		doc_row(doc, (struct cell[]){cell_text(admin->words[i]),
		                 cell_text(found ? "yes" : "no"),
		                 until == 0               ? cell_none()
		                 : until >= KNOWN_FOREVER ? cell_text("for ever")
		                                          : cell_time(until)});
	}
	return admin_write(admin, &doc);
}

static int
run_allow(struct admin *admin)
{
	const char *span = args_value(admin, "for");
	int64_t seconds;

	if (span == NULL)
		return run_all(admin, KNOWN_FOREVER);
	if (!text_duration(span, &seconds) || seconds == 0)
		return usage(admin,
		    "--for: \"%.60s\" is not allowed; allowed: a span such "
		    "as 12h, 30d",
		    span);
	return run_all(admin, admin_now(admin) + seconds);
}

static int
run_unallow(struct admin *admin)
{
	return run_all(admin, 0);
}

static const struct option_row options[] = {
    {"for", "SPAN", "for this long only (12h, 30d); else for ever", NULL, false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_allow = {
    .name = "allow",
    .args = "ADDRESS|DOMAIN... [--for SPAN]",
    .help = "Let an address, or an SPF domain, pass as known good",
    .manual =
        "An SPF domain counts only for mail that passes SPF for it narrowly. "
        "Networks, names and senders are let off by files in allow.d instead. The "
        "daemon sees the change within a second.",
    .options = options,
    .words_least = 1,
    .words_most = WORDS_MAX,
    .run = run_allow,
};

const struct command command_unallow = {
    .name = "unallow",
    .args = "ADDRESS|DOMAIN...",
    .help = "Undo allow, also for what became known by itself",
    .words_least = 1,
    .words_most = WORDS_MAX,
    .run = run_unallow,
};
