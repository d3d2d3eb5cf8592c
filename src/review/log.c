/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "report/escape.h"
#include "review/review.h"

static void
put_encoded(FILE *file, const char *name, const char *value)
{
	char text[700];

	text_percent(text, sizeof text, 600, value, strlen(value));
	fprintf(file, " %s=%s", name, *text == '\0' ? "-" : text);
}

/* Writes one line in one call, so that two reviewers' lines do not mix. */
bool
review_log(struct review *review, const char *what, const char *id,
    const char *message_id, const char *place, const char *outcome,
    struct error *error)
{
	char time_text[40], *line = NULL;
	size_t length = 0;
	time_t now = (time_t)review->now;
	struct tm tm;
	FILE *file = open_memstream(&line, &length);
	bool ok = false;

	if (file != NULL && localtime_r(&now, &tm) != NULL &&
	    strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%S%z", &tm) > 0) {
		fprintf(file, "%s", time_text);
		put_encoded(file, "user", review->who);
		fprintf(file, " action=%s id=%s", what, id);
		put_encoded(file, "message-id", message_id);
		put_encoded(file, "mail", place);
		fputs(" result: ", file);
		escape_terminal(file, outcome, 0);
		fputc('\n', file);
	}
	if (file != NULL && fclose(file) == 0)
		ok = write(review->log_fd, line, length) == (ssize_t)length;
	free(line);
	if (!ok)
		error_set_errno(error,
		    "%s/review.log: the action was carried out, but cannot be "
		    "logged",
		    review->state);
	return ok;
}
