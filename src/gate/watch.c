/* SPDX-License-Identifier: BSD-2-Clause */
#include "gate/watch.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

struct request {
	struct nlmsghdr head;
	struct inet_diag_req_v2 body;
};
#define ANSWER_SIZE 2048 /* room for the kernel's struct tcp_info */

/* States of a socket, as in the kernel's net/tcp_states.h. */
enum {
	STATE_ESTABLISHED = 1,
	STATE_TIME_WAIT = 6,
	STATE_CLOSE_WAIT = 8,
	STATE_LAST_ACK = 9,
	STATE_LISTEN = 10,
	STATE_CLOSING = 11
};

void
watch_open(struct watch *watch)
{
	watch->fd = socket(
	    AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
	watch->sequence = 0;
}

void
watch_close(struct watch *watch)
{
	if (watch->fd >= 0)
		close(watch->fd);
	watch->fd = -1;
}

static void
fill(struct request *request, const struct watch_socket *wanted, uint32_t sequence)
{
	*request = (struct request){
	    .head = {.nlmsg_len = sizeof *request,
	        .nlmsg_type = SOCK_DIAG_BY_FAMILY,
	        .nlmsg_flags = NLM_F_REQUEST,
	        .nlmsg_seq = sequence},
	    .body = {.sdiag_family = wanted->family,
	        .sdiag_protocol = IPPROTO_TCP,
	        .idiag_states = ~0U},
	};
	struct inet_diag_sockid *id = &request->body.id;
	id->idiag_sport = wanted->mta_port;
	id->idiag_dport = wanted->client_port;
	id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	memcpy(id->idiag_src, wanted->mta, 16);
	memcpy(id->idiag_dst, wanted->client, 16);
}

/* The client's FIN, which the kernel counts as an octet. */
static bool
has_fin(uint8_t state)
{
	return state == STATE_TIME_WAIT || state == STATE_CLOSE_WAIT ||
	       state == STATE_LAST_ACK || state == STATE_CLOSING;
}

/* struct tcp_info grows with kernel releases; an old kernel's is too short. */
static void
read_info(const char *attributes, size_t length, struct watch_octets *octets)
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
			octets->sent = (int64_t)info.tcpi_bytes_sent;
			octets->received = (int64_t)info.tcpi_bytes_received;
			if (has_fin(info.tcpi_state) && octets->received > 0)
				octets->received--;
			return;
		}
		attributes += size;
		length -= size;
	}
}

/* What a complete answer says about the socket in question. */
static enum watch_state
judge(const char *answer, size_t length, const struct watch_socket *wanted,
    struct watch_octets *octets_r)
{
	struct nlmsghdr head;
	struct nlmsgerr failure;
	struct inet_diag_msg body;

	memcpy(&head, answer, sizeof head);
	answer += sizeof head;
	length -= sizeof head;
	if (head.nlmsg_type == NLMSG_ERROR && length >= sizeof failure) {
		memcpy(&failure, answer, sizeof failure);
		return failure.error == -ENOENT ? WATCH_UNSEEN : WATCH_UNKNOWN;
	}
	if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY || length < sizeof body)
		return WATCH_UNKNOWN;
	memcpy(&body, answer, sizeof body);
	/* After a reset the kernel offers the listening socket instead. */
	if (body.idiag_state == STATE_LISTEN ||
	    body.id.idiag_dport != wanted->client_port)
		return WATCH_UNSEEN;
	octets_r->unread = body.idiag_rqueue;
	if (has_fin(body.idiag_state) && octets_r->unread > 0)
		octets_r->unread--;
	read_info(answer + sizeof body, length - sizeof body, octets_r);
	return body.idiag_state == STATE_ESTABLISHED ? WATCH_CONNECTED : WATCH_LEFT;
}

enum watch_state
watch_look(struct watch *watch, const struct watch_socket *wanted,
    struct watch_octets *octets_r)
{
	struct request request;
	struct watch_octets octets = {-1, -1, -1};
	enum watch_state state = WATCH_UNKNOWN;
	char answer[ANSWER_SIZE];
	struct nlmsghdr head;

	fill(&request, wanted, ++watch->sequence);
	if (octets_r != NULL)
		request.body.idiag_ext = 1 << (INET_DIAG_INFO - 1);
	bool is_asked = watch->fd >= 0 && wanted->family != 0 &&
	                send(watch->fd, &request, sizeof request, 0) > 0;
	while (is_asked) {
		ssize_t got = recv(watch->fd, answer, sizeof answer, MSG_DONTWAIT);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < (ssize_t)sizeof head)
			break;
		memcpy(&head, answer, sizeof head);
		if (head.nlmsg_seq != request.head.nlmsg_seq)
			continue; /* a late answer to an earlier question */
		state = judge(answer, (size_t)got, wanted, &octets);
		break;
	}
	if (octets_r != NULL)
		*octets_r = octets;
	return state;
}
