/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpq, loaded when a PostgreSQL URL is first seen. With the libraries it needs
 * (TLS, Kerberos, LDAP) there are two dozen: a host that keeps its record in SQLite
 * neither waits for them nor has them in its processes.
 *
 * libpq.PQclear() is PQclear() of PostgreSQL's manual, and so on.
 */
#ifndef STORE_PGSQL_LIBPQ_H
#define STORE_PGSQL_LIBPQ_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "base/error.h"

#define LIBPQ_FUNCTIONS(X)                                                         \
	X(PQclear)                                                                 \
	X(PQcmdStatus)                                                             \
	X(PQcmdTuples)                                                             \
	X(PQconndefaults)                                                          \
	X(PQconnectPoll)                                                           \
	X(PQconnectStartParams)                                                    \
	X(PQconninfoFree)                                                          \
	X(PQconninfoParse)                                                         \
	X(PQconsumeInput)                                                          \
	X(PQenterPipelineMode)                                                     \
	X(PQerrorMessage)                                                          \
	X(PQexitPipelineMode)                                                      \
	X(PQfinish)                                                                \
	X(PQflush)                                                                 \
	X(PQfreemem)                                                               \
	X(PQgetResult)                                                             \
	X(PQgetisnull)                                                             \
	X(PQgetvalue)                                                              \
	X(PQisBusy)                                                                \
	X(PQntuples)                                                               \
	X(PQparameterStatus)                                                       \
	X(PQpipelineStatus)                                                        \
	X(PQpipelineSync)                                                          \
	X(PQresultErrorField)                                                      \
	X(PQresultErrorMessage)                                                    \
	X(PQresultStatus)                                                          \
	X(PQsendPrepare)                                                           \
	X(PQsendQuery)                                                             \
	X(PQsendQueryParams)                                                       \
	X(PQsendQueryPrepared)                                                     \
	X(PQsetNoticeReceiver)                                                     \
	X(PQsetnonblocking)                                                        \
	X(PQsocket)                                                                \
	X(PQstatus)

struct libpq {
#define LIBPQ_MEMBER(name) __typeof__(name) *name;
	LIBPQ_FUNCTIONS(LIBPQ_MEMBER)
#undef LIBPQ_MEMBER
};

/* Valid once libpq_load() has returned true; never unloaded. */
extern struct libpq libpq;

/* From any thread, any number of times; false with what to install. */
bool libpq_load(struct error *error);

#endif
