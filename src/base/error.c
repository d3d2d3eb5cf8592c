/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
error_set(struct error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (error != NULL)
		vsnprintf(error->text, sizeof error->text, format, args);
	va_end(args);
}

/* Appends to what was written before; an error that is too long is cut. */
static void
append(struct error *error, const char *rest)
{
	size_t used = strlen(error->text);

	snprintf(error->text + used, sizeof error->text - used, ": %s", rest);
}

void
error_set_errno(struct error *error, const char *format, ...)
{
	int saved = errno;
	if (error == NULL)
		return;
	va_list args;
	va_start(args, format);
	vsnprintf(error->text, sizeof error->text, format, args);
	va_end(args);
	append(error, strerror(saved));
}

void
error_prefix(struct error *error, const char *format, ...)
{
	if (error == NULL)
		return;
	char rest[sizeof error->text];
	memcpy(rest, error->text, sizeof rest);

	va_list args;
	va_start(args, format);
	vsnprintf(error->text, sizeof error->text, format, args);
	va_end(args);
	append(error, rest);
}
