/* SPDX-License-Identifier: BSD-2-Clause */
/* serve: the page of the admin; what it shows is in serve_pages.c. */
#include <stdlib.h>
#include <string.h>

#include "admin/serve.h"

#define LINE_WORDS 40

/*
 * "--name", "value" becomes "--name=value", so that no value is an option; one
 * without a value is left out. All behind "--" are words.
 */
static int
copy_line(const char *const *line, char *copy[static LINE_WORDS])
{
	bool words = false;
	int count = 0;

	for (; *line != NULL && count < LINE_WORDS; line++) {
		bool is_option = !words && line[0][2] != '\0' && line[1] != NULL;
		char *text = NULL;
		if (!is_option) {
			words = true;
			text = strdup(*line);
		} else if (*line[1] != '\0' &&
		           asprintf(&text, "%s=%s", line[0], line[1]) < 0) {
			text = NULL;
		}
		line += is_option;
		if (text != NULL)
			copy[count++] = text;
	}
	return count;
}

struct doc *
serve_command(struct serve *serve, const struct command *command,
    const char *const *line, bool is_change, char **said_r)
{
	const char *now = args_value(serve->admin, "now");
	const char *database = args_value(serve->admin, "database");
	const char *config = args_value(serve->admin, "config");
	const char *common[] = {"--now", now == NULL ? "" : now, "--database",
	    database == NULL ? "" : database, "--config",
	    config == NULL ? "" : config, NULL};
	struct admin *admin = calloc(1, sizeof *admin);
	char *words[2 * LINE_WORDS];
	struct doc *doc = NULL;
	size_t length = 0;
	struct error error;

	*said_r = NULL;
	if (admin == NULL)
		return NULL;
	*admin = (struct admin){.command = command,
	    .clock = serve->admin->clock,
	    .query = is_change ? NULL : serve->admin->query,
	    .out = serve->admin->out,
	    .err = open_memstream(said_r, &length),
	    .doc_r = &doc};
	int count = copy_line(common, words);
	count += copy_line(line, words + count);
	if (admin->err != NULL && !args_parse(admin, count, words, &error))
		usage(admin, "%s", error.text);
	else if (admin->err != NULL && command->run(admin) != EXIT_OK)
		doc_free(&doc);
	if (admin->err != NULL)
		fclose(admin->err);
	if (is_change)
		query_close(&admin->query);
	/* explain takes its configuration apart: each command reads its own */
	config_free(&admin->config);
	for (int i = 0; i < count; i++)
		free(words[i]);
	free(admin);
	return doc;
}

static const struct web_page pages[] = {
    {"/", false, "Today", "Today", serve_today},
    {"/find", false, "Search", "Search", serve_find},
    {"/explain", false, "Explain", "Explain", serve_explain},
    {"/lost", false, "Mail that may be lost", "Lost", serve_lost},
    {"/report", false, "Report", "Report", serve_report},
    {"/allow", true, NULL, NULL, serve_allow},
    {NULL, false, NULL, NULL, NULL},
};

#define HOSTS_MOST 16

static int
run(struct admin *admin)
{
	struct serve serve = {.admin = admin};
	const char *hosts[HOSTS_MOST + 1] = {NULL};
	const char *listen = args_value(admin, "listen");
	struct error error;

	if (admin_config(admin) == NULL || admin_query(admin, false) == NULL)
		return EXIT_FAILED;
	for (int i = 0; i < HOSTS_MOST; i++)
		hosts[i] = args_nth(admin, "host", i);
	struct web_settings settings = {.name = "targrey",
	    .listen = listen == NULL ? "127.0.0.1:8026" : listen,
	    .hosts = hosts,
	    .user_header = admin->config->user_header,
	    .pages = pages,
	    .ctx = &serve,
	    .log = admin->err};
	struct web *web = web_open(&settings, &error);
	if (web == NULL)
		return failed(admin, &error);
	fprintf(admin->out, "%s\n",
	    *web_url(web) == '\0' ? "ready for the proxy" : web_url(web));
	fflush(admin->out);
	web_run(web);
	web_close(&web);
	doc_free(&serve.today);
	doc_free(&serve.lost);
	return EXIT_OK;
}

static const struct option_row options[] = {
    {"listen", "WHERE",
        "ADDRESS:PORT, [ADDRESS]:PORT or unix:/path (127.0.0.1:8026)", NULL, false},
    {"host", "NAME", "also answer when called by this name (Host field)", NULL,
        true},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_serve = {
    .name = "serve",
    .args = "[--listen WHERE]",
    .help = "Serve a page: today at a glance, search, explain, report",
    .manual =
        "Prints the address to begin with; it holds a token, without which nothing "
        "is shown. The page works without script. It shows what status, report, "
        "find and explain say; a client or domain can be allowed by a button, "
        "which "
        "is written to standard error with the user's name.\n\n"
        "Behind a reverse proxy that checks passwords: a unix socket to which it "
        "alone may write, and review.user_header. Whoever is let in may see all "
        "and allow anybody. The proxy must hand on the Host field.",
    .options = options,
    .run = run,
};
