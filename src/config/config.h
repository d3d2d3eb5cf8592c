/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * targrey.conf: one table of keys (keys.c), from which the parser, the dump, the
 * sample file and targrey.conf(5) are made. A struct config is a value read once
 * and then immutable.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/ip.h"
#include "facts/gather.h"
#include "gate/gate.h"
#include "policy/policy.h"
#include "session/snapshot.h"

/* NULL-terminated array of strings, owned by the config; items NULL: empty. */
struct string_list {
	char **items;
	size_t count;
};

struct config {
	char *path; /* the file that was read */

	/* top level */
	char *listen, *user, *socket_group, *log;
	char *hostname_given; /* as written; "" = the system's */
	char *hostname;       /* in force, never "" */
	unsigned socket_mode;
	enum gate_failure on_failure;
	int64_t answer_timeout_s;
	bool hash_people; /* privacy = "hash" */
	bool sandbox;
	struct string_list suspect; /* words as written, "helo warn" included */
	struct string_list exempt_networks, trusted_relays;
	struct string_list mx;    /* "10 mx1.example.jp" */
	struct mx_rank *mx_ranks; /* the same, parsed; policy.mx is this host's */
	size_t mx_ranks_count;
	struct ipnet *exempt; /* exempt_networks, "postfix:mynetworks" expanded */
	size_t exempt_count;
	bool lacks_mynetworks; /* "postfix:mynetworks" is in it, but postconf failed
	                        */

	/* all other policy settings: mode, suspect, tarpit, greylist, allow */
	struct policy_settings policy;

	/* tarpit */
	unsigned max_sessions, max_per_net;
	/* greylist */
	char *greylist_text;
	uint32_t max_new_per_net;
	/* allow, suspects: glob patterns and paths */
	struct string_list allow_files, suspect_files;
	char *s25r_file;
	/*
	 * Lines of these three keys, for errors in the files they name; 0: not
	 * set.
	 */
	int allow_files_line, suspect_files_line, s25r_line;
	/* dns */
	struct string_list dns_servers, dnsbl; /* dnsbl: "zone name mask weight" */
	char *dns_servers_text;               /* joined by ',', "" = the system's */
	struct dnsbl_setting *dnsbl_settings; /* dnsbl, parsed */
	size_t dnsbl_count;
	int64_t dns_timeout_s;
	/* spf, headers */
	bool spf, received_spf, authentication_results;
	/* review: targrey-review and its page */
	struct string_list review_folders;
	char *review_inbox, *review_spam; /* "" = none */
	unsigned review_mark;
	unsigned review_learn; /* nothing, sa-learn, spamc: enum learner */
	char *amavis_socket, *sendmail, *user_header;
	/* store */
	char *store_url;
	int64_t events_s;
	bool durable;
	int64_t store_timeout_s;
	bool store_waits; /* at_start */
};

/* The file that is read when none is named. */
#define CONFIG_DEFAULT_PATH "/etc/targrey/targrey.conf"

/*
 * Reads and checks the whole file. NULL with "FILE:LINE: KEY: what is wrong;
 * allowed: ..." on the first mistake. path NULL: all defaults, no file.
 * Files that the settings name (lists, rules) are not opened here but by
 * config_lists(). The caller frees. One thread at a time.
 */
struct config *config_load(const char *path, struct error *error);
void config_free(struct config **config);

/*
 * The rules and lists that the settings name. false with "FILE:LINE: what is
 * wrong", or with "FILE:LINE: KEY: ..." of the configuration where a file that a
 * key names cannot be read. The caller frees all three, even after false.
 */
struct config_lists {
	struct s25r *s25r;
	struct list *allow;
	struct local *local;
};
bool config_lists_load(
    const struct config *config, struct config_lists *lists_r, struct error *error);
/* Accepts members that were not loaded; nulls. */
void config_lists_clear(struct config_lists *lists);

/* Writes the settings in force, as a file that config_load() accepts. */
void config_dump(const struct config *config, FILE *file);
/* The same as one JSON object, with an object in it per section. */
void config_dump_json(const struct config *config, FILE *file);

/* The sample file: every key with its help, default and range. */
void config_dump_default(FILE *file);

/* The list of keys in targrey.conf(5), in mdoc. */
void config_dump_manual(FILE *file);

/*
 * The path of the socket on which the daemon reports its state: "<socket>.status"
 * beside Postfix's socket; with listen = "inet:..." beside the database's file.
 * false when there is neither, or the path is too long.
 */
#define CONFIG_STATUS_PATH_SIZE 128
bool config_status_path(
    const struct config *config, char path[static CONFIG_STATUS_PATH_SIZE]);
/* The same path with another ending than ".status". */
bool config_path_beside(const struct config *config, const char *end,
    char path[static CONFIG_STATUS_PATH_SIZE]);

/*
 * false, with the keys in error: their change needs a restart (needs_restart in
 * keys.c), or what mynetworks exempts would be lost because postconf failed.
 */
bool config_may_reload(
    const struct config *now, const struct config *next, struct error *error);

#endif
