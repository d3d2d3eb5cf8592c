/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all benches print: at once one line a figure, "name<TAB>value<TAB>unit",
 * and at the end a table for people. And the small measures that they share.
 */
#ifndef TESTS_BENCH_FIGURES_H
#define TESTS_BENCH_FIGURES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* goal: "" or as in "<= 40"; shown in the table. name is a format. */
void figure(double value, const char *unit, const char *goal, const char *name, ...)
    __attribute__((format(printf, 4, 5)));
/* The table, with the machine and the date above it. */
void figures_print(const char *title);

/* Seconds, of a clock that only goes on. */
double now_s(void);
/* CPU seconds of this process, and of another (10 ms steps). */
double cpu_self_s(void);
double cpu_of_s(pid_t pid);
/* MiB resident of a process; -1 when it is gone. */
double rss_mib(pid_t pid);

/* The p-th part (0..1) of samples; sorts them. 0 for none. */
double quantile(double *samples, size_t count, double p);
double median(double *samples, size_t count);

/* p50 and p99 of writing and syncing 4 KiB in a folder, in ms. */
void measure_sync(const char *folder, double *p50_r, double *p99_r);

/* With all that is in it. */
void folder_remove(const char *folder);

#endif
