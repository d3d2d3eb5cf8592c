/* SPDX-License-Identifier: BSD-2-Clause */
#include "maillog/unread.h"

#include <string.h>

#include "base/text.h"

void
unread_keep(struct log_unread *unread, const char *text, char copy[static 200])
{
	unread->lines++;
	text_copy(copy, 200, text);
}

void
unread_count(
    struct log_unread *unread, const struct log_line *line, const char *copy)
{
	if (line->kind == LOG_BROKEN) {
		if (unread->broken++ == 0)
			text_copy(
			    unread->broken_text, sizeof unread->broken_text, copy);
	} else if (line->kind == LOG_DOUBTFUL) {
		if (unread->doubtful++ == 0)
			text_copy(unread->doubtful_text,
			    sizeof unread->doubtful_text, copy);
	}
	unread->mail += line->kind != LOG_BROKEN && line->kind != LOG_OTHER;
}

static bool
is_noticeable(uint64_t part, uint64_t whole)
{
	return part > 0 && part * 100 >= whole;
}

void
unread_write(const struct log_unread *unread, const char *command, struct doc *doc)
{
	if (is_noticeable(unread->broken, unread->lines))
		doc_say(doc, "%llu of %llu lines are in no known form, such as: %s",
		    (unsigned long long)unread->broken,
		    (unsigned long long)unread->lines, unread->broken_text);
	if (unread->doubtful > 0)
		doc_say(doc,
		    "%llu lines of content filters were not used: they can be read "
		    "in two ways, or are not as the program writes them by "
		    "default, such as: %s",
		    (unsigned long long)unread->doubtful, unread->doubtful_text);
	if (unread->lines > 0 && unread->mail == 0)
		doc_say(doc,
		    "No line is from Postfix, amavis, spamd or rspamd: is this "
		    "the right log?");
	if (is_noticeable(unread->broken, unread->lines) ||
	    (unread->lines > 0 && unread->mail == 0))
		doc_say(doc,
		    "The journal is best read by: journalctl "
		    "--facility=mail --all -o short-iso --since -30d | targreyctl "
		    "%s -",
		    command);
}
