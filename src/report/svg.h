/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The charts of the HTML report: inline SVG, 360 units wide so that its text stays
 * readable on a phone; colours are the page's variables (page_style.c).
 */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include "report/doc.h"

/* number: unique in the page; part of the ids of title and description */
void svg_write(const struct section *section, unsigned number, FILE *file);

#endif
