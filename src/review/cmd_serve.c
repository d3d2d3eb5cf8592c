/* SPDX-License-Identifier: BSD-2-Clause */
/* serve: the page; what it shows is in pages.c. */
#include <string.h>

#include "review/pages.h"
#include "web/web.h"

static const struct web_page pages[] = {
    {"/", false, "Mail", "Mail", page_list},
    {"/mail", false, "One mail", NULL, page_mail},
    {"/log", false, "What was done", "What was done", page_log},
    {"/sure", false, "Are you sure?", NULL, page_sure},
    {"/act", true, NULL, NULL, page_act},
    {"/band", true, NULL, NULL, page_band},
    {"/undo", true, NULL, NULL, page_undo},
    {NULL, false, NULL, NULL, NULL},
};

#define HOSTS_MOST 16

static int
run_serve(struct admin *admin)
{
	const char *hosts[HOSTS_MOST + 1] = {NULL};
	const char *listen = args_value(admin, "listen");
	struct error error;
	int code = EXIT_OK;

	struct review *review = open_review(admin, &code);
	if (review == NULL)
		return code;
	for (int i = 0; i < HOSTS_MOST; i++)
		hosts[i] = args_nth(admin, "host", i);
	struct web_settings settings = {.name = "targrey-review",
	    .listen = listen == NULL ? "127.0.0.1:8025" : listen,
	    .hosts = hosts,
	    .user_header = admin->config->user_header,
	    .pages = pages,
	    .ctx = admin,
	    .log = admin->err};
	struct web *web = web_open(&settings, &error);
	if (web == NULL)
		return failed(admin, &error);
	fprintf(admin->out, "%s\n",
	    *web_url(web) == '\0' ? "ready for the proxy" : web_url(web));
	fflush(admin->out);
	web_run(web);
	web_close(&web);
	return EXIT_OK;
}

static const struct option_row options[] = {
    {"listen", "WHERE",
        "ADDRESS:PORT, [ADDRESS]:PORT or unix:/path (127.0.0.1:8025)", NULL, false},
    {"host", "NAME", "also answer when called by this name (Host field)", NULL,
        true},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_serve = {
    .name = "serve",
    .args = "[FOLDER...] [--listen WHERE]",
    .help = "Serve the list as a page, for a browser",
    .manual =
        "Prints the address to begin with; it holds a token, without which nothing "
        "is shown. The page works without script, and shows text alone.\n\n"
        "For many users: a reverse proxy that checks their passwords, a unix "
        "socket "
        "to which it alone may write, and review.user_header. The user's name "
        "replaces %u in review.folders, review.inbox and review.spam_folder; "
        "nobody "
        "sees what is not in his folders.",
    .options = options,
    .words_most = WORDS_MAX,
    .run = run_serve,
};
