/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log lines never wait. A line that waited would wait for ever here, since
 * nobody reads: the test's time limit would end it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/log.h"

#define MANY 20000

static char folder[] = "/tmp/targrey-log-XXXXXX";
static char path[64];

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/log", folder);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static int
listen_at(int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
	memcpy(address.sun_path, path, sizeof path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* The next datagram or piece of a stream; "" when there is none. */
static const char *
next(int fd)
{
	static char text[4096];
	ssize_t length = read(fd, text, sizeof text - 1);
	text[length < 0 ? 0 : length] = '\0';
	return text;
}

static void
syslog_gets_lines_of_rfc_3164(void **state)
{
	(void)state;
	int fd = listen_at(SOCK_DGRAM), day, second, used = 0;
	char month[4], wanted[64];
	log_to_syslog("prog", path);
	log_warnx("one\n%s", "two\x7f");
	const char *line = next(fd);
	/* mail is facility 2, a warning severity 4: 2 * 8 + 4 */
	assert_int_equal(sscanf(line, "<20>%3s %2d %*2d:%*2d:%2d %n", month, &day,
	                     &second, &used),
	    3);
	snprintf(
	    wanted, sizeof wanted, "prog[%ld]: warning: one?two?", (long)getpid());
	assert_string_equal(line + used, wanted);
	log_info("calm");
	assert_int_equal(strncmp(next(fd), "<22>", 4), 0);
	log_debug("not wanted");
	assert_string_equal(next(fd), "");
	close(fd);
}

static void
a_syslog_that_stands_still_costs_lines_not_time(void **state)
{
	(void)state;
	int fd = listen_at(SOCK_DGRAM);
	uint64_t taken = 0, lost = 0;
	log_to_syslog("prog", path);
	for (int i = 0; i < MANY; i++)
		log_info("line %d", i);
	while (strstr(next(fd), "line ") != NULL)
		taken++;
	assert_true(taken > 0 && taken < MANY);
	log_info("reads again");
	const char *notice = strstr(next(fd), "warning: ");
	assert_non_null(notice);
	assert_int_equal(
	    sscanf(notice, "warning: %" SCNu64 " log lines lost", &lost), 1);
	assert_int_equal(lost, MANY - taken);
	assert_non_null(strstr(next(fd), "reads again"));
	log_info("and goes on");
	assert_non_null(strstr(next(fd), "and goes on"));
	close(fd);
}

static void
a_syslog_that_starts_anew_is_found(void **state)
{
	(void)state;
	int fd = listen_at(SOCK_DGRAM);
	log_to_syslog("prog", path);
	log_info("first");
	close(fd);
	log_info("into nothing");
	fd = listen_at(SOCK_DGRAM);
	log_info("second");
	assert_non_null(strstr(next(fd), "1 log lines lost"));
	assert_non_null(strstr(next(fd), "second"));
	close(fd);
}

/* What a stream has brought, in lines; notices tell how many did not come. */
struct stream {
	int fd;
	char got[64 * 1024];
	size_t length;
	uint64_t lines, lost;
};

static void
take_line(struct stream *stream, const char *line)
{
	const char *notice = strstr(line, "warning: ");
	uint64_t lost;

	assert_int_equal(strncmp(line, "<2", 2), 0);
	assert_non_null(strstr(line, "prog["));
	if (notice != NULL &&
	    sscanf(notice, "warning: %" SCNu64 " log lines lost", &lost) == 1)
		stream->lost += lost;
	else
		stream->lines++;
}

static void
take_all(struct stream *stream)
{
	ssize_t more;
	char *end;

	while ((more = read(stream->fd, stream->got + stream->length,
	            sizeof stream->got - stream->length)) > 0) {
		stream->length += (size_t)more;
		while ((end = memchr(stream->got, '\n', stream->length)) != NULL) {
			*end = '\0';
			take_line(stream, stream->got);
			stream->length -= (size_t)(end + 1 - stream->got);
			memmove(stream->got, end + 1, stream->length);
		}
	}
}

static void
a_syslog_with_a_stream_gets_whole_lines_and_what_was_lost(void **state)
{
	(void)state;
	int fd = listen_at(SOCK_STREAM);
	static struct stream stream;
	log_to_syslog("prog", path);
	log_info("line 0");
	stream.fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
	assert_true(stream.fd >= 0);
	for (int i = 1; i < MANY; i++)
		log_info("line %d", i);
	/* every line that came is whole */
	for (int rounds = 0; rounds < 1000; rounds++) {
		take_all(&stream);
		log_info("once more");
	}
	take_all(&stream);
	assert_int_equal(stream.length, 0);
	assert_true(stream.lost > 0);
	assert_int_equal(stream.lines + stream.lost, MANY + 1000);
	log_to_stderr("test");
	close(stream.fd);
	close(fd);
}

/* Runs write_lines() with standard error at fd. */
static void
with_stderr(int fd, void (*write_lines)(int))
{
	int saved = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	log_to_stderr("prog");
	write_lines(fd);
	dup2(saved, STDERR_FILENO);
	close(saved);
	log_to_stderr("test");
	log_info("standard error is back"); /* takes what was lost with it */
}

/* What can be read at once, in lines. */
static int
lines_at(int fd)
{
	char buf[4096];
	int lines = 0;
	ssize_t length;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((length = read(fd, buf, sizeof buf)) > 0) {
		for (ssize_t i = 0; i < length; i++)
			lines += buf[i] == '\n';
	}
	return lines;
}

static void
write_many(int fd)
{
	(void)fd;
	for (int i = 0; i < MANY; i++)
		log_info("line %d", i);
}

static void
a_full_pipe_at_standard_error_costs_lines_not_time(void **state)
{
	(void)state;
	int pipes[2];
	assert_int_equal(pipe(pipes), 0);
	with_stderr(pipes[1], write_many);
	/* others write to the same pipe: for them it waits as before */
	assert_int_equal(fcntl(pipes[1], F_GETFL) & O_NONBLOCK, 0);
	int lines = lines_at(pipes[0]);
	assert_true(lines > 0 && lines < MANY);
	close(pipes[0]);
	close(pipes[1]);
}

static void
a_full_socket_at_standard_error_costs_lines_not_time(void **state)
{
	(void)state;
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	with_stderr(pair[1], write_many);
	assert_int_equal(fcntl(pair[1], F_GETFL) & O_NONBLOCK, 0);
	int lines = lines_at(pair[0]);
	assert_true(lines > 0 && lines < MANY);
	close(pair[0]);
	close(pair[1]);
}

static void
write_two(int fd)
{
	(void)fd;
	log_warnx("first");
	log_info("second");
}

static void
a_file_at_standard_error_keeps_what_stood_in_it(void **state)
{
	(void)state;
	unlink(path);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char text[200] = "";
	dprintf(fd, "before\n");
	with_stderr(fd, write_two);
	dprintf(fd, "after\n");
	assert_true(pread(fd, text, sizeof text - 1, 0) > 0);
	assert_string_equal(
	    text, "before\nprog: warning: first\nprog: second\nafter\n");
	close(fd);
}

static char kept[4096];

static void
keep(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	snprintf(kept, sizeof kept, "%s", text);
}

static void
a_line_tells_the_error_and_is_cut_at_2047_characters(void **state)
{
	(void)state;
	log_to_sink(keep, NULL);
	errno = ENOENT;
	log_warn("cannot open %s", "x");
	assert_string_equal(kept, "cannot open x: No such file or directory");
	errno = ENOENT;
	log_warnx("no error");
	assert_string_equal(kept, "no error");
	errno = ENOENT;
	log_warn("%3000s", "x");
	assert_int_equal(strlen(kept), 2047);
	log_warn("%2040s", "x"); /* the error is cut, too */
	assert_int_equal(strlen(kept), 2047);
	log_to_stderr("test");
}

static void
the_same_trouble_is_logged_once_a_minute(void **state)
{
	(void)state;
	struct log_limit limit = {0};
	unsigned dropped = 9;
	assert_true(log_may(&limit, 1000, &dropped));
	assert_int_equal(dropped, 0);
	assert_false(log_may(&limit, 1000, NULL));
	assert_false(log_may(&limit, 60999, NULL));
	assert_true(log_may(&limit, 61000, &dropped));
	assert_int_equal(dropped, 2);
	assert_true(log_may(&limit, 200000, &dropped));
	assert_int_equal(dropped, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(syslog_gets_lines_of_rfc_3164),
	    cmocka_unit_test(a_syslog_that_stands_still_costs_lines_not_time),
	    cmocka_unit_test(a_syslog_that_starts_anew_is_found),
	    cmocka_unit_test(
	        a_syslog_with_a_stream_gets_whole_lines_and_what_was_lost),
	    cmocka_unit_test(a_full_pipe_at_standard_error_costs_lines_not_time),
	    cmocka_unit_test(a_full_socket_at_standard_error_costs_lines_not_time),
	    cmocka_unit_test(a_file_at_standard_error_keeps_what_stood_in_it),
	    cmocka_unit_test(a_line_tells_the_error_and_is_cut_at_2047_characters),
	    cmocka_unit_test(the_same_trouble_is_logged_once_a_minute),
	};
	return cmocka_run_group_tests_name("log", tests, set_up, tear_down);
}
