/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spamd's line for a message (spamd's check()):
 *
 *   spamd: result: Y 15 - TEST,TEST scantime=1.0,size=2,user=u,uid=1,
 *   required_score=5.0,rhost=h,raddr=a,rport=1,mid=<m>,rmid=<r>,bayes=...
 *
 * spamd writes commas, blanks and control characters of a Message-ID as "_"; only
 * the user's name, which the caller gives, may hold a comma.
 */
#include <string.h>

#include "maillog/scan_private.h"

/* Skips ",key=" and its value, which holds no comma; NULL: at begins otherwise. */
static char *
value(char *at, const char *key)
{
	at = scan_after(at, key);
	return at == NULL ? NULL : at + strcspn(at, ",");
}

void
scan_spamd(struct log_line *line, char *text)
{
	static const char *const keys[] = {"scantime=", ",size=", ",user=", ",uid=",
	    ",required_score=", ",rhost=", ",raddr=", ",rport="};
	char *at = scan_after(text, "spamd: result: ");

	if (at == NULL)
		return;
	line->kind = LOG_DOUBTFUL;
	if ((*at != 'Y' && *at != '.') || at[1] != ' ')
		return;
	line->verdict = *at == 'Y' ? "spam" : "ham";
	at += 2 + strspn(at + 2, " ");
	if (!scan_score(at, " ", &line->score))
		return;
	at = scan_after(at + strcspn(at, " "), " - ");
	at = at == NULL ? NULL : strchr(at, ' ');
	if (at == NULL)
		return;
	at++;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		if ((at = value(at, keys[i])) == NULL)
			return;
	}
	char *id = scan_after(at, ",mid=");
	if (id == NULL || scan_count(at, ",mid=") != 1)
		return;
	scan_cut(id, ",");
	size_t length = strlen(id);
	if (length < 3 || *id != '<' || id[length - 1] != '>') {
		/* "(unknown)": no Message-ID */
		line->kind = LOG_NO_RESULT;
		return;
	}
	line->kind = LOG_VERDICT;
	line->message_id = id;
}
