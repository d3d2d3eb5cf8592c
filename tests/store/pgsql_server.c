/* SPDX-License-Identifier: BSD-2-Clause */
#include "pgsql_server.h"

#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];
static pid_t owner;

static void
run(const char *command, const char *more)
{
	char line[512];

	snprintf(line, sizeof line, "%s %s %s %s", POSTGRES_SCRIPT, command, folder,
	    more);
	if (system(line) != 0) {
		fprintf(stderr, "failed: %s\n", line);
		_exit(1);
	}
}

static void
end_server(void)
{
	char line[128];

	if (getpid() != owner)
		return;
	pgsql_server_signal(SIGCONT);
	run("kill", "");
	snprintf(line, sizeof line, "rm -rf %s", folder);
	(void)!system(line);
}

const char *
pgsql_server_folder(void)
{
	if (folder[0] != '\0')
		return folder;
	snprintf(folder, sizeof folder, "/tmp/targrey-pg-XXXXXX");
	if (mkdtemp(folder) == NULL) {
		perror(folder);
		_exit(1);
	}
	owner = getpid();
	run("start", "'' fsync=off");
	atexit(end_server);
	return folder;
}

void
pgsql_server(const char *command)
{
	run(command, "");
}

void
pgsql_server_signal(int number)
{
	char line[256];

	/* Children first: the parent would start those anew that end. */
	snprintf(line, sizeof line,
	    "pid=$(%s pid %s 2>/dev/null) && kill -%d $pid $(ps -o pid= --ppid "
	    "$pid)",
	    POSTGRES_SCRIPT, folder, number);
	(void)!system(line);
}

static FILE *
open_log(void)
{
	char path[128];

	snprintf(path, sizeof path, "%s/log", folder);
	FILE *file = fopen(path, "r");
	if (file == NULL) {
		perror(path);
		exit(1);
	}
	return file;
}

long
pgsql_log_size(void)
{
	FILE *file = open_log();

	fseek(file, 0, SEEK_END);
	long size = ftell(file);
	fclose(file);
	return size;
}

bool
pgsql_log_says(long from, const char *text)
{
	FILE *file = open_log();
	char line[4096];
	bool says = false;

	fseek(file, from, SEEK_SET);
	while (!says && fgets(line, sizeof line, file) != NULL)
		says = strstr(line, text) != NULL;
	fclose(file);
	return says;
}

static PGresult *
ask(const char *url, const char *sql, PGconn **conn_r)
{
	PGconn *conn = PQconnectdb(url);
	PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
		fprintf(stderr, "%s: %s\n", sql, PQerrorMessage(conn));
		exit(1); /* ends the server, too */
	}
	*conn_r = conn;
	return result;
}

void
pgsql_new_database(char *url, size_t size)
{
	static unsigned count;
	char sql[64];
	PGconn *conn;

	snprintf(url, size, "postgresql:///postgres?host=%s&user=postgres",
	    pgsql_server_folder());
	snprintf(
	    sql, sizeof sql, "CREATE DATABASE t%u TEMPLATE template0", ++count);
	PQclear(ask(url, sql, &conn));
	PQfinish(conn);
	snprintf(url, size, "postgresql:///t%u?host=%s&user=postgres", count,
	    pgsql_server_folder());
}

void
pgsql_do(const char *url, const char *sql)
{
	PGconn *conn;

	PQclear(ask(url, sql, &conn));
	PQfinish(conn);
}

long
pgsql_ask(const char *url, const char *sql)
{
	PGconn *conn;
	PGresult *result = ask(url, sql, &conn);
	long number = strtol(PQgetvalue(result, 0, 0), NULL, 10);

	PQclear(result);
	PQfinish(conn);
	return number;
}
