/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports the daemon's state to systemd: Type=notify and WatchdogSec= of the unit.
 * Without systemd these do nothing. Source: sd_notify(3), sd_watchdog_enabled(3),
 * which promise that the protocol (a datagram of "NAME=value" lines to
 * $NOTIFY_SOCKET) is stable; this needs no library.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

/* Lines "NAME=value", at most 500 octets; never waits. */
void notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
