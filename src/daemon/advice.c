/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/advice.h"

#include "base/log.h"
#include "postfix/process_limit.h"

void
advice_gather(const struct config *config, struct postfix_advice *advice_r)
{
	const char *folder = postfix_config_folder();
	struct postfix_settings *settings = postfix_settings_read(folder);
	const struct postfix_asked asked = {
	    .exempt = config->exempt,
	    .exempt_count = config->exempt_count,
	    .lacks_networks = config->lacks_mynetworks,
	    .max_sessions = config->max_sessions,
	    .process_limit = postfix_process_limit(folder),
	};

	postfix_advise(settings, &asked, advice_r);
	postfix_settings_free(&settings);
}

void
advice_log(const struct postfix_advice *advice)
{
	for (size_t i = 0; i < advice->count; i++)
		log_warnx("%s", advice->text[i]);
}
