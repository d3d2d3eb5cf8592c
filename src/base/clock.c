/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SLICE_MS 10

void
clock_init(struct clock *clock)
{
	*clock = (struct clock){.manual = false};
}

void
clock_init_manual(struct clock *clock, _Atomic int64_t *now_ms)
{
	*clock = (struct clock){.shift_ms = now_ms, .manual = true};
}

#ifdef TARGREY_TEST_CLOCK
bool
clock_map_shift(struct clock *clock, struct error *error)
{
	const char *path = getenv("TARGREY_TEST_CLOCK");
	if (path == NULL)
		return true;

	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		error_set_errno(error, "TARGREY_TEST_CLOCK: %s", path);
		return false;
	}
	struct stat status;
	bool has_wall =
	    fstat(fd, &status) == 0 && status.st_size >= 2 * (off_t)sizeof(int64_t);
	void *map = mmap(NULL, 2 * sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		error_set_errno(error, "TARGREY_TEST_CLOCK: mmap %s", path);
	} else {
		clock->shift_ms = map;
		if (has_wall)
			clock->wall_ms = clock->shift_ms + 1;
	}
	close(fd);
	return map != MAP_FAILED;
}
#else
bool
clock_map_shift(struct clock *clock, struct error *error)
{
	(void)clock;
	(void)error;
	return true;
}
#endif

static int64_t
read_ms(const struct clock *clock, clockid_t id)
{
	int64_t shift = clock->shift_ms == NULL ? 0 : atomic_load(clock->shift_ms);
	if (clock->manual)
		return shift;

	struct timespec now;
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + shift;
}

int64_t
clock_real_ms(void)
{
	static const struct clock real = {.manual = false};

	return clock_mono_ms(&real);
}

int64_t
clock_wall_ms(const struct clock *clock)
{
	int64_t alone = clock->wall_ms == NULL ? 0 : atomic_load(clock->wall_ms);

	return read_ms(clock, CLOCK_REALTIME) + alone;
}

int64_t
clock_wall(const struct clock *clock)
{
	return clock_wall_ms(clock) / 1000;
}

int64_t
clock_mono_ms(const struct clock *clock)
{
	return read_ms(clock, CLOCK_MONOTONIC);
}

int
clock_slice_ms(const struct clock *clock, int timeout_ms)
{
	if (clock->shift_ms == NULL)
		return timeout_ms;
	return timeout_ms < 0 || timeout_ms > SLICE_MS ? SLICE_MS : timeout_ms;
}
