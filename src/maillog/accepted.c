/* SPDX-License-Identifier: BSD-2-Clause */
#include "maillog/accepted.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/text.h"

#define SETS      16384
#define WAYS      4
#define PROCESSES 4096
/* The log lines about one mail are at most this far apart. */
#define LONGEST_S 3600

struct accepted_process {
	unsigned long pid;
	uint64_t key; /* of its latest mail */
};

bool
accepted_init(struct log_accepted *accepted,
    void (*confirm)(void *ctx, const struct accepted_mail *mail), void *ctx)
{
	*accepted = (struct log_accepted){.confirm = confirm, .ctx = ctx};
	if (getrandom(accepted->secret, sizeof accepted->secret, 0) < 0)
		accepted->secret[0] = 1;
	accepted->table = calloc(SETS * WAYS, sizeof *accepted->table);
	accepted->processes = calloc(PROCESSES, sizeof *accepted->processes);
	return accepted->table != NULL && accepted->processes != NULL;
}

void
accepted_clear(struct log_accepted *accepted)
{
	free(accepted->table);
	free(accepted->processes);
	accepted->table = NULL;
	accepted->processes = NULL;
}

static bool
has_queue_id(const struct log_line *line)
{
	return *line->queue_id != '\0' && strcmp(line->queue_id, "NOQUEUE") != 0;
}

static uint64_t
key_of(const struct log_accepted *accepted, const struct log_line *line)
{
	uint64_t key =
	    has_queue_id(line)
	        ? siphash(accepted->secret, line->queue_id, strlen(line->queue_id))
	        : siphash(accepted->secret, &line->pid, sizeof line->pid);

	return key + (key == 0);
}

static struct accepted_process *
process_of(struct log_accepted *accepted, unsigned long pid)
{
	return &accepted->processes[pid % PROCESSES];
}

static struct accepted_mail *
find(struct log_accepted *accepted, uint64_t key, int64_t time)
{
	struct accepted_mail *set = accepted->table + key % SETS * WAYS;

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].key == key && time - set[i].time <= LONGEST_S)
			return &set[i];
	}
	return NULL;
}

static void
confirm(struct log_accepted *accepted, struct accepted_mail *mail)
{
	if (mail->key != 0)
		accepted->confirm(accepted->ctx, mail);
	mail->key = 0;
}

void
accepted_add(struct log_accepted *accepted, const struct log_line *line)
{
	uint64_t key = key_of(accepted, line);
	struct accepted_mail *set = accepted->table + key % SETS * WAYS;
	struct accepted_mail *place = set;

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].key == key || set[i].key == 0) {
			place = &set[i];
			break;
		}
		if (set[i].time < place->time)
			place = &set[i];
	}
	confirm(accepted, place);
	*place =
	    (struct accepted_mail){.key = key, .time = line->time, .ip = line->ip};
	text_copy(place->name, sizeof place->name, line->name);
	text_lower(place->name);
	*process_of(accepted, line->pid) =
	    (struct accepted_process){.pid = line->pid, .key = key};
}

void
accepted_content(struct log_accepted *accepted, const struct log_line *line)
{
	struct accepted_mail *mail =
	    find(accepted, key_of(accepted, line), line->time);

	if (mail != NULL)
		mail->has_content = true;
}

void
accepted_confirm(struct log_accepted *accepted, const struct log_line *line)
{
	struct accepted_mail *mail =
	    find(accepted, key_of(accepted, line), line->time);

	if (mail != NULL)
		confirm(accepted, mail);
}

bool
accepted_refuse(struct log_accepted *accepted, const struct log_line *line,
    struct accepted_mail *mail_r)
{
	struct accepted_mail *mail =
	    find(accepted, key_of(accepted, line), line->time);

	if (mail == NULL)
		return false;
	*mail_r = *mail;
	mail->key = 0;
	return true;
}

bool
accepted_leave(
    struct log_accepted *accepted, const struct log_line *line, bool has_messages)
{
	struct accepted_process *process = process_of(accepted, line->pid);

	if (line->pid == 0 || process->pid != line->pid)
		return false;
	struct accepted_mail *mail = find(accepted, process->key, line->time);
	process->pid = 0;
	if (mail == NULL || !ip_equal(&mail->ip, &line->ip) ||
	    (!line->is_end && (mail->has_content || !has_messages)))
		return false;
	mail->key = 0;
	return true;
}

void
accepted_end(struct log_accepted *accepted)
{
	for (unsigned i = 0; i < SETS * WAYS; i++)
		confirm(accepted, &accepted->table[i]);
}
