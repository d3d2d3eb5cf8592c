/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/config.h"
#include "config/file.h"

/* What a function writes, NUL-terminated; the caller frees. */
static char *
written(void (*write)(FILE *))
{
	char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);
	write(file);
	fclose(file);
	return text;
}

static char *
dumped(const struct config *config)
{
	char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);
	config_dump(config, file);
	fclose(file);
	return text;
}

static char *
contents(const char *path)
{
	FILE *file = fopen(path, "r");
	if (file == NULL)
		fail_msg("%s cannot be opened", path);
	char *text = calloc(1, 200000);
	size_t length = fread(text, 1, 199999, file);
	assert_true(length > 0);
	fclose(file);
	return text;
}

static struct config *
reload(const char *text)
{
	struct error error = {""};
	file_write(text, strlen(text));
	struct config *config = config_load(file_path, &error);
	if (config == NULL)
		fail_msg("%s\n%s", error.text, text);
	return config;
}

static void
a_dump_is_a_file_with_the_same_meaning(void **state)
{
	(void)state;
	static const char *const files[] = {"",
	    "suspect = {\"helo warn\", \"all\"} hostname = \"mx.example.jp\"\n"
	    "exempt_networks = {} tarpit { hold = 61 vary = 0 trust_eom = on }\n"
	    "greylist { text = \"a \\\"b\\\" \\\\c\" } socket_mode = 0600\n"
	    "dns { servers = {\"192.0.2.1\"} dnsbl = {\"a.example b 1 -2\"} }\n"
	    "allow { files = {\"/a/*\", \"/b\"} }"};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		struct config *first = reload(files[i]);
		char *once = dumped(first);
		struct config *second = reload(once);
		char *twice = dumped(second);
		assert_string_equal(once, twice);
		assert_string_equal(first->greylist_text, second->greylist_text);
		assert_memory_equal(
		    &first->policy, &second->policy, sizeof first->policy);
		config_free(&first);
		config_free(&second);
		free(once);
		free(twice);
	}
}

static void
the_sample_file_is_the_table(void **state)
{
	(void)state;
	char *wanted = written(config_dump_default), *found = contents(SAMPLE_FILE);
	if (strcmp(wanted, found) != 0)
		fail_msg("run tests/config/update");
	free(wanted);
	free(found);
}

static void
the_manuals_list_of_keys_is_the_table(void **state)
{
	(void)state;
	static const char begin[] = "\n.\\\" begin keys\n",
	                  end[] = ".\\\" end keys\n";
	char *wanted = written(config_dump_manual), *found = contents(MANUAL_FILE);
	char *start = strstr(found, begin), *stop = strstr(found, end);
	assert_non_null(start);
	assert_non_null(stop);
	*stop = '\0';
	if (strcmp(wanted, start + strlen(begin)) != 0)
		fail_msg("run tests/config/update");
	free(wanted);
	free(found);
}

static void
the_sample_file_changes_nothing_with_and_without_its_marks(void **state)
{
	(void)state;
	char *sample = written(config_dump_default);
	struct config *defaults = config_load(NULL, NULL), *config = reload(sample);
	char *wanted = dumped(defaults), *found = dumped(config);
	assert_string_equal(wanted, found);
	free(found);
	config_free(&config);

	/* "#key = value" loses its mark, and so do the lines of a long list */
	char *bare = calloc(1, strlen(sample) + 1), *out = bare;
	int taken = 0;
	for (char *line = sample; *line != '\0'; line++) {
		size_t length = strcspn(line, "\n"), blanks = strspn(line, " ");
		char next = line[blanks] == '#' ? line[blanks + 1] : '\0';
		if ((next >= 'a' && next <= 'z') ||
		    strncmp(line + blanks, "#    \"", 6) == 0) {
			line[blanks] = ' ';
			taken++;
		}
		memcpy(out, line, length);
		out += length;
		*out++ = '\n';
		line += length;
	}
	assert_true(taken > 40);
	config = reload(bare);
	found = dumped(config);
	assert_string_equal(wanted, found);
	config_free(&config);
	config_free(&defaults);
	free(bare);
	free(sample);
	free(found);
	free(wanted);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_dump_is_a_file_with_the_same_meaning),
	    cmocka_unit_test(the_sample_file_is_the_table),
	    cmocka_unit_test(the_manuals_list_of_keys_is_the_table),
	    cmocka_unit_test(
	        the_sample_file_changes_nothing_with_and_without_its_marks),
	};
	return cmocka_run_group_tests_name(
	    "config dump", tests, file_setup, file_teardown);
}
