/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules between keys, what is derived from them, and what a reload may change. */
#include "config/config_private.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "facts/dnsbl.h"
#include "postfix/settings.h"
#include "record/mx.h"

#define HOLD_AND_DNS_MAX 240

struct rule {
	bool broken;
	const char *section, *name;     /* the key that is blamed */
	const char *section_b, *name_b; /* blamed if only this one is in the file */
	const char *what;
};

static bool
check_rules(
    const struct config *config, const struct places *places, struct error *error)
{
	const struct policy_settings *p = &config->policy;
	const struct rule rules[] = {
	    {p->hold_s + config->dns_timeout_s > HOLD_AND_DNS_MAX, "tarpit", "hold",
	        "dns", "timeout",
	        "tarpit.hold and dns.timeout together are above 4m, and senders "
	        "give up "
	        "after 5m; allowed: 240s in all"},
	    {p->delay_s >= p->retry_window_s, "greylist", "delay", "greylist",
	        "retry_window",
	        "greylist.delay is not below greylist.retry_window, so no retry "
	        "could ever "
	        "count; allowed: less than greylist.retry_window"},
	    {p->retry_window_s > p->max_age_s, "greylist", "retry_window",
	        "greylist", "max_age",
	        "greylist.retry_window is above greylist.max_age; allowed: at most "
	        "greylist.max_age"},
	};

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		const struct rule *rule = &rules[i];
		if (!rule->broken)
			continue;
		int line = places_line(places, rule->section, rule->name);
		bool second = line == 0;
		if (second)
			line = places_line(places, rule->section_b, rule->name_b);
		error_set(error, "%d: %s.%s: %s", line,
		    second ? rule->section_b : rule->section,
		    second ? rule->name_b : rule->name, rule->what);
		return false;
	}
	return true;
}

static bool
derive_suspect(
    struct config *config, const struct places *places, struct error *error)
{
	config->policy.suspect = config->policy.warn = 0;
	for (size_t i = 0; i < config->suspect.count; i++) {
		unsigned bit = 0;
		bool warn = false;
		parse_suspect(config->suspect.items[i], &bit, &warn);
		if ((config->policy.suspect | config->policy.warn) & bit) {
			error_set(error, "%d: suspect: \"%s\" is in the list twice",
			    places_line(places, "", "suspect"),
			    config->suspect.items[i]);
			return false;
		}
		*(warn ? &config->policy.warn : &config->policy.suspect) |= bit;
	}
	return true;
}

static bool
add_exempt(struct config *config, const struct ipnet *nets, size_t count)
{
	struct ipnet *more = realloc(config->exempt,
	    (config->exempt_count + count + 1) * sizeof *config->exempt);

	if (more == NULL)
		return false;
	config->exempt = more;
	if (count > 0)
		memcpy(more + config->exempt_count, nets, count * sizeof *nets);
	config->exempt_count += count;
	return true;
}

/* Adds Postfix's mynetworks and the addresses of this host. */
static bool
add_postfix(struct config *config)
{
	const char *folder = postfix_config_folder();
	struct postfix_settings *settings = postfix_settings_read(folder);
	struct ipnet *own;
	size_t count = postfix_own_addresses(&own);

	bool ok = add_exempt(config, own, count) &&
	          (settings == NULL || add_exempt(config, settings->networks,
	                                   settings->networks_count));
	config->lacks_mynetworks = settings == NULL && postfix_is_here(folder);
	postfix_settings_free(&settings);
	free(own);
	return ok;
}

static bool
derive_exempt(struct config *config)
{
	bool ok = add_exempt(config, NULL, 0);

	for (size_t i = 0; ok && i < config->exempt_networks.count; i++) {
		struct ipnet net;
		if (strcmp(config->exempt_networks.items[i], EXEMPT_POSTFIX) == 0)
			ok = add_postfix(config);
		else if (ipnet_from_text(config->exempt_networks.items[i], &net))
			ok = add_exempt(config, &net, 1);
	}
	return ok;
}

static bool
derive_lists(struct config *config)
{
	size_t size = 1;

	config->dnsbl_settings =
	    calloc(config->dnsbl.count + 1, sizeof *config->dnsbl_settings);
	if (config->dnsbl_settings == NULL)
		return false;
	for (size_t i = 0; i < config->dnsbl.count; i++) {
		struct dnsbl_words words;
		if (!parse_dnsbl(config->dnsbl.items[i], &words, NULL))
			return false;
		struct dnsbl_setting *row =
		    &config->dnsbl_settings[config->dnsbl_count++];
		*row = (struct dnsbl_setting){text_dup(words.zone),
		    text_dup(words.name), words.mask, words.weight};
		if (row->zone == NULL || row->name == NULL)
			return false;
	}

	for (size_t i = 0; i < config->dns_servers.count; i++)
		size += strlen(config->dns_servers.items[i]) + 1;
	config->dns_servers_text = calloc(1, size);
	if (config->dns_servers_text == NULL)
		return false;
	for (size_t i = 0; i < config->dns_servers.count; i++) {
		if (i > 0)
			strcat(config->dns_servers_text, ",");
		strcat(config->dns_servers_text, config->dns_servers.items[i]);
	}
	return true;
}

