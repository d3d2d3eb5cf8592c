/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/missing_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "record/fold.h"

/* RFC 5321 4.5.4.1: a server tries again after half an hour or more, for days. */
#define KEPT_TRYING_S 3600
/* At most this many mails and as many domains are told apart (170 MiB). */
#define MOST (1U << 20)

static uint64_t
key_of(const struct event *event)
{
	const char *recipients = event->recipients == NULL ? "" : event->recipients;
	char sender[FOLD_SIZE];
	const char *folded = sender_fold(event->sender, sender);
	uint64_t hash = hash_add(HASH_START, folded, strlen(folded) + 1);

	return hash_finish(hash_add(hash, recipients, strcspn(recipients, " ")));
}

/* 0: none, or a hash in its place */
static uint64_t
domain_of(const struct event *event)
{
	const char *at = strrchr(event->sender, '@');

	return at == NULL
	           ? 0
	           : hash_finish(hash_add(HASH_START, at + 1, strlen(at + 1)));
}

struct missing *
missing_new(void)
{
	struct missing *missing = calloc(1, sizeof *missing);

	if (missing == NULL)
		return NULL;
	missing->mails.room = missing->domains_room = 1024;
	missing->mails.slots =
	    calloc(missing->mails.room, sizeof *missing->mails.slots);
	missing->domains = calloc(missing->domains_room, sizeof *missing->domains);
	if (missing->mails.slots == NULL || missing->domains == NULL)
		missing_free(&missing);
	return missing;
}

static void
names_clear(struct names *names)
{
	if (names == NULL)
		return;
	free(names->client);
	free(names->ptr);
	free(names->sender);
	free(names->recipients);
	free(names->sid);
	free(names);
}

void
missing_free(struct missing **pointer)
{
	struct missing *missing = *pointer;

	*pointer = NULL;
	if (missing == NULL)
		return;
	for (size_t i = 0; missing->mails.slots != NULL && i < missing->mails.room;
	     i++)
		names_clear(missing->mails.slots[i].names);
	free(missing->mails.slots);
	free(missing->domains);
	free(missing->chosen);
	free(missing);
}

static struct mail *
slot_of(struct mail *slots, size_t room, uint64_t key)
{
	size_t at = key & (room - 1);

	while (slots[at].key != 0 && slots[at].key != key)
		at = (at + 1) & (room - 1);
	return &slots[at];
}

static void
grow(struct missing *missing)
{
	size_t room = missing->mails.room * 2;
	struct mail *slots = calloc(room, sizeof *slots);

	if (slots == NULL) {
		missing->failed = true;
		return;
	}
	for (size_t i = 0; i < missing->mails.room; i++) {
		const struct mail *mail = &missing->mails.slots[i];
		if (mail->key != 0)
			*slot_of(slots, room, mail->key) = *mail;
	}
	free(missing->mails.slots);
	missing->mails.slots = slots;
	missing->mails.room = room;
}

/* NULL: there is no room for one more */
static struct mail *
find(struct missing *missing, uint64_t key)
{
	if (missing->mails.used * 2 >= missing->mails.room &&
	    missing->mails.room < MOST * 2)
		grow(missing);
	struct mail *mail = slot_of(missing->mails.slots, missing->mails.room, key);
	if (mail->key != 0)
		return mail;
	if (missing->mails.used >= MOST ||
	    missing->mails.used + 1 >= missing->mails.room) {
		missing->unwatched++;
		return NULL;
	}
	missing->mails.used++;
	mail->key = key;
	return mail;
}

static uint64_t *
domain_slot(uint64_t *slots, size_t room, uint64_t key)
{
	size_t at = key & (room - 1);

	while (slots[at] != 0 && slots[at] != key)
		at = (at + 1) & (room - 1);
	return &slots[at];
}

static void
know_domain(struct missing *missing, uint64_t domain)
{
	if (domain == 0 || missing->domains_used >= MOST)
		return;
	if (missing->domains_used * 2 >= missing->domains_room) {
		size_t room = missing->domains_room * 2;
		uint64_t *slots = calloc(room, sizeof *slots);
		if (slots == NULL) {
			missing->failed = true;
			return;
		}
		for (size_t i = 0; i < missing->domains_room; i++) {
			if (missing->domains[i] != 0)
				*domain_slot(slots, room, missing->domains[i]) =
				    missing->domains[i];
		}
		free(missing->domains);
		missing->domains = slots;
		missing->domains_room = room;
	}
	uint64_t *slot =
	    domain_slot(missing->domains, missing->domains_room, domain);
	missing->domains_used += *slot == 0;
	*slot = domain;
}

/* What Postfix refused by itself is not our concern. */
static bool
is_delayed(const struct event_view *view)
{
	return view->is_mail && view->is_suspect &&
	       view->event->rcpt_accepted > 0 &&
	       (view->is_held || view->is_refused) && !view->is_let_through;
}

/* Bots wait a hold out as well: that alone makes no sender known. */
static bool
makes_known(const struct event_view *view)
{
	return !view->is_spam &&
	       (!view->is_held || view->is_ham || view->event->spf_domain != NULL);
}

