/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints which share of known mail servers and of known end-user lines become
 * suspects by conf/s25r.rules, with and without conf/allow.d.
 *
 *   s25r-share [-v] [DATA [RULES [ALLOW]]]
 *
 * DATA   a folder with names/ and mail/index.tsv; ../shared/data beside the
 *        checkout by default. Without it nothing is measured, which is said.
 * ALLOW  a shell pattern of allow lists
 * -v     also the mail servers that still are suspects
 *
 * One figure a line: NAME, TAB, VALUE, TAB, UNIT.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lists/list.h"
#include "lists/s25r.h"

#define DOMAINS_MAX 4096
#define FIELDS_MAX  16

static struct s25r *rules;
static struct list *allow;
static bool verbose;

/* How often, and how often a suspect without and with the allow lists. */
struct share {
	double all, bare, listed;
};

static void
count(struct share *share, const char *ip_text, const char *name, double weight)
{
	struct ip ip = {{0}};
	bool hit = s25r_match(rules, name, false).state == S25R_MATCH;

	if (ip_text != NULL)
		ip_from_text(ip_text, &ip);
	share->all += weight;
	share->bare += hit ? weight : 0;
	share->listed +=
	    hit && !list_match_client(allow, &ip, name, NULL) ? weight : 0;
}

static void
print(const char *name, const struct share *share)
{
	double all = share->all > 0 ? share->all / 100 : 1;

	printf("%s\t%.0f\tcount\n", name, share->all);
	printf(
	    "%s suspects, rules alone\t%.1f\tpercent\n", name, share->bare / all);
	printf("%s suspects, with allow lists\t%.1f\tpercent\n", name,
	    share->listed / all);
}

static FILE *
open_data(const char *folder, const char *file)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", folder, file);
	FILE *opened = fopen(path, "r");
	if (opened == NULL)
		fprintf(stderr,
		    "SKIPPED: %s is not here; these figures are missing\n", path);
	return opened;
}

/* Splits at TABs, in place; returns how many fields there are. */
static size_t
split(char *line, char *fields[static FIELDS_MAX])
{
	size_t used = 0;

	line[strcspn(line, "\n")] = '\0';
	while (used < FIELDS_MAX) {
		fields[used++] = line;
		line = strchr(line, '\t');
		if (line == NULL)
			break;
		*line++ = '\0';
	}
	return used;
}

/* The registered domain, by the usual shape of names: good enough for a mean. */
static const char *
registered(const char *name)
{
	const char *dots[3] = {NULL, NULL, NULL};
	static const char *const second[] = {"co.", "ac.", "ne.", "or.", "go.",
	    "com.", "net.", "org.", "edu.", "gov.", "gob.", "mil."};

	for (const char *dot = strchr(name, '.'); dot != NULL;
	     dot = strchr(dot + 1, '.')) {
		dots[2] = dots[1];
		dots[1] = dots[0];
		dots[0] = dot;
	}
	if (dots[1] == NULL)
		return name;
	bool country = strlen(dots[0]) == 3;
	for (size_t i = 0; country && i < sizeof second / sizeof *second; i++) {
		if (strncmp(dots[1] + 1, second[i], strlen(second[i])) == 0)
			return dots[2] == NULL ? name : dots[2] + 1;
	}
	return dots[1] + 1;
}

static struct domain {
	char name[256];
	struct share share;
} domains[DOMAINS_MAX];
static size_t domains_count;

static struct share *
domain_share(const char *name)
{
	const char *domain = registered(name);

	for (size_t i = 0; i < domains_count; i++) {
		if (strcmp(domains[i].name, domain) == 0)
			return &domains[i].share;
	}
	if (domains_count == DOMAINS_MAX)
		return &domains[DOMAINS_MAX - 1].share;
	snprintf(domains[domains_count].name, sizeof domains[0].name, "%s", domain);
	return &domains[domains_count++].share;
}

