/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the client's TCP connection still stands, and how much went over it.
 * Asks the kernel (sock_diag) for one socket by its addresses and ports. Needs no
 * privilege, only AF_NETLINK sockets and the network namespace of the MTA.
 *
 * Source: measurements: after a client's FIN the state is CLOSE_WAIT, after its
 * RST the look-up finds the listening socket or nothing.
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

/* Octets since the connection began, a FIN not counted; -1: not known */
struct watch_octets {
	int64_t sent;     /* by the MTA, retransmissions included */
	int64_t received; /* from the client, read by the MTA or not */
	int64_t unread;   /* of those, not read by the MTA */
};

/* Leaves fd -1 when there is no sock_diag; watch_look() then says WATCH_UNKNOWN. */
void watch_open(struct watch *watch);
void watch_close(struct watch *watch);
/* Two system calls; never blocks. octets_r may be NULL. */
enum watch_state watch_look(struct watch *watch, const struct watch_socket *wanted,
    struct watch_octets *octets_r);

#endif
