/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tells systemd how the daemon is: Type=notify and WatchdogSec= of the unit.
 * Under anything else these do nothing. Source: sd_notify(3),
 * sd_watchdog_enabled(3), which promise the protocol (a datagram of
 * "NAME=value" lines to $NOTIFY_SOCKET) to stay; a library for it would be the
 * larger part.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

/* Lines "NAME=value", at most 500 octets; never waits. */
void notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
