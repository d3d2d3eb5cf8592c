/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is the client's TCP connection still there, and what went over it? Asks the
 * kernel (sock_diag) for exactly one socket by its four end points. Needs no
 * privilege, only AF_NETLINK sockets and the network namespace of the MTA.
 *
 * Source: measurements in which a client's FIN shows as CLOSE_WAIT and after
 * its RST the look-up finds the listening socket or nothing.
 */
#ifndef GATE_WATCH_H
#define GATE_WATCH_H

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
	uint8_t mta[16], client[16];
};

enum watch_state {
	WATCH_UNKNOWN,   /* the kernel gave no answer */
	WATCH_UNSEEN,    /* no such socket on this host */
	WATCH_CONNECTED, /* ESTABLISHED */
	WATCH_LEFT       /* that very socket in another state */
};

/* Since the connection began; a FIN counts for none. -1: not known */
struct watch_octets {
	int64_t sent;     /* by the MTA, what was sent again included */
	int64_t received; /* from the client, read by the MTA or not */
	int64_t unread;   /* of those */
};

void watch_open(struct watch *watch);
void watch_close(struct watch *watch);
/* Two system calls; never blocks. octets_r may be NULL. */
enum watch_state watch_look(struct watch *watch, const struct watch_socket *wanted,
    struct watch_octets *octets_r);

#endif
