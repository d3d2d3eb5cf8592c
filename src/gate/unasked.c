/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>

#include "gate/watch.h"

#define ANSWER_SIZE 2048

/* The kernel's struct tcp_info grows at its end; an older one is too short. */
static int64_t
unasked_of(const char *attributes, size_t length)
{
	while (length >= sizeof(struct rtattr)) {
		struct rtattr attribute;
		struct tcp_info info = {0};
		memcpy(&attribute, attributes, sizeof attribute);
		size_t size = RTA_ALIGN((size_t)attribute.rta_len);
		if (attribute.rta_len < sizeof attribute || size > length)
			break;
		size_t has = attribute.rta_len - sizeof attribute;
		size_t wants = offsetof(struct tcp_info, tcpi_bytes_sent) +
		               sizeof info.tcpi_bytes_sent;
		if (attribute.rta_type == INET_DIAG_INFO && has >= wants) {
			memcpy(&info, attributes + sizeof attribute, wants);
			return info.tcpi_bytes_sent > 0
			           ? -1
			           : (int64_t)info.tcpi_bytes_received;
		}
		attributes += size;
		length -= size;
	}
	return -1;
}

int64_t
watch_unasked(struct watch *watch, const struct watch_socket *wanted)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 body;
	} request = {
	    .head = {.nlmsg_len = sizeof request,
	        .nlmsg_type = SOCK_DIAG_BY_FAMILY,
	        .nlmsg_flags = NLM_F_REQUEST,
	        .nlmsg_seq = watch->sequence++},
	    .body = {.sdiag_family = wanted->family,
	        .sdiag_protocol = IPPROTO_TCP,
	        .idiag_ext = 1 << (INET_DIAG_INFO - 1),
	        .idiag_states = ~0U},
	};
	struct inet_diag_sockid *id = &request.body.id;
	char answer[ANSWER_SIZE];
	struct nlmsghdr head;
	struct inet_diag_msg body;
	const size_t fixed = sizeof head + sizeof body;

	id->idiag_sport = wanted->mta_port;
	id->idiag_dport = wanted->client_port;
	id->idiag_if = wanted->interface;
	id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	memcpy(id->idiag_src, wanted->mta, 16);
	memcpy(id->idiag_dst, wanted->client, 16);
	if (watch->fd < 0 || send(watch->fd, &request, sizeof request, 0) < 0)
		return -1;
	for (;;) {
		ssize_t got = recv(watch->fd, answer, sizeof answer, MSG_DONTWAIT);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < (ssize_t)fixed)
			return -1;
		memcpy(&head, answer, sizeof head);
		if (head.nlmsg_seq != request.head.nlmsg_seq)
			continue; /* a late answer to an earlier question */
		memcpy(&body, answer + sizeof head, sizeof body);
		if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
		    body.id.idiag_dport != wanted->client_port)
			return -1;
		return unasked_of(answer + fixed, (size_t)got - fixed);
	}
}
