/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/steps.h"

#include "policy/grey.h"

static struct grey_row
step_triplet(const void *settings, struct grey_row row, enum deed deed, int64_t now)
{
	return grey_step(settings, row, deed, now);
}

static struct address_record
step_address(const void *settings, struct address_record record, enum deed deed,
    uint32_t secs, int64_t now)
{
	return address_step(settings, record, deed, secs, now);
}

static struct domain_record
step_domain(
    const void *settings, struct domain_record record, enum deed deed, int64_t now)
{
	return domain_step(settings, record, deed, now);
}

const struct store_steps session_steps = {
    .triplet = step_triplet,
    .address = step_address,
    .domain = step_domain,
    .better = grey_better,
};