/* The system's host name if the header's id= can hold it, else "localhost". */
static bool
derive_hostname(struct config *config)
{
	char name[256] = "";

	if (*config->hostname_given != '\0') {
		config->hostname = text_dup(config->hostname_given);
	} else {
		bool known = gethostname(name, sizeof name - 1) == 0 &&
		             *name != '\0' && check_hostname(name, NULL);
		config->hostname = text_dup(known ? name : "localhost");
	}
	return config->hostname != NULL;
}

static bool
add_rank(struct config *config, const char *item, unsigned best,
    const struct places *places, struct error *error)
{
	struct mx_rank *rank = &config->mx_ranks[config->mx_ranks_count];
	char name[MX_NAME_SIZE];
	unsigned priority;

	if (!parse_mx(item, &priority, name, error))
		return false;
	*rank = (struct mx_rank){mx_code(name), priority == best};
	for (size_t i = 0; i < config->mx_ranks_count; i++) {
		if (config->mx_ranks[i].code != rank->code)
			continue;
		error_set(error,
		    "%d: mx: \"%s\" is in the list twice, or cannot be told apart "
		    "from \"%s\": give it another hostname",
		    places_line(places, "", "mx"), name, config->mx.items[i]);
		return false;
	}
	config->mx_ranks_count++;
	return true;
}

/* Finds out which MXs are primary, and checks that this host is in the list. */
static bool
derive_mx(struct config *config, const struct places *places, struct error *error)
{
	unsigned best = UINT_MAX, priority;
	char name[MX_NAME_SIZE];
	bool is_own = config->mx.count == 0;

	config->policy.mx = mx_code(config->hostname);
	config->mx_ranks = calloc(config->mx.count + 1, sizeof *config->mx_ranks);
	if (config->mx_ranks == NULL) {
		error_set(error, "0: out of memory");
		return false;
	}
	for (size_t i = 0; i < config->mx.count; i++) {
		if (parse_mx(config->mx.items[i], &priority, name, error) &&
		    priority < best)
			best = priority;
	}
	for (size_t i = 0; i < config->mx.count; i++) {
		if (!add_rank(config, config->mx.items[i], best, places, error))
			return false;
		is_own |= config->mx_ranks[i].code == config->policy.mx;
	}
	if (!is_own)
		error_set(error,
		    "%d: mx: this host is not in the list; its hostname is \"%s\": "
		    "add that, or set hostname",
		    places_line(places, "", "mx"), config->hostname);
	return is_own;
}

bool
config_finish(
    struct config *config, const struct places *places, struct error *error)
{
	if (!derive_suspect(config, places, error) ||
	    !check_rules(config, places, error))
		return false;
	if (config->dnsbl.count > DNSBL_MAX_LISTS) {
		error_set(error, "%d: dns.dnsbl: %zu lists; allowed: at most %d",
		    places_line(places, "dns", "dnsbl"), config->dnsbl.count,
		    DNSBL_MAX_LISTS);
		return false;
	}
	if (!derive_hostname(config) || !derive_exempt(config) ||
	    !derive_lists(config)) {
		error_set(error, "0: out of memory");
		return false;
	}
	return derive_mx(config, places, error);
}

bool
config_may_reload(
    const struct config *now, const struct config *next, struct error *error)
{
	char old[KEY_TEXT_SIZE], new[KEY_TEXT_SIZE], names[256] = "";
	size_t used = 0;

	if (next->lacks_mynetworks && !now->lacks_mynetworks) {
		error_set(error,
		    "exempt_networks: postconf failed or took too long: "
		    "what Postfix has in mynetworks is not known");
		return false;
	}
	for (size_t i = 0; i < config_keys_count; i++) {
		const struct key *key = &config_keys[i];
		char path[KEY_PATH_SIZE];
		if (!key->needs_restart || strcmp(key_value_text(key, now, old),
		                               key_value_text(key, next, new)) == 0)
			continue;
		int length = snprintf(names + used, sizeof names - used, "%s%s",
		    used == 0 ? "" : ", ", key_path(key, path));
		used += (size_t)length;
	}
	if (used > 0)
		error_set(error, "%s: changed, which needs a restart", names);
	return used == 0;
}
