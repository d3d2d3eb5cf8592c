/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files that draw charts share. All lengths are in units of the viewBox.
 */
#ifndef REPORT_SVG_PRIVATE_H
#define REPORT_SVG_PRIVATE_H

#include <stdio.h>

#include "report/doc.h"

#define SVG_WIDTH 360.0

/* svg_parts.c */
/* A cell's number; 0 in place of a negative or infinite one. */
double svg_number(const struct section *section, size_t row, unsigned column);
void svg_text(FILE *file, double x, double y, const char *anchor);
/* Escaped, and cut to that many columns. */
void svg_label(FILE *file, const char *text, size_t columns);

void svg_flow(const struct section *section, FILE *file);
double svg_flow_height(const struct section *section);
void svg_heat(const struct section *section, FILE *file);
double svg_heat_height(void);

#endif
