/* SPDX-License-Identifier: BSD-2-Clause */
#include "figures.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct row {
	char name[96], unit[24], goal[24];
	double value;
};

static struct row rows[512];
static size_t rows_count;

void
figure(double value, const char *unit, const char *goal, const char *name, ...)
{
	struct row *row = &rows[rows_count];
	va_list args;

	if (rows_count < sizeof rows / sizeof *rows - 1)
		rows_count++;
	va_start(args, name);
	vsnprintf(row->name, sizeof row->name, name, args);
	va_end(args);
	snprintf(row->unit, sizeof row->unit, "%s", unit);
	snprintf(row->goal, sizeof row->goal, "%s", goal);
	row->value = value;
	printf("%s\t%.6g\t%s\n", row->name, value, unit);
	fflush(stdout);
}

static void
print_machine(void)
{
	char line[256], model[256] = "unknown CPU", date[64];
	FILE *file = fopen("/proc/cpuinfo", "r");
	time_t now = time(NULL);
	double load[3] = {0};

	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		char *colon = strchr(line, ':');
		if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
			snprintf(model, sizeof model, "%s", colon + 2);
			model[strcspn(model, "\n")] = '\0';
			break;
		}
	}
	if (file != NULL)
		fclose(file);
	strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", gmtime(&now));
	(void)getloadavg(load, 3);
	printf("%s; %ld CPUs, %s; load %.1f\n", date, sysconf(_SC_NPROCESSORS_ONLN),
	    model, load[0]);
}

void
figures_print(const char *title)
{
	printf("\n%s\n", title);
	print_machine();
	for (size_t i = 0; i < rows_count; i++)
		printf("  %-52s %12.5g %-14s %s%s\n", rows[i].name, rows[i].value,
		    rows[i].unit, rows[i].goal[0] != '\0' ? "goal " : "",
		    rows[i].goal);
}

double
now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double
cpu_self_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double
cpu_of_s(pid_t pid)
{
	char path[64], text[1024];
	unsigned long user = 0, system = 0;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		return 0;
	size_t length = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[length] = '\0';
	const char *rest = strrchr(text, ')');
	if (rest != NULL)
		sscanf(rest + 2,
		    "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
		    &system);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

double
rss_mib(pid_t pid)
{
	char path[64], line[256];
	double kib = -1024;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, "VmRSS: %lf", &kib) == 1)
			break;
	}
	if (file != NULL)
		fclose(file);
	return kib / 1024;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
quantile(double *samples, size_t count, double p)
{
	if (count == 0)
		return 0;
	qsort(samples, count, sizeof *samples, compare);
	return samples[(size_t)(p * (double)(count - 1) + 0.5)];
}

double
median(double *samples, size_t count)
{
	return quantile(samples, count, 0.5);
}

#define SYNCS 100

void
measure_sync(const char *folder, double *p50_r, double *p99_r)
{
	static char page[4096];
	double samples[SYNCS];
	char path[512];

	snprintf(path, sizeof path, "%s/sync", folder);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (int i = 0; i < SYNCS; i++) {
		double start = now_s();
		if (pwrite(fd, page, sizeof page, i * (off_t)sizeof page) < 0 ||
		    fdatasync(fd) != 0)
			perror("sync");
		samples[i] = (now_s() - start) * 1000;
	}
	close(fd);
	unlink(path);
	*p50_r = quantile(samples, SYNCS, 0.5);
	*p99_r = quantile(samples, SYNCS, 0.99);
}

static int
remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

void
folder_remove(const char *folder)
{
	(void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
