/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/sqlite/readers_private.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { FIRST_READ_LOCK = 123, LAST_READ_LOCK = 127 };

static void
add_process(char *buf, size_t size, long pid)
{
	char name[64] = "", path[64], entry[128];
	size_t used = strlen(buf);

	snprintf(path, sizeof path, "/proc/%ld/comm", pid);
	FILE *file = fopen(path, "re");
	if (file != NULL) {
		if (fgets(name, sizeof name, file) != NULL)
			name[strcspn(name, "\n")] = '\0';
		fclose(file);
	}
	snprintf(entry, sizeof entry,
	    *name != '\0' ? "process %ld (%s)" : "process %ld", pid, name);
	if (strstr(buf, entry) == NULL && used + strlen(entry) + 3 < size)
		snprintf(
		    buf + used, size - used, "%s%s", used > 0 ? ", " : "", entry);
}

/* From /proc/locks: closing a file opened for fcntl() would drop our own locks. */
const char *
sqlite_readers(const char *path, char *buf, size_t size)
{
	char shared[4200], line[256];
	struct stat status;
	FILE *file = NULL;

	buf[0] = '\0';
	snprintf(shared, sizeof shared, "%s-shm", path);
	if (stat(shared, &status) == 0)
		file = fopen("/proc/locks", "re");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		unsigned major_number, minor_number;
		unsigned long long inode, from, to;
		long pid;
		if (sscanf(line,
		        "%*d: POSIX ADVISORY READ %ld %x:%x:%llu %llu %llu", &pid,
		        &major_number, &minor_number, &inode, &from, &to) != 6)
			continue;
		if (inode == status.st_ino &&
		    major_number == major(status.st_dev) &&
		    minor_number == minor(status.st_dev) && pid > 0 &&
		    pid != (long)getpid() && to >= FIRST_READ_LOCK &&
		    from <= LAST_READ_LOCK)
			add_process(buf, size, pid);
	}
	if (file != NULL)
		fclose(file);
	return buf;
}
