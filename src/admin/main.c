/* SPDX-License-Identifier: BSD-2-Clause */
/* targreyctl(8) */
#include <locale.h>

#include "admin/cmd.h"
#include "base/log.h"

int
main(int argc, char **argv)
{
	struct admin admin = {.program = &targreyctl, .out = stdout, .err = stderr};
	struct error error;

	setlocale(LC_TIME, "");
	log_to_stderr(targreyctl.name);
	log_set_level(LOG_LEVEL_WARNING);
	clock_init(&admin.clock);
	if (!clock_map_shift(&admin.clock, &error))
		return failed(&admin, &error);
	int code = program_run(&admin, argc, argv);
	query_close(&admin.query);
	config_free(&admin.config);
	if (fflush(stdout) != 0 && code == EXIT_OK)
		code = EXIT_FAILED;
	return code;
}
