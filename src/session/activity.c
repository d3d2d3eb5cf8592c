/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/activity.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define NAME_LIMIT 64
#define ONE_CLIENT 50 /* sessions from one address before it is reported */

struct activity {
	_Atomic uint64_t faults[FAULTS], shed;
	pthread_mutex_t lock; /* guards everything below */
	LIST_HEAD(activity_holds, activity_hold) holds;
	bool has_no_data, has_outside, is_one_client;
	struct ip private_ip; /* of the last private_count sessions */
	unsigned private_count;
};

struct activity *
activity_new(void)
{
	struct activity *activity = calloc(1, sizeof *activity);

	if (activity != NULL)
		pthread_mutex_init(&activity->lock, NULL);
	return activity;
}

void
activity_free(struct activity **activity_ptr)
{
	struct activity *activity = *activity_ptr;

	if (activity == NULL)
		return;
	*activity_ptr = NULL;
	pthread_mutex_destroy(&activity->lock);
	free(activity);
}

void
activity_hold_begin(struct activity *activity, struct activity_hold *hold)
{
	if (activity == NULL)
		return;
	pthread_mutex_lock(&activity->lock);
	LIST_INSERT_HEAD(&activity->holds, hold, others);
	pthread_mutex_unlock(&activity->lock);
}

void
activity_hold_end(struct activity *activity, struct activity_hold *hold)
{
	if (activity == NULL)
		return;
	pthread_mutex_lock(&activity->lock);
	LIST_REMOVE(hold, others);
	pthread_mutex_unlock(&activity->lock);
}

void
activity_fault(struct activity *activity, enum fault fault)
{
	if (activity != NULL)
		atomic_fetch_add(&activity->faults[fault], 1);
}

void
activity_shed(struct activity *activity)
{
	if (activity != NULL)
		atomic_fetch_add(&activity->shed, 1);
}

bool
activity_no_data(struct activity *activity)
{
	if (activity == NULL)
		return false;
	pthread_mutex_lock(&activity->lock);
	bool is_first = !activity->has_no_data;
	activity->has_no_data = true;
	pthread_mutex_unlock(&activity->lock);
	return is_first;
}

bool
activity_client(struct activity *activity, const struct ip *private_ip)
{
	bool is_news = false;

	if (activity == NULL)
		return false;
	pthread_mutex_lock(&activity->lock);
	if (private_ip == NULL) {
		activity->has_outside = true;
		activity->is_one_client = false;
	} else if (!activity->has_outside) {
		bool is_same = activity->private_count > 0 &&
		               ip_equal(private_ip, &activity->private_ip);
		activity->private_ip = *private_ip;
		activity->private_count = is_same ? activity->private_count + 1 : 1;
		is_news = activity->private_count == ONE_CLIENT;
		activity->is_one_client = activity->private_count >= ONE_CLIENT;
	}
	pthread_mutex_unlock(&activity->lock);
	return is_news;
}

static void
write_hold(const struct activity_hold *hold, FILE *file)
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
activity_write(struct activity *activity, int64_t now, FILE *file)
{
	pthread_mutex_lock(&activity->lock);
	if (activity->has_no_data)
		fputs("trouble\t" ACTIVITY_NO_DATA "\n", file);
	if (activity->is_one_client)
		fputs("trouble\t" ACTIVITY_ONE_CLIENT "\n", file);
	fprintf(file, "shed\t%" PRIu64 "\n", atomic_load(&activity->shed));
	for (enum fault fault = FAULT_STORE; fault < FAULTS; fault++)
		fprintf(file, "fault_%s\t%" PRIu64 "\n", fault_words[fault],
		    atomic_load(&activity->faults[fault]));
	const struct activity_hold *hold;
	LIST_FOREACH(hold, &activity->holds, others)
	if (hold->since + hold->asked_s >= now)
		write_hold(hold, file);
	pthread_mutex_unlock(&activity->lock);
}
