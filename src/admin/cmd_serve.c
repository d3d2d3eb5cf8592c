/* SPDX-License-Identifier: BSD-2-Clause */
/* serve: the admin's web pages; their content is in serve_pages.c. */
#include "admin/serve.h"
#include "admin/server.h"

#define SERVE_LISTEN "127.0.0.1:8026"

static const struct web_page pages[] = {
    {"/", false, "Today", "Today", serve_today},
    {"/find", false, "Search", "Search", serve_find},
    {"/explain", false, "Explain", "Explain", serve_explain},
    {"/lost", false, "Mail that may be lost", "Lost", serve_lost},
    {"/report", false, "Report", "Report", serve_report},
    {"/allow", true, NULL, NULL, serve_allow},
    {NULL, false, NULL, NULL, NULL},
};

static int
run(struct admin *admin)
{
	struct serve serve = {.admin = admin};

	if (admin_config(admin) == NULL || admin_query(admin, false) == NULL)
		return EXIT_FAILED;
	int code = serve_pages(admin, "targrey", SERVE_LISTEN, pages, &serve);
	doc_free(&serve.today);
	doc_free(&serve.lost);
	return code;
}

static const struct option_row options[] = {SERVE_OPTIONS(SERVE_LISTEN)};

const struct command command_serve = {
    .name = "serve",
    .args = "[--listen WHERE]",
    .help = "Serve a page: today at a glance, search, explain, report",
    .manual =
        "Prints its address first; this contains a token, without which nothing is "
        "shown. The page works without script. It shows what status, report, "
        "find and explain say; a client or domain can be allowed by a button, "
        "which "
        "is written to standard error with the user's name.\n\n"
        "Behind a reverse proxy that checks passwords: a unix socket to which it "
        "alone may write, and review.user_header. Whoever is let in may see all "
        "and allow anybody. The proxy must hand on the Host field.",
    .options = options,
    .run = run,
};
