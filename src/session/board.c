/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/board.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#define NAME_LIMIT 64

struct board {
	pthread_mutex_t lock; /* guards everything below */
	struct board_hold *first;
	uint64_t faults[FAULTS], shed;
};

struct board *
board_new(void)
{
	struct board *board = calloc(1, sizeof *board);

	if (board != NULL)
		pthread_mutex_init(&board->lock, NULL);
	return board;
}

void
board_free(struct board **board_ptr)
{
	struct board *board = *board_ptr;

	if (board == NULL)
		return;
	*board_ptr = NULL;
	pthread_mutex_destroy(&board->lock);
	free(board);
}

void
board_hold_begin(struct board *board, struct board_hold *hold)
{
	if (board == NULL)
		return;
	pthread_mutex_lock(&board->lock);
	hold->previous = NULL;
	hold->next = board->first;
	if (hold->next != NULL)
		hold->next->previous = hold;
	board->first = hold;
	pthread_mutex_unlock(&board->lock);
}

void
board_hold_end(struct board *board, struct board_hold *hold)
{
	if (board == NULL)
		return;
	pthread_mutex_lock(&board->lock);
	if (hold->next != NULL)
		hold->next->previous = hold->previous;
	if (hold->previous != NULL)
		hold->previous->next = hold->next;
	else
		board->first = hold->next;
	pthread_mutex_unlock(&board->lock);
}

void
board_fault(struct board *board, enum fault fault)
{
	if (board == NULL)
		return;
	pthread_mutex_lock(&board->lock);
	board->faults[fault]++;
	pthread_mutex_unlock(&board->lock);
}

void
board_shed(struct board *board)
{
	if (board == NULL)
		return;
	pthread_mutex_lock(&board->lock);
	board->shed++;
	pthread_mutex_unlock(&board->lock);
}

static void
write_hold(const struct board_hold *hold, FILE *file)
{
	char ip[IP_TEXT_SIZE];

	fprintf(file, "hold\t%s\t%s\t%" PRId64 "\t%" PRId64 "\t",
	    ip_to_text(&hold->ip, ip), hold->sid, hold->since, hold->asked_s);
	const char *name = hold->name != NULL ? hold->name : "unknown";
	for (int i = 0; i < NAME_LIMIT && name[i] != '\0'; i++) {
		unsigned char c = (unsigned char)name[i];
		fputc(c > 0x20 && c < 0x7f ? c : '?', file);
	}
	fputc('\n', file);
}

void
board_write(struct board *board, int64_t now, FILE *file)
{
	pthread_mutex_lock(&board->lock);
	fprintf(file, "shed\t%" PRIu64 "\n", board->shed);
	for (enum fault fault = FAULT_STORE; fault < FAULTS; fault++)
		fprintf(file, "fault_%s\t%" PRIu64 "\n", fault_words[fault],
		    board->faults[fault]);
	for (const struct board_hold *hold = board->first; hold != NULL;
	     hold = hold->next)
		if (hold->since + hold->asked_s >= now)
			write_hold(hold, file);
	pthread_mutex_unlock(&board->lock);
}
