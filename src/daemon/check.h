/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DAEMON_CHECK_H
#define DAEMON_CHECK_H

#include "config/config.h"

/*
 * targreyd -T: prints the configuration, reads the rules and lists as well, and
 * starts nothing. Takes config over. Returns an exit status, having said why.
 */
int check_config(struct config *config);

#endif
