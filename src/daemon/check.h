/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DAEMON_CHECK_H
#define DAEMON_CHECK_H

#include "config/config.h"

/*
 * targreyd -T: prints the configuration, becomes the daemon's user, reads the
 * rules and lists and checks whether that user may use the folders of socket and
 * database; starts nothing. Takes ownership of config. Prints all that is wrong;
 * returns an exit status.
 */
int check_config(struct config *config);

#endif
