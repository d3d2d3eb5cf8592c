/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __s390__
#define CLONE_FLAGS 1 /* the argument that they are */
#else
#define CLONE_FLAGS 0 /* the argument that they are */
#endif

#define PATIENCE_S 5

/* The only process that it may send signals to: itself, as abort() does. */
static pid_t daemon_pid;

/*
 * By name, where this architecture has them: the calls that the daemon, libmilter,
 * SQLite, c-ares, libpq with OpenSSL, and libc make, in older and newer forms.
 * None that starts a program or a process, inspects another one, mounts, changes
 * users, limits or the clock, or loads code into the kernel.
 */
static const char *const calls[] = {
    /* memory; PCRE2 compiles patterns to machine code */
    "brk", "madvise", "mmap", "mmap2", "mprotect", "mremap", "munmap",
    /* files */
    "_llseek", "access", "chmod", "chown", "chown32", "close", "close_range", "dup",
    "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fadvise64_64",
    "fallocate", "fchmod", "fchmodat", "fchown", "fchown32", "fchownat", "fcntl",
    "fcntl64", "fdatasync", "flock", "fstat", "fstat64", "fstatat64", "fstatfs",
    "fstatfs64", "fsync", "ftruncate", "ftruncate64", "getcwd", "getdents",
    "getdents64", "lchown", "lchown32", "lseek", "lstat", "lstat64", "mkdir",
    "mkdirat", "newfstatat", "open", "openat", "pipe", "pipe2", "pread64", "preadv",
    "pwrite64", "pwritev", "read", "readlink", "readlinkat", "readv", "rename",
    "renameat", "renameat2", "rmdir", "stat", "stat64", "statfs", "statfs64",
    "statx", "truncate", "truncate64", "umask", "unlink", "unlinkat", "write",
    "writev",
    /* sockets */
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname",
    "getsockopt", "listen", "recv", "recvfrom", "recvmmsg", "recvmmsg_time64",
    "recvmsg", "send", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
    "socketcall", "socketpair",
    /* waiting */
    "_newselect", "clock_nanosleep", "clock_nanosleep_time64", "epoll_create",
    "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait",
    "eventfd2", "nanosleep", "pause", "poll", "ppoll", "ppoll_time64", "pselect6",
    "pselect6_time64", "restart_syscall", "select", "timerfd_create",
    "timerfd_settime", "timerfd_settime64",
    /* threads and signals of this process */
    "exit", "exit_group", "futex", "futex_time64", "futex_waitv", "get_robust_list",
    "gettid", "membarrier", "rseq", "rt_sigaction", "rt_sigpending",
    "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
    "rt_sigtimedwait_time64", "sched_getaffinity", "sched_yield", "set_robust_list",
    "set_tid_address", "sigaltstack", "signalfd4", "sigreturn",
    /* refused by the other filter, without a line in the audit log */
    "clone3",
    /* who and when */
    "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64",
    "getcpu", "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32",
    "getgroups", "getgroups32", "getpgrp", "getpid", "getppid", "getrandom",
    "getresgid", "getresgid32", "getresuid", "getresuid32", "getrlimit",
    "getrusage", "gettimeofday", "getuid", "getuid32", "sysinfo", "time", "times",
    "ugetrlimit", "uname"};

/* A call that is allowed only with a certain argument. */
static bool
allow_if(scmp_filter_ctx filter, const char *name, struct scmp_arg_cmp argument)
{
	int number = seccomp_syscall_resolve_name(name);

	return number == __NR_SCMP_ERROR ||
	       seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1, argument) == 0;
}

/*
 * Threads yes, processes no: a filter cannot see the flags of clone3, so libc is
 * made to use clone (refuse_clone3).
 */
static bool
allow_some(scmp_filter_ctx filter)
{
	static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
	static const unsigned long requests[] = {
	    FIONBIO, FIONREAD, TCGETS, SIOCOUTQ, SIOCGIFINDEX, SIOCGIFNAME};
	static const int options[] = {PR_SET_NAME, PR_GET_NAME};
	bool ok = true;

	for (size_t i = 0; i < sizeof families / sizeof *families; i++)
		ok = ok && allow_if(filter, "socket",
		               SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)families[i], 0));
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
		ok = ok && allow_if(filter, "ioctl",
		               SCMP_A1_32(SCMP_CMP_EQ, (uint32_t)requests[i], 0));
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		ok = ok && allow_if(filter, "prctl",
		               SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)options[i], 0));
	return ok &&
	       allow_if(filter, "clone",
	           SCMP_CMP(CLONE_FLAGS, SCMP_CMP_MASKED_EQ, CLONE_THREAD,
	               CLONE_THREAD)) &&
	       allow_if(filter, "tgkill",
	           SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)daemon_pid, 0)) &&
	       /* read, not set */
	       allow_if(filter, "prlimit64", SCMP_A2_64(SCMP_CMP_EQ, 0, 0));
}

static bool
make(scmp_filter_ctx filter)
{
	bool ok = seccomp_attr_set(
	              filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS)) == 0;

	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; ok && i < sizeof calls / sizeof *calls; i++) {
		int number = seccomp_syscall_resolve_name(calls[i]);
		ok = number == __NR_SCMP_ERROR ||
		     seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0) == 0;
	}
	return ok && allow_some(filter);
}

/*
 * Writes the list to out as a program for the kernel. In a separate process, and
 * done twice: without memory libseccomp (2.5.4) crashes, hangs, or silently leaves
 * calls out.
 */
static _Noreturn void
write_program(int out)
{
	close(STDERR_FILENO); /* its messages are not for our log */
	alarm(PATIENCE_S);
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	bool ok =
	    filter != NULL && make(filter) && seccomp_export_bpf(filter, out) == 0;
	_exit(ok ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Returns the number of instructions; 0: the program is incomplete. */
static unsigned short
read_program(struct sock_filter steps[static BPF_MAXINSNS])
{
	size_t used = 0, size = BPF_MAXINSNS * sizeof *steps;
	int ends[2], status = -1;
	ssize_t more = -1;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return 0;
	daemon_pid = getpid();
	pid_t pid = fork();
	if (pid == 0)
		write_program(ends[1]);
	close(ends[1]);
	while (pid > 0 && used < size &&
	       (more = read(ends[0], (char *)steps + used, size - used)) > 0)
		used += (size_t)more;
	close(ends[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0 ||
	    more != 0 || used % sizeof *steps != 0)
		return 0;
	return (unsigned short)(used / sizeof *steps);
}

/*
 * Not logged, unlike what SECCOMP_FILTER_FLAG_LOG reports: libc tries clone3 for
 * each thread, and libmilter starts one for nearly every message.
 */
static bool
refuse_clone3(void)
{
	struct sock_filter steps[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof steps / sizeof *steps, steps};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

bool
calls_limit(struct error *error)
{
	static struct sock_filter steps[BPF_MAXINSNS], again[BPF_MAXINSNS];
	struct sock_fprog program = {read_program(steps), steps};

	if (program.len == 0 || read_program(again) != program.len ||
	    memcmp(steps, again, program.len * sizeof *steps) != 0) {
		error_set(error, "cannot make the list of allowed system calls");
		return false;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && refuse_clone3() &&
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG,
	        &program) == 0)
		return true;
	error_set_errno(error, "cannot be set");
	return false;
}
