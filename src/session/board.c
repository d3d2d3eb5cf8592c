/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/board.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define NAME_LIMIT 64
#define ONE_CLIENT 50 /* sessions of one address until it is said */

struct board {
	_Atomic uint64_t faults[FAULTS], shed;
	pthread_mutex_t lock; /* guards everything below */
	struct board_hold *first;
	bool has_no_data, has_outside, is_one_client;
	struct ip private_ip; /* of the last sessions, so many */
	unsigned private_count;
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
	if (board != NULL)
		atomic_fetch_add(&board->faults[fault], 1);
}

void
board_shed(struct board *board)
{
	if (board != NULL)
		atomic_fetch_add(&board->shed, 1);
}

bool
board_no_data(struct board *board)
{
	if (board == NULL)
		return false;
	pthread_mutex_lock(&board->lock);
	bool is_first = !board->has_no_data;
	board->has_no_data = true;
	pthread_mutex_unlock(&board->lock);
	return is_first;
}

bool
board_client(struct board *board, const struct ip *private_ip)
{
	bool is_news = false;

	if (board == NULL)
		return false;
	pthread_mutex_lock(&board->lock);
	if (private_ip == NULL) {
		board->has_outside = true;
		board->is_one_client = false;
	} else if (!board->has_outside) {
		bool is_same = board->private_count > 0 &&
		               ip_equal(private_ip, &board->private_ip);
		board->private_ip = *private_ip;
		board->private_count = is_same ? board->private_count + 1 : 1;
		is_news = board->private_count == ONE_CLIENT;
		board->is_one_client = board->private_count >= ONE_CLIENT;
	}
	pthread_mutex_unlock(&board->lock);
	return is_news;
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
	if (board->has_no_data)
		fputs("trouble\t" BOARD_NO_DATA "\n", file);
	if (board->is_one_client)
		fputs("trouble\t" BOARD_ONE_CLIENT "\n", file);
	fprintf(file, "shed\t%" PRIu64 "\n", atomic_load(&board->shed));
	for (enum fault fault = FAULT_STORE; fault < FAULTS; fault++)
		fprintf(file, "fault_%s\t%" PRIu64 "\n", fault_words[fault],
		    atomic_load(&board->faults[fault]));
	for (const struct board_hold *hold = board->first; hold != NULL;
	     hold = hold->next)
		if (hold->since + hold->asked_s >= now)
			write_hold(hold, file);
	pthread_mutex_unlock(&board->lock);
}
