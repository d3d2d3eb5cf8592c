/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/cmd.h"

static const struct command *const commands[] = {&command_status, &command_doctor,
    &command_explain, &command_report, &command_lost, &command_show, &command_list,
    &command_find, &command_allow, &command_unallow, &command_forget,
    &command_expire, &command_learn_log, &command_metrics, &command_s25r,
    &command_import, &command_config, &command_backup, &command_migrate,
    &command_check_db,
#ifdef TARGREY_WEB
    &command_serve,
#endif
    NULL};

static const struct option_row options[] = {
    {"config", "FILE", "read this configuration instead of " CONFIG_DEFAULT_PATH,
        NULL, false},
    {"database", "URL", "look into this database, not that of the configuration",
        NULL, false},
    PROGRAM_OPTIONS,
};

const struct program targreyctl = {
    .name = "targreyctl",
    .section = "8",
    .summary = "explain, list, report and change what targreyd remembers",
    .intro = "targreyctl answers from the daemon's database, whether targreyd runs "
             "or not. It "
             "reads without disturbing it; what it changes is seen by the daemon "
             "within a "
             "second. Text that came from clients is shown so that it can do no "
             "harm to a "
             "terminal, a browser or a spreadsheet.",
    .exit_status =
        "0: done. 1: it could not be done; the reason is on standard error. 2: the "
        "command line "
        "was not understood; what is allowed is on standard error. For check-db 1 "
        "also "
        "means that something was found, for migrate that the two differ.",
    .see_also = ".Xr targrey.conf 5 ,\n.Xr targreyd 8\n",
    .commands = commands,
    .options = options,
};
