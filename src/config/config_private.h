/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to config/: the table of keys. One row holds everything about a key;
 * parser, dump, sample file and manual read it, so that they cannot differ.
 */
#ifndef CONFIG_PRIVATE_H
#define CONFIG_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"

enum key_type {
	KEY_WORD,     /* one of words; stored is its index, in size octets */
	KEY_FLAG,     /* yes or no; bool */
	KEY_DURATION, /* seconds; int64_t */
	KEY_NUMBER,   /* 32 bits, signed or not */
	KEY_OCTAL,    /* 32 bits */
	KEY_TEXT,     /* char *, owned */
	KEY_LIST      /* struct string_list, owned */
};

struct key {
	const char *section; /* "" = top level */
	const char *name;
	enum key_type type;
	size_t offset, size; /* of the field in struct config */
	const char *initial; /* default as written; KEY_LIST: see initials */
	const char *const *initials; /* KEY_LIST: NULL-terminated; NULL = empty */
	int64_t min, max;            /* KEY_DURATION, KEY_NUMBER, KEY_OCTAL */
	const char *const *words;    /* allowed: KEY_WORD, some KEY_TEXT */
	size_t words_count;
	/*
	 * For KEY_TEXT and each item of a KEY_LIST; error says what is wrong, not
	 * what is allowed
	 */
	bool (*check)(const char *value, struct error *error);
	const char *unit;    /* of the value, for people; "" = none */
	const char *allowed; /* in words; NULL: type, range or words tell */
	const char *help;
	bool needs_restart;
	bool may_hold_a_secret; /* a wrong value is not shown */
};

extern const struct key config_keys[];
extern const size_t config_keys_count;

struct section {
	const char *name, *help;
};
/* In the order of the file; the first is the top level, "". */
extern const struct section config_sections[];
extern const size_t config_sections_count;

/* NULL when there is no such key. section ""  = top level */
const struct key *key_find(const char *section, const char *name);
/* The key's field in a config. */
void *key_field(const struct key *key, struct config *config);
const void *key_value(const struct key *key, const struct config *config);
/* "hold" or "tarpit.hold" */
#define KEY_PATH_SIZE 64
const char *key_path(const struct key *key, char buf[static KEY_PATH_SIZE]);
/* The allowed values, for people: "0s to 4m", "yes, no". Returns buf. */
#define KEY_ALLOWED_SIZE 256
const char *key_allowed(const struct key *key, char buf[static KEY_ALLOWED_SIZE]);

/*
 * Checks the text of a value and stores it; a KEY_LIST gets one more item. The
 * error is "what is wrong; allowed: ...".
 */
bool key_store(const struct key *key, struct config *config, const char *text,
    struct error *error);
/* The value of every type but KEY_LIST as text, without quotes. Returns buf. */
#define KEY_TEXT_SIZE 512
const char *key_value_text(const struct key *key, const struct config *config,
    char buf[static KEY_TEXT_SIZE]);
/* Sets one key, lists included, to its default; false when out of memory. */
bool key_reset(const struct key *key, struct config *config);
void string_list_clear(struct string_list *list);

/* ------------------------------------------------ checks of texts (check.c) */

bool check_listen(const char *value, struct error *error);
bool check_account(const char *value, struct error *error);
bool check_hostname(const char *value, struct error *error);
bool check_relay(const char *value, struct error *error);
/* The entry of exempt_networks that stands for Postfix's mynetworks. */
#define EXEMPT_POSTFIX "postfix:mynetworks"
bool check_network(const char *value, struct error *error);
bool check_suspect(const char *value, struct error *error);
bool check_reply(const char *value, struct error *error);
bool check_path(const char *value, struct error *error);
bool check_path_or_none(const char *value, struct error *error);
bool check_glob(const char *value, struct error *error);
bool check_field_name(const char *value, struct error *error);
bool check_server(const char *value, struct error *error);
bool check_dnsbl(const char *value, struct error *error);
bool check_store(const char *value, struct error *error);

/* "10 mx1.example.jp": priority and name of an MX record. */
bool check_mx(const char *value, struct error *error);
#define MX_NAME_SIZE 65
bool parse_mx(const char *value, unsigned *priority_r,
    char name_r[static MX_NAME_SIZE], struct error *error);

/* "s25r", "helo warn": the selector's bit and whether it only warns. */
bool parse_suspect(const char *value, unsigned *bit_r, bool *warn_r);

/* "zone [name [mask [weight]]]"; zone and name are buffers of the given sizes. */
struct dnsbl_words {
	char zone[256], name[25];
	uint8_t mask;
	int weight;
};
bool parse_dnsbl(
    const char *value, struct dnsbl_words *words_r, struct error *error);

/* -------------------------------------------------- the file (parse.c, load.c) */

/* Where a key stands in the file. */
struct place {
	const struct key *key;
	int line;
};

struct places {
	struct place *items;
	size_t count;
};

/*
 * Reads NUL-terminated text into config, which holds the defaults. places: where
 * each key was set, even after a mistake; the caller frees places->items. The
 * error begins with "LINE: ".
 */
bool config_parse(const char *text, struct config *config, struct places *places,
    struct error *error);
/* 0: not in the file */
int places_line(const struct places *places, const char *section, const char *name);

/* Checks rules between keys and fills the derived fields of config.h. */
bool config_finish(
    struct config *config, const struct places *places, struct error *error);

#endif
