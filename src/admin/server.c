/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/server.h"

#define HOSTS_MOST 16

int
serve_pages(struct admin *admin, const char *name, const char *listen_at,
    const struct web_page *pages, void *ctx)
{
	const char *hosts[HOSTS_MOST + 1] = {NULL};
	const char *listen = args_value(admin, "listen");
	struct error error;

	if (args_nth(admin, "host", HOSTS_MOST) != NULL)
		return usage(admin, "--host: more than %d of them", HOSTS_MOST);
	for (int i = 0; i < HOSTS_MOST; i++)
		hosts[i] = args_nth(admin, "host", i);
	struct web_settings settings = {.name = name,
	    .listen = listen == NULL ? listen_at : listen,
	    .hosts = hosts,
	    .user_header = admin->config->user_header,
	    .pages = pages,
	    .ctx = ctx,
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
