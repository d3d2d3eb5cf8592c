/* SPDX-License-Identifier: BSD-2-Clause */
#include "shim.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct file {
	sqlite3_file base;
	sqlite3_file *real; /* lies behind this struct */
	int is_database;    /* no log or journal */
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs shim_vfs;
static _Atomic int fault;
static _Atomic unsigned left, run, failed, slow_us;
static _Atomic uint64_t syncs, writes;

static int
is_due(enum shim_fault kind)
{
	if (atomic_load(&fault) != (int)kind)
		return 0;
	if (atomic_load(&left) > 1) {
		atomic_fetch_sub(&left, 1);
		return 0;
	}
	unsigned count = atomic_load(&run);
	if (count != 0 && atomic_load(&failed) >= count)
		return 0;
	atomic_fetch_add(&failed, 1);
	return 1;
}

#define REAL(file) (((struct file *)(void *)(file))->real)

static int
shim_close(sqlite3_file *file)
{
	return REAL(file)->pMethods->xClose(REAL(file));
}

static int
shim_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
	if (is_due(SHIM_READ_ERROR))
		return SQLITE_IOERR_READ;
	int result = REAL(file)->pMethods->xRead(REAL(file), data, size, offset);
	/* The first pages hold the schema and the secret. */
	if (((struct file *)(void *)file)->is_database && offset >= 3 * 4096 &&
	    result == SQLITE_OK && is_due(SHIM_GARBLED))
		memset(data, 0xa5, (size_t)size);
	return result;
}

static int
shim_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
	atomic_fetch_add(&writes, 1);
	if (is_due(SHIM_FULL))
		return SQLITE_FULL;
	if (is_due(SHIM_WRITE_ERROR))
		return SQLITE_IOERR_WRITE;
	return REAL(file)->pMethods->xWrite(REAL(file), data, size, offset);
}

static int
shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return REAL(file)->pMethods->xTruncate(REAL(file), size);
}

static int
shim_sync(sqlite3_file *file, int flags)
{
	unsigned us = atomic_load(&slow_us);

	atomic_fetch_add(&syncs, 1);
	if (us > 0)
		usleep(us);
	if (is_due(SHIM_SYNC_ERROR))
		return SQLITE_IOERR_FSYNC;
	return REAL(file)->pMethods->xSync(REAL(file), flags);
}

static int
shim_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return REAL(file)->pMethods->xFileSize(REAL(file), size);
}

static int
shim_lock(sqlite3_file *file, int level)
{
	return REAL(file)->pMethods->xLock(REAL(file), level);
}

static int
shim_unlock(sqlite3_file *file, int level)
{
	return REAL(file)->pMethods->xUnlock(REAL(file), level);
}

static int
shim_check_reserved(sqlite3_file *file, int *result)
{
	return REAL(file)->pMethods->xCheckReservedLock(REAL(file), result);
}

static int
shim_control(sqlite3_file *file, int op, void *arg)
{
	return REAL(file)->pMethods->xFileControl(REAL(file), op, arg);
}

static int
shim_sector_size(sqlite3_file *file)
{
	return REAL(file)->pMethods->xSectorSize(REAL(file));
}

static int
shim_characteristics(sqlite3_file *file)
{
	return REAL(file)->pMethods->xDeviceCharacteristics(REAL(file));
}

static int
shim_shm_map(
    sqlite3_file *file, int page, int size, int extend, void volatile **data)
{
	return REAL(file)->pMethods->xShmMap(REAL(file), page, size, extend, data);
}

static int
shim_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
	return REAL(file)->pMethods->xShmLock(REAL(file), offset, count, flags);
}

static void
shim_shm_barrier(sqlite3_file *file)
{
	REAL(file)->pMethods->xShmBarrier(REAL(file));
}

static int
shim_shm_unmap(sqlite3_file *file, int remove)
{
	return REAL(file)->pMethods->xShmUnmap(REAL(file), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_file_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_check_reserved,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector_size,
    .xDeviceCharacteristics = shim_characteristics,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

static int
shim_open(
    sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	struct file *shim = (struct file *)(void *)file;

	(void)vfs;
	shim->real = (sqlite3_file *)(void *)(shim + 1);
	shim->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
	int result = real_vfs->xOpen(real_vfs, name, shim->real, flags, out);
	shim->base.pMethods = shim->real->pMethods != NULL ? &methods : NULL;
	return result;
}

void
shim_install(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	shim_vfs = *real_vfs;
	shim_vfs.zName = "shim";
	shim_vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
	shim_vfs.xOpen = shim_open;
	if (sqlite3_vfs_register(&shim_vfs, 1) != SQLITE_OK)
		abort();
}

void
shim_fail(enum shim_fault what, unsigned nth, unsigned count)
{
	atomic_store(&fault, SHIM_NONE);
	atomic_store(&left, nth);
	atomic_store(&run, count);
	atomic_store(&failed, 0);
	atomic_store(&fault, (int)what);
}

unsigned
shim_failed(void)
{
	return atomic_load(&failed);
}

void
shim_slow_sync(unsigned microseconds)
{
	atomic_store(&slow_us, microseconds);
}

uint64_t
shim_syncs(void)
{
	return atomic_load(&syncs);
}

uint64_t
shim_writes(void)
{
	return atomic_load(&writes);
}
