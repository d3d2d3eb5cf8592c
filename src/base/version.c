/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/version.h"

const char *
version_text(void)
{
	return TARGREY_VERSION TARGREY_COMMIT;
}
