/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Feeds a target with inputs where libFuzzer is not: first every file of its
 * seeds as it is, then those changed and put together with its dictionary's words.
 *
 * usage: fuzz_NAME RUNS LONGEST DICTIONARY SEEDS [SEED]
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "support/dice.h"

#define MOST 400

struct octets {
	uint8_t *data;
	size_t size;
};
static struct octets words[MOST], seeds[MOST];
static unsigned words_count, seeds_count;
static uint64_t state;

static unsigned
dice(size_t sides)
{
	return (unsigned)((dice_next(&state) >> 33) % sides);
}

/* "text" with \\, \" and \xHH: libFuzzer's form */
static void
read_word(const char *line)
{
	struct octets *word = &words[words_count];
	const char *at = strchr(line, '"');

	if (*line == '#' || at == NULL || words_count == MOST)
		return;
	word->data = malloc(strlen(line) + 1);
	for (at++; *at != '"' && *at != '\0'; at++) {
		unsigned code = (unsigned char)*at;
		if (*at == '\\' && at[1] == 'x') {
			sscanf(at + 2, "%2x", &code);
			at += 3;
		} else if (*at == '\\') {
			code = (unsigned char)*++at;
		}
		word->data[word->size++] = (uint8_t)code;
	}
	words_count++;
}

static void
read_words(const char *path)
{
	char line[1000];
	FILE *file = fopen(path, "r");

	if (file == NULL) {
		perror(path);
		exit(1);
	}
	while (fgets(line, sizeof line, file) != NULL)
		read_word(line);
	fclose(file);
}

static void
read_seed(const char *folder, const char *name, size_t longest)
{
	char path[1000];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "r");
	if (*name == '.' || file == NULL || seeds_count == MOST)
		return;
	struct octets *seed = &seeds[seeds_count++];
	seed->data = malloc(longest);
	seed->size = fread(seed->data, 1, longest, file);
	fclose(file);
}

static void
read_seeds(const char *path, size_t longest)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);

	if (count < 0) {
		perror(path);
		exit(1);
	}
	for (int i = 0; i < count; i++) {
		read_seed(path, entries[i]->d_name, longest);
		free(entries[i]);
	}
	free(entries);
}

/* Puts more in at some place. */
static size_t
put_in(uint8_t *data, size_t size, size_t longest, const struct octets *more)
{
	size_t at = dice(size + 1);

	if (size + more->size > longest)
		return size;
	memmove(data + at + more->size, data + at, size - at);
	memcpy(data + at, more->data, more->size);
	return size + more->size;
}

static size_t
take_out(uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	size_t at = dice(size), length = 1 + dice(size - at);
	if (length > 8 && dice(4) != 0)
		length = 1 + dice(8);
	memmove(data + at, data + at + length, size - at - length);
	return size - length;
}

static size_t
change(uint8_t *data, size_t size, size_t longest)
{
	uint8_t octet = (uint8_t)dice(256);
	struct octets some = {&octet, 1};

	switch (dice(6)) {
	case 0:
		if (size > 0)
			data[dice(size)] = octet;
		return size;
	case 1:
		return take_out(data, size);
	case 2:
		return put_in(data, size, longest, &some);
	case 3:
		return put_in(data, size, longest, &seeds[dice(seeds_count)]);
	default:
		return put_in(data, size, longest, &words[dice(words_count)]);
	}
}

int
main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	long runs = strtol(argv[1], NULL, 10);
	size_t longest = strtoul(argv[2], NULL, 10);
	uint8_t *data = malloc(longest);

	state = argc > 5 ? strtoull(argv[5], NULL, 10) + 1 : 1;
	read_words(argv[3]);
	read_seeds(argv[4], longest);
	if (words_count == 0 || seeds_count == 0) {
		fprintf(stderr, "no words, or no seeds\n");
		return 1;
	}
	for (unsigned i = 0; i < seeds_count; i++)
		LLVMFuzzerTestOneInput(seeds[i].data, seeds[i].size);
	for (long i = 0; i < runs; i++) {
		const struct octets *seed = &seeds[dice(seeds_count)];
		size_t size = seed->size;
		memcpy(data, seed->data, size);
		for (unsigned times = 1 + dice(6); times > 0; times--)
			size = change(data, size, longest);
		LLVMFuzzerTestOneInput(data, size);
	}
	printf("%u seeds, %ld inputs\n", seeds_count, runs);
	free(data);
	for (unsigned i = 0; i < seeds_count; i++)
		free(seeds[i].data);
	for (unsigned i = 0; i < words_count; i++)
		free(words[i].data);
	return 0;
}
