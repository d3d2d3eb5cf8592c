/* SPDX-License-Identifier: BSD-2-Clause */
/* A build with -DWITH_PGSQL=OFF: linked with a backend.c that was built so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/config.h"
#include "query/query.h"
#include "store/store.h"

static const char *const urls[] = {"postgresql://targrey@db.example.jp/targrey",
    "postgres:///targrey?host=/run/postgresql"};

static void
a_server_in_the_configuration_is_a_clear_error(void **state)
{
	char path[] = "/tmp/targrey-config-XXXXXX", wanted[400];
	struct error error = {""};

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		int fd = mkstemp(path);
		FILE *file = fdopen(fd, "w");
		assert_non_null(file);
		fprintf(
		    file, "mode = \"observe\"\nstore { url = \"%s\" }\n", urls[i]);
		fclose(file);
		assert_null(config_load(path, &error));
		snprintf(wanted, sizeof wanted,
		    "%s:2: store.url: this targrey was built without "
		    "PostgreSQL (WITH_PGSQL): use sqlite:/path, or a build with it",
		    path);
		if (strncmp(error.text, wanted, strlen(wanted)) != 0)
			fail_msg("%s", error.text);
		unlink(path);
		strcpy(path, "/tmp/targrey-config-XXXXXX");
	}
}

static void
so_it_is_for_targreyctl(void **state)
{
	struct error error = {""};

	(void)state;
	assert_null(query_open(urls[0], false, &error));
	assert_non_null(
	    strstr(error.text, "this targrey was built without PostgreSQL"));
}

static void
files_are_opened_as_ever(void **state)
{
	struct error error = {""};

	(void)state;
	assert_true(store_check_url("sqlite:/var/lib/targrey/targrey.db", &error));
	assert_true(store_check_url("memory:", &error));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_server_in_the_configuration_is_a_clear_error),
	    cmocka_unit_test(so_it_is_for_targreyctl),
	    cmocka_unit_test(files_are_opened_as_ever),
	};

	return cmocka_run_group_tests_name("without_pgsql", tests, NULL, NULL);
}
