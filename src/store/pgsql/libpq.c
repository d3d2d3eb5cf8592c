/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/pgsql/libpq.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

/* The library's name since PostgreSQL 8.2. */
#define SONAME "libpq.so.5"

struct libpq libpq;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const struct {
	const char *name;
	void *place; /* of a pointer to the function */
} functions[] = {
#define LIBPQ_PLACE(name) {#name, &libpq.name},
    LIBPQ_FUNCTIONS(LIBPQ_PLACE)
#undef LIBPQ_PLACE
};

static bool
load(struct error *error)
{
	void *library = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);
	bool ok = library != NULL;

	for (size_t i = 0; ok && i < sizeof functions / sizeof *functions; i++) {
		void *function = dlsym(library, functions[i].name);
		/* POSIX, dlsym(): a void * holds a pointer to a function. */
		memcpy(functions[i].place, &function, sizeof function);
		ok = function != NULL;
	}
	if (!ok)
		error_set(error,
		    "PostgreSQL needs libpq 14 or newer, package libpq5: %s",
		    dlerror());
	return ok;
}

bool
libpq_load(struct error *error)
{
	static bool is_loaded;

	pthread_mutex_lock(&lock);
	if (!is_loaded)
		is_loaded = load(error);
	bool ok = is_loaded;
	pthread_mutex_unlock(&lock);
	return ok;
}
