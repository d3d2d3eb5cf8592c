/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How every page of ours looks, the report's and those that are served: light
 * and dark, from a phone to paper; nothing is fetched and nothing runs.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include <stdio.h>

#include "report/doc.h"

extern const char page_style[]; /* CSS */

/* The sections of a doc, without the page around them. */
void page_sections(const struct doc *doc, FILE *file);

#endif
