/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LD_PRELOAD: in the daemon's main thread, when it first waits for its signals,
 * tries what somebody would who got into it, and writes how each ended into the
 * file named by $TRY_FORBIDDEN. $TRY_OUTSIDE is a folder that no setting names.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int out = -1;
static char folder[512], file[1024], made[1024], beside[1024], rules[1024];

/* Open before the daemon gives up what it does. */
__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("TRY_FORBIDDEN");
	const char *socket_folder = getenv("TRY_SOCKET_FOLDER");
	const char *outside = getenv("TRY_OUTSIDE");

	if (path == NULL || socket_folder == NULL || outside == NULL)
		_exit(99);
	out = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (out < 0)
		_exit(99);
	snprintf(
	    folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
	snprintf(file, sizeof file, "%s/file", outside);
	snprintf(made, sizeof made, "%s/made", outside);
	snprintf(rules, sizeof rules, "%s/s25r.rules", folder);
	snprintf(beside, sizeof beside, "%s/tried", socket_folder);
}

static void
tell(const char *what, bool ok)
{
	int error = errno;

	dprintf(out, "%s: %s\n", what, ok ? "done" : strerror(error));
}

static bool
can_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return fd >= 0;
}

/* Each in the child that fork makes, where there is one. */
static bool
can_fork(bool and_exec)
{
	char *const line[] = {"true", NULL};
	int status;
	pid_t pid = (pid_t)syscall(SYS_fork);

	if (pid == 0) {
		if (and_exec)
			execv("/bin/true", line);
		_exit(and_exec ? 1 : 0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool
can_exec(void)
{
	/* Without a path it never works: only what it says differs. */
	syscall(SYS_execve, NULL, NULL, NULL);
	return errno == EFAULT && can_fork(true);
}

static void *
nothing(void *arg)
{
	return arg;
}

static void
try_calls(void)
{
	pthread_t thread;
	struct rlimit limit = {1, 1};

	tell("exec", can_exec());
	tell("fork", can_fork(false));
	/* PTRACE_PEEKTEXT of no process: ESRCH where there is such a call */
	syscall(SYS_ptrace, 1, 0, 0, 0);
	tell("ptrace", errno == ESRCH);
	tell("kill", syscall(SYS_kill, getppid(), 0) == 0 || errno == EPERM);
	tell("process_vm_readv",
	    syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0) == 0);
	tell("mount", syscall(SYS_mount, "a", "/", "b", 0, NULL) == 0);
	tell("bpf", syscall(SYS_bpf, 0, NULL, 0) == 0);
	tell("raw socket", socket(AF_PACKET, SOCK_RAW, 0) >= 0);
	tell(
	    "setrlimit", syscall(SYS_prlimit64, 0, RLIMIT_CORE, &limit, NULL) == 0);
	tell("thread", pthread_create(&thread, NULL, nothing, NULL) == 0 &&
	                   pthread_join(thread, NULL) == 0);
}

static void
try_files(void)
{
	tell("read the rules", can_open(rules, O_RDONLY));
	tell("make beside the socket",
	    can_open(beside, O_WRONLY | O_CREAT) && unlink(beside) == 0);
	tell("read elsewhere", can_open(file, O_RDONLY));
	tell("make elsewhere", can_open(made, O_WRONLY | O_CREAT));
	tell("remove elsewhere", unlink(file) == 0);
	tell("list /home", can_open("/home", O_RDONLY | O_DIRECTORY));
	tell("write to /etc", can_open("/etc/passwd", O_WRONLY));
}

int
poll(struct pollfd *fds, nfds_t count, int timeout)
{
	static bool has_tried;

	/* main's: signals, worlds, status */
	if (count == 3 && getpid() == gettid() && !has_tried) {
		has_tried = true;
		try_calls();
		try_files();
		dprintf(out, "end: done\n");
	}
	return (int)syscall(SYS_poll, fds, count, timeout);
}
