/* SPDX-License-Identifier: BSD-2-Clause */
#include "gate/gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/block.h"
#include "gate/gate_private.h"

#define MOST_CONNECTIONS ((size_t)1 << SLOT_BITS)

/* Three descriptors per connection: ours to the MTA, ours and libmilter's. */
static size_t
connections_of(const struct gate_settings *settings)
{
	struct rlimit limit;
	size_t most = MOST_CONNECTIONS;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 3 < most) {
		rlim_t reserved = settings->reserved_descriptors;
		if (reserved < 32)
			reserved = 32;
		if (reserved > limit.rlim_cur / 2)
			reserved = limit.rlim_cur / 2;
		most = (limit.rlim_cur - reserved) / 3;
	}
	if (settings->max_connections > 0 && settings->max_connections < most)
		most = settings->max_connections;
	return most > 0 ? most : 1;
}

static bool
make_tables(struct gate *gate)
{
	size_t count = gate->max_connections;

	gate->slots = calloc(count, sizeof(struct conn *));
	gate->free_slots = calloc(count, sizeof *gate->free_slots);
	gate->due_ms = calloc(count, sizeof *gate->due_ms);
	gate->scratch = malloc(READ_SIZE);
	if (gate->slots == NULL || gate->free_slots == NULL ||
	    gate->due_ms == NULL || gate->scratch == NULL)
		return false;
	gate->soonest_ms = INT64_MAX;
	for (size_t i = 0; i < count; i++)
		gate->free_slots[i] = (uint32_t)(count - 1 - i);
	gate->free_count = count;
	return true;
}

struct gate *
gate_open(const struct gate_settings *settings, const struct clock *clock,
    struct error *error)
{
	struct gate *gate = calloc(1, sizeof *gate);

	if (gate == NULL) {
		error_set(error, "gate: out of memory");
		return NULL;
	}
	gate->epoll = gate->wake_fd = gate->lock_fd = gate->listen_fd = -1;
	gate->watch.fd = -1;
	gate->clock = *clock;
	pthread_mutex_init(&gate->lock, NULL);
	gate->max_connections = connections_of(settings);
	gate->headers = settings->headers;
	gate->back_path = strdup(settings->back_path);
	if (gate->back_path == NULL || !make_tables(gate)) {
		error_set(error, "gate: out of memory");
		gate_free(&gate);
		return NULL;
	}
	if (strlen(gate->back_path) >=
	    sizeof((struct sockaddr_un *)NULL)->sun_path) {
		error_set(error, "gate: %s: too long for the path of a socket",
		    gate->back_path);
		gate_free(&gate);
		return NULL;
	}
	gate->socket_mode = settings->socket_mode;
	gate->socket_group = settings->socket_group;
	gate_configure(gate, settings);
	if (!listen_open(gate, settings->listen, error))
		gate_free(&gate);
	return gate;
}

bool
gate_start(struct gate *gate, struct error *error)
{
	struct epoll_event event = {
	    .events = EPOLLIN | EPOLLET, .data.u64 = EVENT_WAKE};

	gate->epoll = epoll_create1(EPOLL_CLOEXEC);
	gate->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (gate->epoll < 0 || gate->wake_fd < 0 ||
	    epoll_ctl(gate->epoll, EPOLL_CTL_ADD, gate->wake_fd, &event) != 0) {
		error_set_errno(error, "gate: epoll");
		return false;
	}
	watch_open(&gate->watch);
	if (gate->watch.fd < 0)
		log_warn("gate: no sock_diag (AF_NETLINK), so a client that hangs "
		         "up during a hold is not noticed");
	gate->now_ms = clock_mono_ms(&gate->clock);
	errno = pthread_create(&gate->thread, NULL, loop_run, gate);
	gate->is_started = errno == 0;
	if (!gate->is_started)
		error_set_errno(error, "gate: thread");
	return gate->is_started;
}

void
gate_configure(struct gate *gate, const struct gate_settings *settings)
{
	pthread_mutex_lock(&gate->lock);
	gate->max_holds = settings->max_holds;
	gate->max_holds_per_key = settings->max_holds_per_key;
	pthread_mutex_unlock(&gate->lock);
	atomic_store(&gate->answer_timeout_ms, settings->answer_timeout_ms);
	atomic_store(&gate->on_failure, (int)settings->on_failure);
}

void
gate_stop(struct gate *gate, int64_t grace_ms)
{
	if (!gate->is_started)
		return;
	block_declare("gate: stop");
	pthread_mutex_lock(&gate->lock);
	gate->stop_asked = gate->no_waits = true;
	gate->grace_ms = grace_ms;
	pthread_mutex_unlock(&gate->lock);
	call_wake(gate);
	pthread_join(gate->thread, NULL);
	gate->is_started = false;
}

static void
close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

unsigned
gate_turns(struct gate *gate)
{
	call_wake(gate);
	return atomic_load(&gate->turns);
}

void
gate_free(struct gate **gate_ptr)
{
	struct gate *gate = *gate_ptr;

	if (gate == NULL)
		return;
	*gate_ptr = NULL;
	listen_close(gate);
	watch_close(&gate->watch);
	close_fd(gate->epoll);
	close_fd(gate->wake_fd);
	close_fd(gate->lock_fd);
	free(gate->slots);
	free(gate->free_slots);
	free(gate->due_ms);
	free(gate->scratch);
	free(gate->socket_path);
	free(gate->back_path);
	pthread_mutex_destroy(&gate->lock);
	free(gate);
}
