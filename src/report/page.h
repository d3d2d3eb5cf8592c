/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The look of all our pages, the report's and those served: light and dark, from
 * phone to paper; nothing is fetched and no script runs.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include <stdio.h>

#include "report/doc.h"

extern const char page_style[]; /* CSS */

/* A text in that column is a link to prefix and itself, percent-encoded. */
struct page_link {
	const char *key, *prefix;
};

/*
 * The sections of a doc, without the page around them. keys: these alone,
 * NULL-terminated; NULL = all. links: key NULL at the end, or NULL.
 */
void page_sections(const struct doc *doc, const char *const *keys,
    const struct page_link *links, FILE *file);

#endif
