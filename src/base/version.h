/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

/*
 * "1.0.0 (0123456789ab)": the release and the commit that was built, "+" after
 * it when files had been changed; the release alone outside a git checkout. For
 * people: programs read TARGREY_VERSION. A literal.
 */
const char *version_text(void);

#endif
