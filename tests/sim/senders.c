/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim/senders.h"

#define MINUTE 60
#define HOUR   3600
#define DAY    86400

#define EVERY (7 * HOUR)

/* All of them match S25R: what no rule matches is not delayed at all. */
const struct sender senders[] = {
    {"Postfix", false, SCHEDULE_POSTFIX, 1, 1, false, 300, 40, EVERY, false},
    {"Exim", false, SCHEDULE_EXIM, 1, 1, false, 300, 40, EVERY, false},
    {"sendmail", false, SCHEDULE_SENDMAIL, 1, 1, false, 300, 40, EVERY, false},
    {"qmail", false, SCHEDULE_QMAIL, 1, 1, false, 300, 40, EVERY, false},
    {"Exchange", false, SCHEDULE_EXCHANGE, 1, 1, false, 300, 40, EVERY, false},
    {"OpenSMTPD", false, SCHEDULE_OPENSMTPD, 1, 1, false, 300, 40, EVERY, false},
    {"Postfix, waits 120 s", false, SCHEDULE_POSTFIX, 1, 1, false, 120, 40, EVERY,
        false},
    {"Postfix, waits 30 s", false, SCHEDULE_POSTFIX, 1, 1, false, 30, 40, EVERY,
        false},
    {"qmail, waits 30 s", false, SCHEDULE_QMAIL, 1, 1, false, 30, 40, EVERY, false},
    {"Exim, waits 60 s", false, SCHEDULE_EXIM, 1, 1, false, 60, 40, EVERY, false},
    {"pool of 2, one network", false, SCHEDULE_POSTFIX, 2, 1, false, 300, 40, EVERY,
        false},
    {"pool of 16, one network, waits 30 s", false, SCHEDULE_POSTFIX, 16, 1, false,
        30, 40, EVERY, false},
    {"pool of 16, 4 networks, SPF", false, SCHEDULE_POSTFIX, 16, 4, true, 300, 40,
        EVERY, false},
    {"pool of 64, 16 networks, SPF, waits 30 s", false, SCHEDULE_EXIM, 64, 16, true,
        30, 40, EVERY, false},
    {"pool of 16, 4 networks, no SPF", false, SCHEDULE_POSTFIX, 16, 4, false, 300,
        40, EVERY, false},
    {"pool of 64, 16 networks, no SPF, waits 30 s", false, SCHEDULE_POSTFIX, 64, 16,
        false, 30, 40, EVERY, false},
    {"leaves after 10 s", true, SCHEDULE_ONCE, 1, 1, false, 10, 100, 600, true},
    {"leaves after 30 s", true, SCHEDULE_ONCE, 1, 1, false, 30, 100, 600, true},
    {"leaves after 60 s", true, SCHEDULE_ONCE, 1, 1, false, 60, 100, 600, true},
    {"waits, comes once", true, SCHEDULE_ONCE, 1, 1, false, 300, 100, 600, true},
    {"leaves after 20 s, back at once", true, SCHEDULE_AT_ONCE, 1, 1, false, 20,
        100, 600, true},
    {"leaves after 20 s, back by schedule", true, SCHEDULE_BOT, 1, 1, false, 20,
        100, 600, true},
    {"leaves after 20 s, other address each time", true, SCHEDULE_BOT, 64, 64,
        false, 20, 100, 600, true},
    {"waits, other address each time", true, SCHEDULE_BOT, 64, 64, false, 300, 100,
        600, true},
};
const unsigned senders_count = sizeof senders / sizeof *senders;

/*
 * postconf(5): minimal_backoff_time 300 s, maximal_backoff_time 4000 s, the time
 * that a message has waited in between; maximal_queue_lifetime 5 days.
 */
static int64_t
postfix_at(unsigned n)
{
	int64_t age = 0;

	for (unsigned i = 0; i < n; i++)
		age += age < 300 ? 300 : age > 4000 ? 4000 : age;
	return age <= 5 * DAY ? age : -1;
}

/* Exim's default: F,2h,15m; G,16h,1h,1.5; F,4d,6h */
static int64_t
exim_at(unsigned n)
{
	int64_t age = 0, step = HOUR;

	for (unsigned i = 0; i < n; i++) {
		if (age < 2 * HOUR) {
			age += 15 * MINUTE;
		} else if (age < 16 * HOUR) {
			age += step;
			step = step * 3 / 2;
		} else {
			age += 6 * HOUR;
		}
	}
	return age <= 4 * DAY ? age : -1;
}

/* The time of an attempt that comes at base * n^2 (qmail-send(8), smtpd(8)). */
static int64_t
square_at(unsigned n, int64_t base, int64_t lifetime)
{
	int64_t age = base * n * n;

	return age <= lifetime ? age : -1;
}

static int64_t
steady_at(unsigned n, int64_t step, int64_t lifetime)
{
	int64_t age = step * n;

	return age <= lifetime ? age : -1;
}

int64_t
schedule_at(enum schedule schedule, unsigned n, uint64_t random)
{
	switch (schedule) {
	case SCHEDULE_POSTFIX:
		return postfix_at(n);
	case SCHEDULE_EXIM:
		return exim_at(n);
	case SCHEDULE_SENDMAIL: /* -q30m, Timeout.queuereturn=5d */
		return steady_at(n, 30 * MINUTE, 5 * DAY);
	case SCHEDULE_QMAIL: /* queuelifetime 604800 s */
		return square_at(n, 400, 7 * DAY);
	case SCHEDULE_EXCHANGE: /* MessageRetryInterval, MessageExpirationTimeout */
		return steady_at(n, 15 * MINUTE, 2 * DAY);
	case SCHEDULE_OPENSMTPD: /* 400 s squared, bounced after 4 days */
		return square_at(n, 400, 4 * DAY);
	case SCHEDULE_AT_ONCE:
		return n <= 3 ? (int64_t)(n * (5 + random % 20)) : -1;
	case SCHEDULE_BOT:
		return n <= 5 ? (int64_t)n * 10 * MINUTE : -1;
	case SCHEDULE_RANDOM:
	case SCHEDULE_ONCE:
	case SCHEDULES:
		break;
	}
	return -1;
}
