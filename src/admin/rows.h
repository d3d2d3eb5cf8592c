/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables shared by list, show and find. */
#ifndef ADMIN_ROWS_H
#define ADMIN_ROWS_H

#include "report/doc.h"
#include "query/query.h"

void rows_clients(struct doc *doc);
void rows_client(struct doc *doc, const struct address_row *row);
void rows_domains(struct doc *doc);
void rows_domain(struct doc *doc, const struct domain_row *row);
void rows_triplets(struct doc *doc);
void rows_triplet(struct doc *doc, const struct triplet_row *row);
void rows_events(struct doc *doc);
void rows_event(struct doc *doc, const struct event *event);

#endif
