/* SPDX-License-Identifier: BSD-2-Clause */
#include "maillog/study.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "maillog/study_private.h"

static void count_accept(void *ctx, const struct accepted_mail *mail);

struct logstudy *
logstudy_new(const struct study_settings *settings)
{
	struct logstudy *study = calloc(1, sizeof *study);

	if (study == NULL)
		return NULL;
	study->settings = *settings;
	study->delivering = tally_new(8192);
	bool ok = study->delivering != NULL;
	ok = log_clients_init(&study->clients) && ok;
	ok = log_clients_init(&study->names) && ok;
	ok = log_retries_init(&study->retries) && ok;
	ok = accepted_init(&study->accepted, count_accept, study) && ok;
	if (!ok)
		logstudy_free(&study);
	return study;
}

void
logstudy_free(struct logstudy **study)
{
	if (*study == NULL)
		return;
	tally_free(&(*study)->delivering);
	log_clients_clear(&(*study)->clients);
	log_clients_clear(&(*study)->names);
	log_retries_clear(&(*study)->retries);
	accepted_clear(&(*study)->accepted);
	free(*study);
	*study = NULL;
}

/* What the rules and then the lists say of a client. */
static void
judge_client(const struct logstudy *study, struct log_client *client,
    const struct ip *ip, const char *name)
{
	struct s25r_fact fact = s25r_match(study->settings.s25r, name, false);
	const struct list *allow = study->settings.allow;
	bool matches = fact.state == S25R_MATCH;

	client->is_let_off =
	    matches && allow != NULL && list_match_client(allow, ip, name, NULL);
	client->is_suspect = matches && !client->is_let_off;
	client->is_unknown = name == NULL;
	snprintf(client->rule, sizeof client->rule, "%s",
	    fact.rule == NULL ? "" : fact.rule->id);
}

static struct log_client *
client_of(struct logstudy *study, const struct ip *ip, const char *name,
    struct log_client **by_name_r)
{
	struct log_client *client;
	bool is_new, is_named = strcmp(name, "unknown") != 0;

	*by_name_r = NULL;
	client =
	    log_clients_find(&study->clients, ip->bytes, sizeof ip->bytes, &is_new);
	if (client == NULL)
		return NULL;
	if (is_new || (client->is_unknown && is_named))
		judge_client(study, client, ip, is_named ? name : NULL);
	if (is_named)
		*by_name_r =
		    log_clients_find(&study->names, name, strlen(name), &is_new);
	if (*by_name_r != NULL && is_new)
		judge_client(study, *by_name_r, ip, name);
	return client;
}

static void
count_accept(void *ctx, const struct accepted_mail *mail)
{
	struct logstudy *study = ctx;
	struct log_client *by_name;
	struct log_client *client =
	    client_of(study, &mail->ip, mail->name, &by_name);
	char ip[IP_TEXT_SIZE];

	if (client == NULL)
		return;
	client->accepted++;
	if (by_name != NULL)
		by_name->accepted++;
	study->mails++;
	log_retries_accept(&study->retries, &mail->ip, mail->time);
	study->mails_let_off += client->is_let_off;
	if (!client->is_suspect)
		return;
	study->mails_of_suspects++;
	struct tally_row *row = tally_add(study->delivering,
	    client->is_unknown ? ip_to_text(&mail->ip, ip) : mail->name, 1,
	    mail->time);
	if (row != NULL && *client->rule >= '0' && *client->rule <= '6')
		row->count[0] = (uint64_t)(*client->rule - '0') + 1;
}

static void
count_refusal(struct logstudy *study, const struct log_line *line,
    struct log_client *client, struct log_client *by_name)
{
	client->refused++;
	if (by_name != NULL)
		by_name->refused++;
	study->refused_at_end += line->is_end;
	if (line->code < 400 || line->code >= 500) {
		study->refused_for_good++;
		return;
	}
	study->refused_for_now++;
	if (line->has_mail)
		log_retries_refuse(&study->retries, line, client->is_suspect);
}

/* Counts a line about one client. */
static void
count_client(struct logstudy *study, const struct log_line *line)
{
	char name[256];
	struct log_client *client, *by_name;

	if (ipnet_find(study->settings.exempt, study->settings.exempt_count,
	        &line->ip) != NULL) {
		study->exempt++;
		return;
	}
	if (line->is_user) {
		study->users++;
		return;
	}
	text_copy(name, sizeof name, line->name);
	text_lower(name);
	if (line->kind == LOG_ACCEPT)
		accepted_add(&study->accepted, line);
	client = client_of(study, &line->ip, name, &by_name);
	if (client == NULL)
		return;
	if (line->kind == LOG_REFUSE)
		count_refusal(study, line, client, by_name);
	else if (line->kind == LOG_WARNING)
		study->warned++;
}

/* A refusal by cleanup: the mail that it refuses tells the client. */
static void
count_end(struct logstudy *study, struct log_line *line)
{
	struct accepted_mail mail;

	if (accepted_refuse(&study->accepted, line, &mail)) {
		struct log_line whole = *line;
		whole.ip = mail.ip;
		whole.name = mail.name;
		whole.has_ip = true;
		count_client(study, &whole);
	} else if (line->has_ip) {
		count_client(study, line);
	} else {
		study->other++;
	}
}

static void
count_line(struct logstudy *study, struct log_line *line)
{
	switch (line->kind) {
	case LOG_BROKEN:
		break;
	case LOG_OTHER:
	case LOG_VERDICT:
	case LOG_NO_RESULT:
	case LOG_DOUBTFUL:
		study->other++;
		break;
	case LOG_MESSAGE:
		study->has_messages = true;
		accepted_content(&study->accepted, line);
		study->other++;
		break;
	case LOG_QUEUED:
		accepted_confirm(&study->accepted, line);
		study->other++;
		break;
	case LOG_LEFT:
		study->given_up +=
		    accepted_leave(&study->accepted, line, study->has_messages);
		count_client(study, line);
		break;
	case LOG_REFUSE:
		if (line->is_end)
			count_end(study, line);
		else
			count_client(study, line);
		break;
	case LOG_CONNECT:
	case LOG_ACCEPT:
	case LOG_WARNING:
		count_client(study, line);
		break;
	}
}

void
logstudy_line(struct logstudy *study, char *text, int64_t now_s)
{
	struct log_envelope envelope;
	char copy[200];

	unread_keep(&study->unread, text, copy);
	struct log_line line = maillog_parse(&study->clock, &envelope, text, now_s);
	unread_count(&study->unread, &line, copy);
	count_line(study, &line);
	/* journalctl's remarks have no time */
	if (line.kind != LOG_BROKEN && line.time != 0) {
		if (study->first == 0 || line.time < study->first)
			study->first = line.time;
		if (line.time > study->last)
			study->last = line.time;
	}
	envelope_clear(&envelope);
}

void
logstudy_too_long(struct logstudy *study)
{
	study->unread.lines++;
	study->too_long++;
}

void
logstudy_end(struct logstudy *study)
{
	accepted_end(&study->accepted);
}

struct log_share
logstudy_share(const struct logstudy *study, enum log_group group, bool by_name)
{
	return log_clients_share(by_name ? &study->names : &study->clients, group);
}
