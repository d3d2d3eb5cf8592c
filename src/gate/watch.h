/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is the client's TCP connection still there? Asks the kernel (sock_diag) for
 * exactly one socket by its four end points. Needs no privilege, only
 * AF_NETLINK sockets and the network namespace of the MTA.
 *
 * Source: measurements in which a client's FIN shows as CLOSE_WAIT and after
 * its RST the look-up finds the listening socket or nothing.
 */
#ifndef GATE_WATCH_H
#define GATE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct watch {
	int fd; /* -1: no sock_diag here */
	uint32_t sequence;
};

/* family 0: not known */
struct watch_socket {
	uint8_t family;
	uint16_t mta_port, client_port; /* network order */
	uint32_t interface;
	uint8_t mta[16], client[16];
};

enum watch_state {
	WATCH_UNKNOWN, /* the kernel gave no answer */
	WATCH_UNSEEN,  /* no such socket on this host */
	WATCH_STANDS,  /* ESTABLISHED */
	WATCH_LEFT     /* that very socket in another state */
};

struct watch_result {
	enum watch_state state;
	uint32_t unread; /* octets received and not read, without a FIN */
};

void watch_open(struct watch *watch);
void watch_close(struct watch *watch);
#define WATCH_BATCH 64
/* Looks up at most WATCH_BATCH sockets with two system calls. Never blocks. */
void watch_look(struct watch *watch, const struct watch_socket *const *sockets,
    size_t count, struct watch_result *results_r);

/* Since the connection began; a FIN counts for none. -1: not known */
struct watch_octets {
	int64_t sent;     /* by the MTA, what was sent again included */
	int64_t received; /* from the client, read by the MTA or not */
	int64_t unread;   /* of those */
};
/* The same for one socket, and its octets. */
enum watch_state watch_octets(struct watch *watch,
    const struct watch_socket *wanted, struct watch_octets *octets_r);

#endif
