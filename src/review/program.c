/* SPDX-License-Identifier: BSD-2-Clause */
/* Other programs that receive a mail: sendmail, sa-learn, spamc. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "review/head.h"
#include "review/review.h"
#include "review/unpack_private.h"

#define LINE_MOST 65536

/* Copies a mail line by line, leaving out the named header fields. */
struct copying {
	FILE *to;
	const char *const *left_out; /* NULL-terminated, or NULL */
	bool in_header, skips, at_start;
};

static bool
is_left_out(const struct copying *copying, const char *line, size_t length)
{
	for (const char *const *name = copying->left_out; *name != NULL; name++) {
		size_t size = strlen(*name);
		if (length > size && line[size] == ':' &&
		    strncasecmp(line, *name, size) == 0)
			return true;
	}
	return false;
}

static void
copy_line(struct copying *copying, const char *line, size_t length, bool is_begin)
{
	if (copying->in_header && is_begin) {
		if (line[0] == '\n' || (line[0] == '\r' && length <= 2))
			copying->in_header = copying->skips = false;
		else if (line[0] != ' ' && line[0] != '\t')
			copying->skips = copying->left_out != NULL &&
			                 (is_left_out(copying, line, length) ||
			                     (copying->at_start && length > 5 &&
			                         memcmp(line, "From ", 5) == 0));
	}
	copying->at_start = false;
	if (!copying->skips)
		fwrite(line, 1, length, copying->to);
}

/* limit: octets of the packed file, for an mbox; 0 = to its end */
static bool
copy_mail(
    int fd, bool is_gzip, int64_t limit, const char *const *left_out, FILE *to)
{
	struct copying copying = {to, left_out, left_out != NULL, false, true};
	GMimeStream *stream = unpack_stream(fd, is_gzip, limit);
	char *line = malloc(LINE_MOST);
	bool is_begin = true;
	ssize_t got = 0;

	GMimeStream *lines =
	    g_mime_stream_buffer_new(stream, GMIME_STREAM_BUFFER_BLOCK_READ);
	while (line != NULL &&
	       (got = g_mime_stream_buffer_gets(lines, line, LINE_MOST)) > 0) {
		copy_line(&copying, line, (size_t)got, is_begin);
		is_begin = line[got - 1] == '\n';
	}
	g_object_unref(lines);
	g_object_unref(stream);
	free(line);
	return got == 0 && line != NULL && fflush(to) == 0 && !ferror(to);
}

static void
become(const char *const argv[], int in, int out)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *empty[] = {path, NULL, NULL};
	const char *home = getenv("HOME");
	char home_text[PATH_MAX];

	if (home != NULL) {
		snprintf(home_text, sizeof home_text, "HOME=%s", home);
		empty[1] = home_text;
	}
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	execvpe(argv[0], (char *const *)(uintptr_t)argv, empty);
	dprintf(2, "%s: %s", argv[0], strerror(errno));
	_exit(127);
}

/* Longest wait for one mail: other mails, and the page, are waiting too. */
#define PATIENCE_MS 120000

static int64_t
patience_ms(void)
{
#ifdef TARGREY_TEST_CLOCK
	const char *text = getenv("TARGREY_TEST_PATIENCE_MS");
	int64_t patience;

	if (text != NULL && text_integer(text, 1, PATIENCE_MS, &patience))
		return patience;
#endif
	return PATIENCE_MS;
}

/* Its output as one line; the rest is dropped. false: it did not end in time. */
static bool
read_answer(int fd, char *answer, size_t size)
{
	int64_t until = clock_real_ms() + patience_ms();
	struct pollfd wait = {fd, POLLIN, 0};
	char buf[4096];
	size_t used = 0;
	ssize_t got = 1;

	while (got != 0) {
		int64_t left = until - clock_real_ms();
		if (left <= 0)
			break;
		if (poll(&wait, 1, (int)left) <= 0)
			continue;
		got = read(fd, buf, sizeof buf);
		if (got < 0 && errno != EINTR)
			break;
		for (ssize_t i = 0; i < got && used + 1 < size; i++)
			answer[used++] = (unsigned char)buf[i] < ' ' ? ' ' : buf[i];
	}
	answer[used] = '\0';
	text_copy(buf, sizeof buf, answer);
	text_copy(answer, size, text_trim(buf));
	return got == 0;
}

