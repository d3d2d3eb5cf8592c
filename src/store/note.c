/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/note.h"

#include <stdlib.h>
#include <string.h>

/*
 * Copies the texts into one block after the spec. The same walk is made twice,
 * first with block NULL to add up the size.
 */
struct packer {
	char *block;
	size_t used;
};

static void *
pack(struct packer *packer, const void *source, size_t size, size_t align)
{
	packer->used = (packer->used + align - 1) / align * align;
	size_t at = packer->used;
	packer->used += size;
	if (packer->block == NULL)
		return NULL;
	memcpy(packer->block + at, source, size);
	return packer->block + at;
}

static const char *
pack_text(struct packer *packer, const char *text)
{
	return text == NULL ? NULL : pack(packer, text, strlen(text) + 1, 1);
}

static const char *
pack_words(struct packer *packer, const struct session_words *words)
{
	const char *first = pack_text(packer, words->value[0]);

	for (int key = 1; key < SESSION_KEYS; key++)
		(void)pack_text(packer, words->value[key]);
	return first;
}

static void
pack_event(struct packer *packer, struct note_spec *spec)
{
	struct event *copy = pack(packer, spec->event, sizeof *spec->event, 16);
	struct event scratch = *spec->event;
	struct event *to = copy != NULL ? copy : &scratch;
	const struct event *event = spec->event;

	if (event->words != NULL)
		to->packed_words = pack_words(packer, event->words);
	to->words = NULL;
	to->queue_id = pack_text(packer, event->queue_id);
	to->message_id = pack_text(packer, event->message_id);
	to->name = pack_text(packer, event->name);
	to->ptr = pack_text(packer, event->ptr);
	to->heloname = pack_text(packer, event->heloname);
	to->sender = pack_text(packer, event->sender);
	to->recipients = pack_text(packer, event->recipients);
	to->exempt = pack_text(packer, event->exempt);
	to->why_detail = pack_text(packer, event->why_detail);
	to->spf_domain = pack_text(packer, event->spf_domain);
	to->reply = pack_text(packer, event->reply);
	to->feedback = pack_text(packer, event->feedback);
	if (copy != NULL)
		spec->event = copy;
}

static void
pack_spec(struct packer *packer, struct note_spec *spec)
{
	const struct triplet *triplets = spec->triplets;

	const char *domain = pack_text(packer, spec->who.domain);
	const char *organisation = pack_text(packer, spec->who.organisation);
	const char *sender_domain = pack_text(packer, spec->who.sender_domain);
	struct triplet *copies = NULL;
	if (spec->count > 0)
		copies = pack(packer, triplets, spec->count * sizeof *triplets, 16);
	for (size_t i = 0; i < spec->count; i++) {
		const char *sender = pack_text(packer, triplets[i].sender);
		const char *recipient = pack_text(packer, triplets[i].recipient);
		if (copies != NULL)
			copies[i] = (struct triplet){sender, recipient};
	}
	if (spec->event != NULL)
		pack_event(packer, spec);
	if (packer->block != NULL) {
		spec->who.domain = domain;
		spec->who.organisation = organisation;
		spec->who.sender_domain = sender_domain;
		spec->triplets = copies;
	}
}

struct note *
note_new(const struct note_spec *spec)
{
	struct packer packer = {NULL, 0};
	struct note_spec measured = *spec;

	pack_spec(&packer, &measured);
	size_t head = (sizeof *spec + 15) / 16 * 16;
	struct note *note = calloc(1, sizeof *note);
	struct note_spec *copy = malloc(head + packer.used);
	if (note == NULL || copy == NULL) {
		free(note);
		free(copy);
		return NULL;
	}
	*copy = *spec;
	packer = (struct packer){(char *)copy + head, 0};
	pack_spec(&packer, copy);
	note->references = 1;
	note->state = NOTE_WAITING;
	note->spec = copy;
	return note;
}

static void
drop_spec(struct note *note)
{
	if (note->spec != NULL && note->spec->release != NULL)
		note->spec->release(note->spec->keep);
	free(note->spec);
	note->spec = NULL;
}

struct note *
note_ref(struct note *note)
{
	atomic_fetch_add(&note->references, 1);
	return note;
}

void
note_drop(struct note **pointer)
{
	struct note *note = *pointer;

	*pointer = NULL;
	if (note == NULL || atomic_fetch_sub(&note->references, 1) != 1)
		return;
	drop_spec(note);
	free(note);
}

enum note_state
note_state(const struct note *note)
{
	return (enum note_state)atomic_load(&note->state);
}

void
note_finish(struct note *note, enum note_state state)
{
	atomic_store(&note->state, (int)state);
	if (note->spec->done != NULL)
		note->spec->done(note->spec->ctx, note->spec->number, state);
	drop_spec(note);
	note_drop(&note);
}