static void
measure_servers(const char *data)
{
	FILE *file = open_data(data, "names/mailservers.txt");
	char line[1024], *fields[FIELDS_MAX];
	struct share names = {0}, mails = {0}, means = {0};

	if (file == NULL)
		return;
	while (fgets(line, sizeof line, file) != NULL) {
		size_t used = split(line, fields);
		double times = used > 1 ? atof(fields[1]) : 1,
		       before = names.listed;
		count(&names, NULL, fields[0], 1);
		count(&mails, NULL, fields[0], times);
		count(domain_share(fields[0]), NULL, fields[0], 1);
		if (verbose && names.listed > before)
			fprintf(stderr, "still a suspect\t%.0f\t%s\n", times,
			    fields[0]);
	}
	fclose(file);
	for (size_t i = 0; i < domains_count; i++) {
		const struct share *one = &domains[i].share;
		means.all += 1;
		means.bare += one->bare / one->all;
		means.listed += one->listed / one->all;
	}
	print("mail servers by name", &names);
	print("mail servers by deliveries", &mails);
	print("mail servers, mean of domains", &means);
}

static void
measure_names(const char *data, const char *path, const char *title)
{
	FILE *file = open_data(data, path);
	char line[1024], *fields[FIELDS_MAX];
	struct share share = {0};

	if (file == NULL)
		return;
	while (fgets(line, sizeof line, file) != NULL) {
		split(line, fields);
		if (fields[0][0] != '\0' && fields[0][0] != '#')
			count(&share, NULL, fields[0], 1);
	}
	fclose(file);
	print(title, &share);
}

static void
measure_maillog(const char *data)
{
	FILE *file = open_data(data, "names/maillog_clients.txt");
	char line[1024], *fields[FIELDS_MAX];
	struct share accepted = {0}, refused = {0};

	if (file == NULL)
		return;
	while (fgets(line, sizeof line, file) != NULL) {
		if (split(line, fields) < 2)
			continue;
		const char *name =
		    strcmp(fields[0], "unknown") == 0 ? NULL : fields[0];
		if (strstr(fields[1], "accept:") != NULL)
			count(&accepted, NULL, name, 1);
		else if (strstr(fields[1], "reject:") != NULL)
			count(&refused, NULL, name, 1);
	}
	fclose(file);
	print("log of 2007, clients accepted", &accepted);
	print("log of 2007, clients only refused", &refused);
}

static void
measure_mail(const char *data)
{
	/* columns of index.tsv */
	enum { LABEL = 1, IP = 2, RDNS = 3, STATE = 8, SOURCE = 13 };
	static const struct {
		const char *label, *source, *title;
	} groups[] = {
	    {"spam", "", "mail: spam"},
	    {"ham", "", "mail: ham"},
	    {"ham", "spamassassin", "mail: ham of 2001-2002"},
	    {"ham", "list", "mail: ham of lists, 2019-2026"},
	};
	struct share shares[4] = {{0, 0, 0}};
	FILE *file = open_data(data, "mail/index.tsv");
	char line[4096], *fields[FIELDS_MAX];

	if (file == NULL)
		return;
	while (fgets(line, sizeof line, file) != NULL) {
		if (split(line, fields) <= SOURCE)
			continue;
		const char *name =
		    strcmp(fields[STATE], "ok") == 0 ? fields[RDNS] : NULL;
		for (size_t i = 0; i < 4; i++) {
			if (strcmp(fields[LABEL], groups[i].label) == 0 &&
			    strncmp(fields[SOURCE], groups[i].source,
			        strlen(groups[i].source)) == 0)
				count(&shares[i], fields[IP], name, 1);
		}
	}
	fclose(file);
	for (size_t i = 0; i < 4; i++)
		print(groups[i].title, &shares[i]);
}

int
main(int argc, char **argv)
{
	struct error error;

	if (argc > 1 && strcmp(argv[1], "-v") == 0) {
		verbose = true;
		argv++;
		argc--;
	}
	const char *data = argc > 1 ? argv[1] : SOURCE_FOLDER "/../shared/data";
	const char *patterns[] = {
	    argc > 3 ? argv[3] : SOURCE_FOLDER "/conf/allow.d/*"};
	rules = s25r_load(
	    argc > 2 ? argv[2] : SOURCE_FOLDER "/conf/s25r.rules", &error);
	allow = rules == NULL ? NULL : list_load(patterns, 1, &error);
	if (allow == NULL) {
		fprintf(stderr, "s25r-share: %s\n", error.text);
		s25r_free(&rules);
		return 1;
	}
	measure_servers(data);
	measure_names(data, "names/enduser.txt", "end-user lines");
	measure_names(data, "names/dynamic_2004.txt", "dynamic names of 2004");
	measure_maillog(data);
	measure_mail(data);
	list_free(&allow);
	s25r_free(&rules);
	return 0;
}
