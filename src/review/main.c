/* SPDX-License-Identifier: BSD-2-Clause */
/* targrey-review(1) */
#include <gmime/gmime.h>
#include <locale.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "review/cmds.h"

#ifdef TARGREY_SCREEN
static const bool has_screen = true;
#else
static const bool has_screen = false;
#endif

int
main(int argc, char **argv)
{
	struct admin admin = {
	    .program = &targrey_review, .out = stdout, .err = stderr};

	setlocale(LC_TIME, "");
	signal(SIGPIPE, SIG_IGN);
	log_to_stderr(targrey_review.name);
	log_set_level(LOG_LEVEL_WARNING);
	clock_init(&admin.clock);
	g_mime_init();
	char screen[] = "screen", *alone[] = {argv[0], screen, NULL};
	bool is_alone = has_screen && argc == 1 && isatty(0) && isatty(1);
	int code = is_alone ? program_run(&admin, 2, alone)
	                    : program_run(&admin, argc, argv);
	close_review(&admin);
	query_close(&admin.query);
	config_free(&admin.config);
	g_mime_shutdown();
	if (fflush(stdout) != 0 && code == EXIT_OK)
		code = EXIT_FAILED;
	return code;
}
