/* SPDX-License-Identifier: BSD-2-Clause */
#include "maillog/clients.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define ROOM_FIRST 4096
#define ROOM_LAST  (1U << 21)

bool
log_clients_init(struct log_clients *clients)
{
	*clients = (struct log_clients){.room = ROOM_FIRST};
	if (getrandom(clients->secret, sizeof clients->secret, 0) < 0)
		clients->secret[0] = 1;
	clients->table = calloc(clients->room, sizeof *clients->table);
	return clients->table != NULL;
}

void
log_clients_clear(struct log_clients *clients)
{
	free(clients->table);
	clients->table = NULL;
}

static struct log_client *
slot_of(struct log_client *table, size_t room, uint64_t key)
{
	size_t at = key & (room - 1);

	while (table[at].key != 0 && table[at].key != key)
		at = (at + 1) & (room - 1);
	return &table[at];
}

static void
grow(struct log_clients *clients)
{
	size_t room = clients->room * 2;
	struct log_client *table = calloc(room, sizeof *table);

	if (table == NULL)
		return;
	for (size_t i = 0; i < clients->room; i++) {
		if (clients->table[i].key != 0)
			*slot_of(table, room, clients->table[i].key) =
			    clients->table[i];
	}
	free(clients->table);
	clients->table = table;
	clients->room = room;
}

struct log_client *
log_clients_find(
    struct log_clients *clients, const void *key, size_t length, bool *is_new_r)
{
	uint64_t hash = siphash(clients->secret, key, length);
	struct log_client *slot;

	hash += hash == 0;
	slot = slot_of(clients->table, clients->room, hash);
	*is_new_r = slot->key == 0;
	if (!*is_new_r)
		return slot;
	if (clients->count >= clients->room / 2) {
		if (clients->room < ROOM_LAST)
			grow(clients);
		if (clients->count >= clients->room / 2) {
			clients->lost++;
			return NULL;
		}
		slot = slot_of(clients->table, clients->room, hash);
	}
	slot->key = hash;
	clients->count++;
	return slot;
}

static enum log_group
group_of(const struct log_client *client)
{
	return client->accepted > 0  ? GROUP_ACCEPTED
	       : client->refused > 0 ? GROUP_REFUSED
	                             : GROUP_CONNECTED;
}

struct log_share
log_clients_share(const struct log_clients *clients, enum log_group group)
{
	struct log_share share = {0};

	for (size_t i = 0; i < clients->room; i++) {
		const struct log_client *client = &clients->table[i];
		if (client->key == 0 || group_of(client) != group)
			continue;
		share.count++;
		share.match += client->is_suspect;
	}
	return share;
}

void
log_clients_by_rule(const struct log_clients *clients, const char *rule,
    uint64_t count_r[static LOG_GROUPS])
{
	for (size_t i = 0; i < clients->room; i++) {
		const struct log_client *client = &clients->table[i];
		if (client->key != 0 && client->is_suspect &&
		    strcmp(client->rule, rule) == 0)
			count_r[group_of(client)]++;
	}
}
