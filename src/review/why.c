/* SPDX-License-Identifier: BSD-2-Clause */
/* The texts that head.h promises. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "review/head.h"

struct words {
	char *buf;
	size_t size, used;
};

static void say(struct words *words, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(struct words *words, const char *format, ...)
{
	va_list args;

	if (words->used + 3 >= words->size)
		return;
	if (words->used > 0)
		words->used += (size_t)snprintf(
		    words->buf + words->used, words->size - words->used, "; ");
	va_start(args, format);
	int length = vsnprintf(
	    words->buf + words->used, words->size - words->used, format, args);
	va_end(args);
	words->used += length < 0 ? 0 : (size_t)length;
	if (words->used >= words->size)
		words->used = words->size - 1;
}

const char *
head_notes(unsigned notes, char *buf, size_t size)
{
	static const struct {
		unsigned note;
		const char *text;
	} texts[] = {
	    {HEAD_CUT, "header longer than 256 KiB; the rest was not read"},
	    {HEAD_NULS, "NUL octets in the header"},
	    {HEAD_OTHER_SCORES, "other scores below, which do not count"},
	    {HEAD_NO_END, "no empty line after the header"},
	    {HEAD_BROKEN, "lines in the header that are not fields"},
	    {HEAD_ODD_SESSION, "X-TaRgrey-Session cannot be read"},
	    {HEAD_LACKS_RECIPIENTS, "envelope recipients that cannot be used"},
	};
	struct words words = {buf, size, 0};

	*buf = '\0';
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if ((notes & texts[i].note) != 0)
			say(&words, "%s", texts[i].text);
	}
	return buf;
}

static bool
is(const struct head *head, enum session_key key, const char *word)
{
	return strcmp(head->session.value[key], word) == 0;
}

static long
number(const struct head *head, enum session_key key)
{
	return strtol(head->session.value[key], NULL, 10);
}

/* One sentence per row, used when the key has that word. */
static const struct {
	enum session_key key;
	const char *word, *text;
} sentences[] = {
    {SK_RDNS, "none", "client has no name"},
    {SK_RDNS, "mismatch", "client's name does not lead back to it"},
    {SK_TARPIT, "shed", "hold cut short for want of places"},
    {SK_EARLY, "yes", "came back sooner than a mail server would"},
    {SK_HELO, "ours", "HELO claims our own name"},
    {SK_HELO, "ip", "HELO is a bare address"},
    {SK_HELO, "localhost", "HELO is localhost"},
    {SK_HELO, "bare", "HELO is not a full host name"},
    {SK_FROM, "self", "sender claims to be the recipient"},
    {SK_FROM, "ours", "sender claims the recipient's domain"},
    {SK_FROM, "nodns", "sender's domain accepts no mail"},
    {SK_SPF, "fail", "SPF fail"},
    {SK_SPF, "softfail", "SPF softfail"},
    {SK_SPF, "pass", "SPF pass"},
    {SK_PIPE, "yes", "client sent before its turn"},
};

static void
say_client(const struct head *head, struct words *words)
{
	if (is(head, SK_S25R, "match"))
		say(words, "end-user line by its name (S25R rule %s)",
		    head->session.value[SK_S25R_RULE]);
	if (is(head, SK_TARPIT, "endured") || is(head, SK_TARPIT, "unproven"))
		say(words, "stayed through a hold of %ld s%s",
		    number(head, SK_TARPIT_SECS),
		    is(head, SK_TARPIT, "endured") ? ""
		                                   : " (connection not visible)");
	if (is(head, SK_GREY, "passed") && number(head, SK_GREY_TRIES) > 0)
		say(words, "came back %ld times", number(head, SK_GREY_TRIES));
	if (number(head, SK_GAVEUP) > 0)
		say(words, "hung up on %ld earlier holds", number(head, SK_GAVEUP));
	for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
		if (is(head, sentences[i].key, sentences[i].word))
			say(words, "%s", sentences[i].text);
	}
	if (number(head, SK_PASSED) == 0 && number(head, SK_HAM) == 0)
		say(words, "no good mail from there before");
	else
		say(words, "%ld good visits before", number(head, SK_PASSED));
	if (number(head, SK_HAM) + number(head, SK_SPAM) > 0)
		say(words, "%ld ham and %ld spam before", number(head, SK_HAM),
		    number(head, SK_SPAM));
	if (number(head, SK_FORGED) > 0)
		say(words, "came with forged X-TaRgrey headers");
}

const char *
head_why(const struct head *head, char *buf, size_t size)
{
	struct words words = {buf, size, 0};

	*buf = '\0';
	if (*head->score.tests != '\0')
		say(&words, "%s", head->score.tests);
	if (head->score.may_discard)
		say(&words, "TARGREY_DISCARD_OK");
	if (head->has_session)
		say_client(head, &words);
	else if ((head->notes & HEAD_ODD_SESSION) != 0)
		say(&words, "X-TaRgrey-Session cannot be read");
	else if ((head->notes & HEAD_CUT) != 0)
		say(&words, "no X-TaRgrey-Session in what was read of the header");
	else
		say(&words, "no X-TaRgrey-Session");
	return buf;
}
