/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "admin/cmd.h"
#include "admin/explain_event.h"
#include "admin/explain_visit.h"
#include "admin/lines.h"
#include "base/text.h"
#include "words/vocabulary.h"

static int
run(struct admin *admin)
{
	const char *ip = args_value(admin, "ip"), *sid = args_value(admin, "sid");
	const char *queue_id = args_value(admin, "queue-id");
	const char *message = args_value(admin, "message");
	int ways =
	    (ip != NULL) + (sid != NULL) + (queue_id != NULL) + (message != NULL);

	if (ways != 1)
		return usage(admin,
		    "exactly one of --ip, --sid, --queue-id and --message "
		    "is needed");
	if (ip != NULL)
		return explain_visit_from(admin, ip);
	if (args_value(admin, "name") != NULL ||
	    args_value(admin, "helo") != NULL ||
	    args_value(admin, "from") != NULL || args_value(admin, "to") != NULL ||
	    args_value(admin, "ptr") != NULL || args_value(admin, "spf") != NULL)
		return usage(admin,
		    "--name, --ptr, --helo, --from, --to and --spf go with "
		    "--ip");
	if (message != NULL)
		return explain_message(admin, message);
	return explain_event(admin, sid, queue_id);
}

static const char *const spf_words[] = {SPF_LIST(WORD_ALONE) NULL};
static const struct option_row options[] = {
    {"ip", "ADDRESS", "what would a visit from there get?", NULL, false},
    {"name", "NAME",
        "its verified name, or unknown (without: as on its last visit)", NULL,
        false},
    {"ptr", "NAME", "its name that does not lead back", NULL, false},
    {"helo", "NAME",
        "what it says at HELO (without: as on its last visit, or its name)", NULL,
        false},
    {"from", "ADDRESS", "the sender; \"<>\" is the null sender", NULL, false},
    {"to", "ADDRESS", "the recipient", NULL, false},
    {"spf", "RESULT", "take that for the SPF result of the sender", spf_words,
        false},
    {"sid", "ID", "what happened in that session (sid= of the header)", NULL,
        false},
    {"queue-id", "ID", "what happened to that message (Postfix's queue id)", NULL,
        false},
    {"message", "FILE", "what happened to this message (- = standard input)", NULL,
        false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_explain = {
    .name = "explain",
    .args = "--ip ADDRESS [--name NAME] [--helo NAME] [--from ADDRESS] [--to "
            "ADDRESS] | "
            "--sid ID | --queue-id ID | --message FILE",
    .help = "Say why a mail was late, or what a visit would get",
    .manual =
        "With --ip the daemon's own code is asked, with what is on record: each "
        "step of "
        "the judgement, which one spoke, the rule's number and pattern, the list's "
        "file "
        "and line, what is remembered and since when, what the next visit would "
        "get, and "
        "the header its message would carry. DNS is not asked; --spf takes a "
        "result for "
        "granted.\n\n"
        "Otherwise the event of a session or message is shown. --message reads the "
        "X-TaRgrey-Session header of a mail; where the event is gone, the header "
        "alone is shown.",
    .options = options,
    .run = run,
};