static bool
run_with(const char *const argv[], int in, char *answer, size_t size,
    struct error *error)
{
	int out[2], status = -1;
	bool has_ended = true;

	if (pipe2(out, O_CLOEXEC) != 0) {
		error_set_errno(error, "%s", argv[0]);
		return false;
	}
	pid_t pid = fork();
	if (pid == 0)
		become(argv, in, out[1]);
	close(out[1]);
	if (pid > 0) {
		has_ended = read_answer(out[0], answer, size);
		if (!has_ended)
			kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(out[0]);
	if (pid < 0)
		error_set_errno(error, "%s", argv[0]);
	else if (!has_ended)
		error_set(error, "%s: did not finish within %lld s, and was killed",
		    argv[0], (long long)(patience_ms() + 999) / 1000);
	else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		error_set(error, "%s: exit status %d: %.300s", argv[0],
		    WEXITSTATUS(status), answer);
	else if (!WIFEXITED(status))
		error_set(
		    error, "%s: ended by signal %d", argv[0], WTERMSIG(status));
	return pid > 0 && has_ended && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

/*
 * Starts a program with the rest of fd, unpacked, as its standard input; joins its
 * output into one line in answer.
 */
static bool
run_program(const char *const argv[], int fd, bool is_gzip, int64_t limit,
    const char *const *left_out, char *answer, size_t size, struct error *error)
{
	FILE *mail = tmpfile();
	bool ok = false;

	*answer = '\0';
	if (mail == NULL || !copy_mail(fd, is_gzip, limit, left_out, mail)) {
		error_set_errno(error, "cannot copy the mail for %s", argv[0]);
	} else {
		rewind(mail);
		lseek(fileno(mail), 0, SEEK_SET);
		ok = run_with(argv, fileno(mail), answer, size, error);
	}
	if (mail != NULL)
		fclose(mail);
	return ok;
}

bool
learn(enum learner learner, const char *what, const struct mail *mail, int fd,
    struct error *error)
{
	char option[16], answer[400];
	const char *const sa_learn[] = {"sa-learn", option, "-", NULL};
	const char *const spamc[] = {"spamc", "-L", what, NULL};

	snprintf(option, sizeof option, "--%s", what);
	return learner == LEARN_NONE ||
	       run_program(learner == LEARN_SPAMC ? spamc : sa_learn, fd,
	           is_packed(mail->name),
	           mail->kind == FOLDER_MBOX ? mail->size : 0, NULL, answer,
	           sizeof answer, error);
}

/* The arguments before the recipients. */
#define FIXED 5
/* Of which no two stand together, so that half as many arguments are enough. */
#define RECIPIENTS_SIZE 2048

bool
reinject(const struct review *review, const struct mail *mail, int fd,
    char *outcome, size_t size, struct error *error)
{
	/* added by delivery and quarantine; Postfix would see a mail loop */
	static const char *const left_out[] = {"Return-Path", "Delivered-To",
	    "X-Original-To", "X-Envelope-From", "X-Envelope-To",
	    "X-Envelope-To-Blocked", "X-Quarantine-ID", NULL};
	const char *argv[FIXED + RECIPIENTS_SIZE / 2 + 1] = {
	    review->sendmail, "-i", "-f", mail->envelope_from, "--"};
	char recipients[RECIPIENTS_SIZE], answer[400], *rest = NULL;
	bool lacks = review->to == NULL && mail->notes & HEAD_LACKS_RECIPIENTS;
	size_t count = FIXED;

	if (lacks || !text_copy(recipients, sizeof recipients,
	                 review->to != NULL ? review->to : mail->envelope_to)) {
		error_set(error,
		    "not every recipient can be reached: too many of them, or "
		    "malformed addresses; give --to ADDRESS");
		return false;
	}
	for (char *at = strtok_r(recipients, " ,", &rest); at != NULL;
	     at = strtok_r(NULL, " ,", &rest))
		argv[count++] = at;
	if (count == FIXED) {
		error_set(error,
		    "the header names no envelope recipient; give --to ADDRESS");
		return false;
	}
	/* sendmail(1) takes "" for the null sender */
	if (!run_program(argv, fd, is_packed(mail->name),
	        mail->kind == FOLDER_MBOX ? mail->size : 0, left_out, answer,
	        sizeof answer, error))
		return false;
	snprintf(outcome, size, "sent again from <%s> to %s", mail->envelope_from,
	    review->to != NULL ? review->to : mail->envelope_to);
	return true;
}
