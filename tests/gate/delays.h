/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate_delay.other of a delayed reply, by how the delay has ended: did the client
 * hear the other text? The tests of the gate hold it to this; the fixture of the
 * sessions, which has no gate, plays it.
 */
#ifndef TESTS_GATE_DELAYS_H
#define TESTS_GATE_DELAYS_H

#include "gate/moment.h"

enum delay_other { OTHER_NOT_HEARD, OTHER_HEARD, OTHER_IF_DECIDED };

static const enum delay_other delay_others[] = {
    [GATE_END_ELAPSED] = OTHER_IF_DECIDED,
    [GATE_END_GONE] = OTHER_HEARD,
    [GATE_END_STOPPED] = OTHER_HEARD,
    [GATE_END_MTA_GONE] = OTHER_NOT_HEARD};

#endif
