/* SPDX-License-Identifier: BSD-2-Clause */
#include "review/cmds.h"

static const struct command *const commands[] = {&command_list, &command_show,
    &command_release, &command_spam, &command_ham, &command_discard, &command_undo,
    &command_audit, &command_purge, &command_log,
#ifdef TARGREY_SCREEN
    &command_screen,
#endif
#ifdef TARGREY_WEB
    &command_serve,
#endif
    NULL};

static const char *const learners[] = {"nothing", "sa-learn", "spamc", NULL};

static const struct option_row options[] = {
    {"config", "FILE",
        "read this configuration instead of " CONFIG_DEFAULT_PATH
        ", which need not be there",
        NULL, false},
    {"mark", "SCORE", "the score from which mail is spam (review.mark)", NULL,
        false},
    {"inbox", "FOLDER", "where released mail goes (review.inbox)", NULL, false},
    {"spam-folder", "FOLDER", "where confirmed spam goes (review.spam_folder)",
        NULL, false},
    {"learn", "PROGRAM", "what learns from decisions (review.learn)", learners,
        false},
    {"amavis-socket", "PATH", "amavis' AM.PDP socket (review.amavis_socket)", NULL,
        false},
    {"sendmail", "PATH", "the program that sends mail again (review.sendmail)",
        NULL, false},
    {"database", "URL", "targrey's record, not that of the configuration", NULL,
        false},
    {"state", "FOLDER",
        "where index and log are ($XDG_STATE_HOME/targrey, else "
        "~/.local/state/targrey)",
        NULL, false},
    PROGRAM_OPTIONS,
};

const struct program targrey_review = {
    .name = "targrey-review",
    .section = "1",
    .summary =
        "look through what the content filter sorted out, the most doubtful first",
    .intro =
        "targrey-review lists mail by how certain its score is, so that a person "
        "looks at borderline mail first, and releases, confirms or discards it. It "
        "works on any Maildir, mbox or amavis quarantine, and says more about mail "
        "that came through targrey. Whatever is done is logged. Text that came "
        "from strangers is shown so that it can do no harm.",
    .exit_status =
        "0: done. 1: it, or a part of it, could not be done; the reason is on "
        "standard error. 2: the command line was not understood; what is allowed "
        "is on standard error.",
    .see_also = ".Xr targrey.conf 5 ,\n.Xr targreyctl 8\n",
    .commands = commands,
    .options = options,
};
