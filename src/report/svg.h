/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The charts of the HTML report: inline SVG, 360 units wide so that its letters
 * stay readable on a phone; colours are the page's variables (write_html.c).
 */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include "report/doc.h"

/* number: makes the ids of title and description unique in the page. */
void svg_write(const struct section *section, unsigned number, FILE *file);

#endif
