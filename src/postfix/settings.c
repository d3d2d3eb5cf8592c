/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/settings.h"

#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/text.h"
#include "postfix/run_private.h"

#define SEPARATORS   ", \t\r\n"
#define NETWORKS_MAX 1024
#define PATH_SIZE    4096

const char *
postfix_config_folder(void)
{
	const char *folder = getenv("MAIL_CONFIG");

	return folder != NULL && *folder != '\0' ? folder : "/etc/postfix";
}

static void
add_unread(struct postfix_settings *settings, const char *word)
{
	size_t used = strlen(settings->unread);

	snprintf(settings->unread + used, sizeof settings->unread - used, "%s%s",
	    used > 0 ? ", " : "", word);
}

static bool
add_network(struct postfix_settings *settings, const struct ipnet *net)
{
	struct ipnet *more = NULL;

	if (settings->networks_count < NETWORKS_MAX)
		more = realloc(settings->networks,
		    (settings->networks_count + 1) * sizeof *more);
	if (more == NULL)
		return false;
	settings->networks = more;
	settings->networks[settings->networks_count++] = *net;
	return true;
}

/* "192.0.2.0/24", "[2001:db8::]/32", "[::ffff:127.0.0.0]/104", "[::1]" */
static bool
read_network(const char *word, struct ipnet *net_r)
{
	char text[64];
	size_t length = 0;

	if (strlen(word) >= sizeof text)
		return false;
	for (; *word != '\0'; word++) {
		if (*word != '[' && *word != ']')
			text[length++] = *word;
	}
	text[length] = '\0';
	return ipnet_from_text(text, net_r);
}

static void read_networks(
    struct postfix_settings *settings, char *text, bool may_name_files);

/* "/file": its lines are patterns as well (postconf(5), mynetworks). */
static void
read_file(struct postfix_settings *settings, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (file == NULL) {
		add_unread(settings, path);
		return;
	}
	while (getline(&line, &size, file) >= 0) {
		if (line[strspn(line, " \t")] != '#')
			read_networks(settings, line, false);
	}
	free(line);
	fclose(file);
}

static void
read_networks(struct postfix_settings *settings, char *text, bool may_name_files)
{
	char *rest = NULL;
	struct ipnet net;

	for (char *word = strtok_r(text, SEPARATORS, &rest); word != NULL;
	     word = strtok_r(NULL, SEPARATORS, &rest)) {
		if (*word == '/' && may_name_files)
			read_file(settings, word);
		else if (!read_network(word, &net) || !add_network(settings, &net))
			add_unread(settings, word);
	}
}

static bool
has_word(char *text, const char *wanted)
{
	char *rest = NULL;

	for (char *word = strtok_r(text, SEPARATORS, &rest); word != NULL;
	     word = strtok_r(NULL, SEPARATORS, &rest)) {
		if (strcasecmp(word, wanted) == 0)
			return true;
	}
	return false;
}

static void
take(struct postfix_settings *settings, const char *name, char *value)
{
	int64_t number;

	if (strcmp(name, "mynetworks") == 0) {
		read_networks(settings, value, true);
	} else if (strcmp(name, "milter_protocol") == 0) {
		if (text_integer(value, 0, 100, &number))
			settings->milter_protocol = (int)number;
	} else if (strcmp(name, "milter_command_timeout") == 0) {
		if (text_duration(value, &number))
			settings->milter_command_timeout_s = (int)number;
	} else if (strcmp(name, "smtpd_discard_ehlo_keywords") == 0) {
		settings->offers_chunking = !has_word(value, "chunking");
	}
}

struct postfix_settings *
postfix_settings_parse(const char *text)
{
	struct postfix_settings *settings = calloc(1, sizeof *settings);
	char *copy = text_dup(text), *rest = NULL;

	if (settings == NULL || copy == NULL) {
		free(settings);
		free(copy);
		return NULL;
	}
	settings->milter_protocol = settings->milter_command_timeout_s = -1;
	for (char *line = strtok_r(copy, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *equals = strchr(line, '=');
		if (equals == NULL)
			continue;
		*equals = '\0';
		take(settings, text_trim(line), text_trim(equals + 1));
	}
	free(copy);
	return settings;
}

static const char *const asked_names[] = {"mynetworks", "milter_protocol",
    "milter_command_timeout", "smtpd_discard_ehlo_keywords", NULL};

bool
postfix_settings_helper(const char *folder, struct error *error)
{
	return postconf_helper_start(folder, asked_names, error);
}

bool
postfix_is_here(const char *folder)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof path, "%s/main.cf", folder);
	return access(path, R_OK) == 0;
}

struct postfix_settings *
postfix_settings_read(const char *folder)
{
	struct postfix_settings *settings = NULL;

	if (!postfix_is_here(folder))
		return NULL;
	char *text = postconf_run(folder, asked_names);
	if (text != NULL)
		settings = postfix_settings_parse(text);
	free(text);
	return settings;
}

void
postfix_settings_free(struct postfix_settings **settings)
{
	if (*settings == NULL)
		return;
	free((*settings)->networks);
	free(*settings);
	*settings = NULL;
}

size_t
postfix_own_addresses(struct ipnet **addresses_r)
{
	struct ifaddrs *all = NULL;
	size_t count = 0, room = 0;

	*addresses_r = NULL;
	if (getifaddrs(&all) != 0)
		return 0;
	for (struct ifaddrs *one = all; one != NULL; one = one->ifa_next)
		room++;
	struct ipnet *found = calloc(room + 1, sizeof *found);
	for (struct ifaddrs *one = all; found != NULL && one != NULL;
	     one = one->ifa_next) {
		struct ip ip;
		if (one->ifa_addr != NULL && ip_from_sockaddr(one->ifa_addr, &ip))
			found[count++] = (struct ipnet){ip, 128};
	}
	freeifaddrs(all);
	*addresses_r = found;
	return count;
}
