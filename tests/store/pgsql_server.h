/* SPDX-License-Identifier: BSD-2-Clause */
/* A PostgreSQL server for the tests of one process: tests/support/postgres. */
#ifndef TESTS_STORE_PGSQL_SERVER_H
#define TESTS_STORE_PGSQL_SERVER_H

#include <stdbool.h>
#include <stddef.h>

/* Starts it if it does not run yet; it stops, and goes, at the process's end. */
const char *pgsql_server_folder(void);
/* "postgres COMMAND FOLDER"; ends the process when that fails. */
void pgsql_server(const char *command);
/* The URL of a fresh database. */
void pgsql_new_database(char *url, size_t size);
/* A signal to the server and all of its children. */
void pgsql_server_signal(int number);
void pgsql_do(const char *url, const char *sql);
/* How long the server's log is, and whether it says that behind so many octets. */
long pgsql_log_size(void);
bool pgsql_log_says(long from, const char *text);
/* One number that a query gives. */
long pgsql_ask(const char *url, const char *sql);

#endif
