/* SPDX-License-Identifier: BSD-2-Clause */
#include "gate/watch.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

struct request {
	struct nlmsghdr head;
	struct inet_diag_req_v2 body;
};
#define ANSWER_SIZE      512
#define INFO_ANSWER_SIZE 2048 /* with the kernel's struct tcp_info */

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
	id->idiag_if = wanted->interface;
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

static struct watch_result
judge(const char *answer, size_t length, const struct watch_socket *wanted)
{
	struct watch_result result = {WATCH_UNKNOWN, 0};
	struct nlmsghdr head;
	struct nlmsgerr failure;
	struct inet_diag_msg body;

	memcpy(&head, answer, sizeof head);
	if (head.nlmsg_type == NLMSG_ERROR &&
	    length >= sizeof head + sizeof failure) {
		memcpy(&failure, answer + sizeof head, sizeof failure);
		if (failure.error == -ENOENT)
			result.state = WATCH_UNSEEN;
		return result;
	}
	if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    length < sizeof head + sizeof body)
		return result;
	result.state = WATCH_UNSEEN;
	memcpy(&body, answer + sizeof head, sizeof body);
	/* After a reset the kernel offers the listening socket instead. */
	if (body.idiag_state == STATE_LISTEN ||
	    body.id.idiag_dport != wanted->client_port)
		return result;
	result.state =
	    body.idiag_state == STATE_ESTABLISHED ? WATCH_STANDS : WATCH_LEFT;
	result.unread = body.idiag_rqueue;
	if (has_fin(body.idiag_state) && result.unread > 0)
		result.unread--;
	return result;
}

static size_t
ask(struct watch *watch, const struct watch_socket *const *sockets, size_t count,
    size_t *index)
{
	struct request requests[WATCH_BATCH];
	size_t asked = 0;

	for (size_t i = 0; i < count; i++) {
		if (sockets[i]->family == 0)
			continue;
		fill(&requests[asked], sockets[i],
		    watch->sequence + (uint32_t)asked);
		index[asked++] = i;
	}
	if (asked == 0)
		return 0;
	ssize_t sent = send(watch->fd, requests, asked * sizeof requests[0], 0);
	return sent < 0 ? 0 : asked;
}

void
watch_look(struct watch *watch, const struct watch_socket *const *sockets,
    size_t count, struct watch_result *results_r)
{
	static const struct watch_result unknown = {WATCH_UNKNOWN, 0};
	char answers[WATCH_BATCH][ANSWER_SIZE];
	struct mmsghdr heads[WATCH_BATCH];
	struct iovec parts[WATCH_BATCH];
	size_t index[WATCH_BATCH];

	for (size_t i = 0; i < count; i++)
		results_r[i] = unknown;
	if (watch->fd < 0)
		return;
	uint32_t first = watch->sequence;
	size_t asked = ask(watch, sockets, count, index);
	watch->sequence += (uint32_t)asked;
	for (size_t left = asked; left > 0;) {
		for (size_t i = 0; i < left; i++) {
			parts[i] = (struct iovec){answers[i], ANSWER_SIZE};
			heads[i] = (struct mmsghdr){
			    .msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
		}
		int got =
		    recvmmsg(watch->fd, heads, (unsigned)left, MSG_DONTWAIT, NULL);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return;
		for (size_t i = 0; i < (size_t)got; i++) {
			struct nlmsghdr head;
			if (heads[i].msg_len < sizeof head)
				continue;
			memcpy(&head, answers[i], sizeof head);
			uint32_t at = head.nlmsg_seq - first;
			if (at < asked)
				results_r[index[at]] = judge(answers[i],
				    heads[i].msg_len, sockets[index[at]]);
		}
		left -= (size_t)got;
	}
}

/*
 * -1 where not known. The kernel's struct tcp_info grows at its end; an older one
 * is too short.
 */
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

enum watch_state
watch_octets(struct watch *watch, const struct watch_socket *wanted,
    struct watch_octets *octets_r)
{
	struct request request;
	char answer[INFO_ANSWER_SIZE];
	const size_t fixed = sizeof(struct nlmsghdr) + sizeof(struct inet_diag_msg);
	struct nlmsghdr head;

	*octets_r = (struct watch_octets){-1, -1, -1};
	fill(&request, wanted, watch->sequence++);
	request.body.idiag_ext = 1 << (INET_DIAG_INFO - 1);
	if (watch->fd < 0 || wanted->family == 0 ||
	    send(watch->fd, &request, sizeof request, 0) < 0)
		return WATCH_UNKNOWN;
	for (;;) {
		ssize_t got = recv(watch->fd, answer, sizeof answer, MSG_DONTWAIT);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < (ssize_t)sizeof head)
			return WATCH_UNKNOWN;
		memcpy(&head, answer, sizeof head);
		if (head.nlmsg_seq != request.head.nlmsg_seq)
			continue; /* a late answer to an earlier question */
		struct watch_result result = judge(answer, (size_t)got, wanted);
		if (result.state == WATCH_STANDS || result.state == WATCH_LEFT) {
			octets_r->unread = result.unread;
			read_info(answer + fixed, (size_t)got - fixed, octets_r);
		}
		return result.state;
	}
}
