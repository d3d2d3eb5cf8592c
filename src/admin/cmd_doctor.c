/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checks are those of targrey-setup(8), which is installed beside targreyctl.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "admin/cmd.h"

#define SETUP "targrey-setup"

static bool
setup_path(char *path, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", path, size - 1);

	if (length <= 0)
		return false;
	path[length] = '\0';
	char *name = strrchr(path, '/');
	if (name == NULL || (size_t)(name + 1 - path) + sizeof SETUP > size)
		return false;
	memcpy(name + 1, SETUP, sizeof SETUP);
	return true;
}

static int
run(struct admin *admin)
{
	const char *config = args_value(admin, "config");
	const char *mail = args_value(admin, "mail");
	const char *line[8] = {SETUP, "--check"};
	char path[4096] = SETUP;
	struct error error;
	int count = 2;

	if (config != NULL) {
		line[count++] = "--config";
		line[count++] = config;
	}
	if (mail != NULL) {
		line[count++] = "--to";
		line[count++] = mail;
	}
	fflush(NULL);
	if (setup_path(path, sizeof path))
		execv(path, (char *const *)line);
	error_set_errno(&error, "%s", path);
	return failed(admin, &error);
}

static const struct option_row options[] = {
    {"mail", "ADDRESS",
        "send a test mail to it, as if from outside, and show its headers", NULL,
        false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_doctor = {
    .name = "doctor",
    .args = "",
    .help = "Look at Postfix, SpamAssassin and this host, and say what to do",
    .manual =
        "The checks of targrey-setup(8), which changes nothing here: lines that "
        "begin with \"set\" are what targrey-setup --apply would set, those that "
        "begin with \"look\" need a person. The exit status is 1 when there are "
        "any of either. To be run by root, who may read all settings.",
    .options = options,
    .run = run,
};
