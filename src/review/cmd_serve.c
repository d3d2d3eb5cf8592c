/* SPDX-License-Identifier: BSD-2-Clause */
/* serve: the web pages, whose contents are in pages.c. */
#include "admin/server.h"
#include "review/pages.h"

#define SERVE_LISTEN "127.0.0.1:8025"

static const struct web_page pages[] = {
    {"/", false, "Mail", "Mail", page_list},
    {"/mail", false, "One message", NULL, page_mail},
    {"/log", false, "What was done", "What was done", page_log},
    {"/sure", false, "Are you sure?", NULL, page_sure},
    {"/act", true, NULL, NULL, page_act},
    {"/band", true, NULL, NULL, page_band},
    {"/undo", true, NULL, NULL, page_undo},
    {NULL, false, NULL, NULL, NULL},
};

static int
run_serve(struct admin *admin)
{
	int code = EXIT_OK;

	if (open_review(admin, &code) == NULL)
		return code;
	return serve_pages(admin, "targrey-review", SERVE_LISTEN, pages, admin);
}

static const struct option_row options[] = {SERVE_OPTIONS(SERVE_LISTEN)};

const struct command command_serve = {
    .name = "serve",
    .args = "[FOLDER...] [--listen WHERE]",
    .help = "Serve the list as a page, for a browser",
    .manual =
        "Prints the address to start from; it contains a token, without which "
        "nothing is shown. The page works without scripts, and shows only text."
        "\n\nFor many users: a reverse proxy that checks their passwords, a unix "
        "socket that only the proxy may write to, and review.user_header. The "
        "user's name replaces %u in review.folders, review.inbox and "
        "review.spam_folder; nobody sees what is not in their folders.",
    .options = options,
    .words_most = WORDS_MAX,
    .run = run_serve,
};
