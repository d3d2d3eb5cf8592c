/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that runs postconf for the daemon, once the daemon itself may start no
 * programs. It does nothing else, and ends with the daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/block.h"
#include "base/log.h"
#include "postfix/run_private.h"

#define PATIENCE_MS 8000 /* longer than postconf's own time limit */
#define ANSWER_MAX  (1 + POSTCONF_OUTPUT_MAX)

/* The socket to it, or -1; used by one thread. */
static int helper = -1;

/* Each question is one octet, and its answer begins with it. */
static void
serve(int fd, const char *folder, const char *const *names)
{
	static char answer[ANSWER_MAX];

	while (recv(fd, answer, 1, 0) == 1) {
		char *text = postconf_start(folder, names);
		size_t length = text == NULL ? 0 : strlen(text);
		if (length > 0)
			memcpy(answer + 1, text, length);
		free(text);
		if (send(fd, answer, 1 + length, MSG_NOSIGNAL) < 0)
			break;
	}
}

/* It keeps nothing of the daemon's and ends only when the daemon does. */
static _Noreturn void
be_helper(int fd, const char *folder, const char *const *names)
{
	int null = open("/dev/null", O_RDWR);
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "targrey-postcon");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	for (int i = 0; null >= 0 && i <= STDERR_FILENO; i++)
		dup2(null, i);
	if (dup2(fd, STDERR_FILENO + 1) < 0)
		_exit(EXIT_FAILURE);
	closefrom(STDERR_FILENO + 2);
	serve(STDERR_FILENO + 1, folder, names);
	_exit(EXIT_SUCCESS);
}

bool
postconf_helper_start(
    const char *folder, const char *const *names, struct error *error)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		error_set_errno(error, "a socket for postconf");
		return false;
	}
	pid_t pid = fork();
	if (pid == 0)
		be_helper(ends[1], folder, names);
	if (pid < 0)
		error_set_errno(error, "a process for postconf");
	close(ends[1]);
	if (pid < 0)
		close(ends[0]);
	else
		helper = ends[0];
	return pid > 0;
}

/* Late answers to earlier questions are skipped. */
static ssize_t
receive(char number, char answer[static ANSWER_MAX])
{
	struct pollfd ready = {helper, POLLIN, 0};
	ssize_t length;

	do {
		if (poll(&ready, 1, PATIENCE_MS) <= 0)
			return -1;
		length = recv(helper, answer, ANSWER_MAX, MSG_DONTWAIT);
	} while (length > 0 && answer[0] != number);
	return length;
}

char *
postconf_run(const char *folder, const char *const *names)
{
	static char number;

	if (helper < 0)
		return postconf_start(folder, names);
	char *answer = malloc(ANSWER_MAX + 1);
	number++;
	block_declare("postconf");
	ssize_t length = -1;
	if (answer == NULL)
		log_warnx("cannot run postconf: out of memory");
	else if (send(helper, &number, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
		length = receive(number, answer);
	if (answer != NULL && length <= 0)
		log_warnx("cannot run postconf: the process that runs it for the "
		          "daemon has ended or is stuck; restart targreyd");
	if (length <= 1) {
		free(answer);
		return NULL;
	}
	memmove(answer, answer + 1, (size_t)length - 1);
	answer[length - 1] = '\0';
	return answer;
}