static void
add_attempt(struct mail *mail, const struct event_view *view)
{
	const struct event *event = view->event;
	bool counts = missing_sender_counts(view);

	if (mail->attempts == 0)
		mail->first = event->time;
	mail->is_through = false;
	mail->attempts++;
	mail->last = event->time;
	mail->last_id = event->id;
	mail->signs |= (uint8_t)missing_signs_of(view);
	mail->domain = counts ? domain_of(event) : 0;
	if (counts && event->time - mail->first >= KEPT_TRYING_S)
		mail->signs |= SIGN_TRIED;
}

void
missing_add(struct missing *missing, const struct event_view *view)
{
	const struct event *event = view->event;

	if (event->sender == NULL)
		return;
	if (view->is_let_through) {
		if (makes_known(view))
			know_domain(missing, domain_of(event));
		/* whichever server of its sender brought it */
		struct mail *known = slot_of(
		    missing->mails.slots, missing->mails.room, key_of(event));
		if (known->key != 0)
			*known =
			    (struct mail){.key = known->key, .is_through = true};
		return;
	}
	if (!is_delayed(view))
		return;
	struct mail *mail = find(missing, key_of(event));
	if (mail != NULL)
		add_attempt(mail, view);
}

/* By the strongest sign, then the next, then by how often and how recently they
 * came. */
static int
by_likelihood(const void *a, const void *b)
{
	const struct mail *left = *(struct mail *const *)a,
	                  *right = *(struct mail *const *)b;

	if (left->signs != right->signs)
		return left->signs < right->signs ? 1 : -1;
	if (left->attempts != right->attempts)
		return left->attempts < right->attempts ? 1 : -1;
	if (left->last != right->last)
		return left->last < right->last ? 1 : -1;
	return (left->key > right->key) - (left->key < right->key);
}

static bool
is_known(const struct missing *missing, uint64_t domain)
{
	return domain != 0 &&
	       *domain_slot(missing->domains, missing->domains_room, domain) != 0;
}

/* The bit of its strongest sign; SIGNS: none. */
static unsigned
strongest(const struct mail *mail)
{
	unsigned bit = SIGNS;

	for (unsigned i = 0; i < SIGNS; i++) {
		if (mail->signs & 1U << i)
			bit = i;
	}
	return bit;
}

void
missing_choose(
    struct missing *missing, size_t limit, bool only_likely, int64_t until)
{
	struct table *mails = &missing->mails;

	missing->until = until;
	missing->chosen = calloc(mails->used + 1, sizeof *missing->chosen);
	if (missing->chosen == NULL) {
		missing->failed = true;
		return;
	}
	for (size_t i = 0; i < mails->room; i++) {
		struct mail *mail = &mails->slots[i];
		if (mail->key == 0 || mail->is_through)
			continue;
		if (is_known(missing, mail->domain))
			mail->signs |= SIGN_DOMAIN;
		missing->away[strongest(mail)] += mail->last <= until;
		missing->chosen[missing->undelivered++] = mail;
	}
	qsort(missing->chosen, missing->undelivered, sizeof *missing->chosen,
	    by_likelihood);
	missing->chosen_count = missing->undelivered;
	while (only_likely && missing->chosen_count > 0 &&
	       missing->chosen[missing->chosen_count - 1]->signs == 0)
		missing->chosen_count--;
	if (limit > 0 && limit < missing->chosen_count)
		missing->chosen_count = limit;
	for (size_t i = 0; i < missing->chosen_count; i++)
		missing->chosen[i]->is_chosen = true;
}

int64_t
missing_wants(const struct missing *missing, size_t n)
{
	return n < missing->chosen_count ? missing->chosen[n]->last_id : 0;
}

size_t
missing_count(const struct missing *missing)
{
	size_t count = 0;

	for (unsigned i = 0; i < SIGNS; i++)
		count += missing->away[i];
	return count;
}

size_t
missing_pending(const struct missing *missing)
{
	return missing->undelivered - missing_count(missing) - missing->away[SIGNS];
}

static char *
copy(struct missing *missing, const char *text)
{
	char *made = text_dup(text == NULL ? "" : text);

	missing->failed |= made == NULL;
	return made;
}

/* "lost" as a reply would be read as what became of the mail. */
static bool
came_to_nothing(const struct event *event)
{
	return event->reply != NULL && strcmp(event->reply, "lost") == 0;
}

void
missing_name(struct missing *missing, const struct event_view *view)
{
	const struct event *event = view->event;

	if (event->sender == NULL || !is_delayed(view))
		return;
	struct mail *mail =
	    slot_of(missing->mails.slots, missing->mails.room, key_of(event));
	if (mail->key == 0 || !mail->is_chosen || mail->last_id != event->id ||
	    mail->names != NULL)
		return;
	struct names *names = calloc(1, sizeof *names);
	if (names == NULL) {
		missing->failed = true;
		return;
	}
	mail->names = names;
	names->client = copy(missing, event->name);
	names->ptr = copy(missing, event->ptr);
	names->sender =
	    copy(missing, *event->sender == '\0' ? "<>" : event->sender);
	names->recipients = copy(missing, event->recipients);
	names->sid = copy(missing, view_word(view, SK_SID));
	ip_to_text(&event->ip, names->ip);
	snprintf(names->how, sizeof names->how, "%s",
	    view->is_gone            ? "hung up"
	    : view->is_greylisted    ? "greylisted"
	    : came_to_nothing(event) ? "no message"
	    : event->reply != NULL   ? event->reply
	                             : "none");
}
