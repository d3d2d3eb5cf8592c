/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every file that the daemon reads, from any octets. The first octet says which:
 * targrey.conf, an allow list, recipients, local rules, s25r.rules, main.cf and
 * master.cf. Then client text: HELO, sender, name.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "config/config.h"
#include "facts/helo.h"
#include "fuzz/fuzz.h"
#include "lists/list.h"
#include "lists/local.h"
#include "lists/s25r.h"
#include "postfix/process_limit.h"
#include "record/fold.h"

static char folder[] = "/dev/shm/targrey-fuzz-XXXXXX";

static void
write_file(
    const char *name, const uint8_t *data, size_t size, char path[static 300])
{
	snprintf(path, 300, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	if (file == NULL || fwrite(data, 1, size, file) != size ||
	    fclose(file) != 0)
		abort();
}

static void
drop_line(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

static void
remove_files(void)
{
	static const char *const names[] = {"conf", "clients", "recipients",
	    "local", "rules", "main.cf", "master.cf"};
	char path[300];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

static void
read_config(const uint8_t *data, size_t size)
{
	char path[300];
	struct error error;
	write_file("conf", data, size, path);
	struct config *config = config_load(path, &error);
	if (config == NULL)
		return;
	/* what was read can be written, and read again */
	char again[300], *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);
	config_dump(config, file);
	fclose(file);
	write_file("conf", (const uint8_t *)text, length, again);
	struct config *second = config_load(again, &error);
	demand(second != NULL, error.text, text);
	config_free(&second);
	config_free(&config);
	free(text);
}

static void
read_lists(const uint8_t *data, size_t size, const char *name)
{
	char path[300];
	const char *patterns[] = {path};
	struct ip ip = {{0}};
	write_file(name, data, size, path);
	struct list *list = list_load(patterns, 1, NULL);
	if (list == NULL)
		return;
	list_match_client(list, &ip, "mx1.example.com", NULL);
	list_match_recipient(list, "user+ext@example.com", NULL);
	list_match_sender(list, "user@example.com", NULL);
	list_free(&list);
}

static void
read_rules(const uint8_t *data, size_t size)
{
	char path[300];
	const char *patterns[] = {path};
	struct local_fact fact;
	write_file("local", data, size, path);
	struct local *local = local_load(patterns, 1, NULL);
	if (local != NULL)
		local_match(local,
		    &(struct local_subject){
		        NULL, "a.example", "b.example", "c", ""},
		    &fact);
	local_free(&local);
	write_file("rules", data, size, path);
	struct s25r *rules = s25r_load(path, NULL);
	if (rules != NULL)
		s25r_match(rules, "mx1-2.example.com", false);
	s25r_free(&rules);
}

static void
read_client_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), buf[FOLD_SIZE], twice[FOLD_SIZE];
	struct ip v4, v6;
	if (text == NULL)
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	ip_from_text("192.0.2.1", &v4);
	ip_from_text("2001:db8::1", &v6);
	const struct ours ours = {"mx.example.jp", NULL, 0, &v4};
	helo_classify(text, &ours);
	helo_has_address(text, &v4);
	helo_has_address(text, &v6);
	from_classify(text, text, &ours);
	recipient_fold(text, buf);
	sender_fold(text, buf);
	sender_fold(buf, twice);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	char path[300];

	if (!ready) {
		ready = mkdtemp(folder) != NULL && atexit(remove_files) == 0;
		log_to_sink(drop_line, NULL);
	}
	if (!ready || size == 0)
		return 0;
	switch (*data++ % 5) {
	case 0:
		read_config(data, size - 1);
		break;
	case 1:
		read_lists(data, size - 1, "clients");
		read_lists(data, size - 1, "recipients");
		break;
	case 2:
		read_rules(data, size - 1);
		break;
	case 3:
		write_file("main.cf", data, size - 1, path);
		write_file("master.cf", data, size - 1, path);
		postfix_process_limit(folder);
		break;
	default:
		read_client_text(data, size - 1);
	}
	return 0;
}
