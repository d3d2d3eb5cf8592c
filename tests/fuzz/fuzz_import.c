/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dumps of other greylisters, line by line, as "targreyctl import" reads them
 * (all but the writing): each line is taken, or said to be wrong, once.
 *
 * input  one octet that says which, then the file
 */
#include <stdlib.h>
#include <string.h>

#include "admin/import.h"
#include "fuzz/fuzz.h"
#include "policy/cases.h"

static const struct column columns[] = {
    {"file", "File", 0, false},
    {"line", "Line", 0, false},
    {"wrong", "What is wrong", 0, false},
};

/* The table of lines that were not taken. */
static void
look_at_reasons(const struct doc *doc)
{
	const struct section *section = &doc->sections[0];

	for (size_t row = 0; row < section->rows_count; row++)
		demand(*section_cell(section, row, 2)->text != '\0',
		    "a line is wrong, but not why", "");
}

static void
read_lines(struct import *import, char *text, size_t size)
{
	char *end = text + size;

	for (char *line = text; line < end;) {
		char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((stop == NULL ? end : stop) - line);
		/* a copy of its own, so that one octet too far is seen */
		char *copy = strndup(line, length);
		import->line++;
		bool goes_on = import->read(import, copy);
		free(copy);
		if (!goes_on)
			return;
		line += length + 1;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool (*const readers[])(struct import *, char *) = {
	    import_postgrey_line, import_sqlgrey_line, import_whitelist_line};
	struct error error;
	struct import import = {.kind = "client",
	    .policy = &defaults,
	    .error = &error,
	    .now = 1800000000,
	    .delay_s = 300,
	    .is_dry = true};

	if (size == 0)
		return 0;
	import.doc = doc_new("import");
	doc_section(import.doc, "import", "Import");
	doc_table(import.doc, columns, 3);
	import_begin(&import, "dump");
	import.read = readers[data[0] % 3];
	import.kind = data[0] & 4 ? "recipient" : "client";
	char *text = malloc(size);
	memcpy(text, data + 1, size - 1);
	read_lines(&import, text, size - 1);
	free(text);
	look_at_reasons(import.doc);
	doc_free(&import.doc);
	demand(import.passed <= import.triplets, "more passed than there are", "");
	demand(import.known <= import.addresses, "more known than there are", "");
	demand(import_end(&import), "the end of the import", error.text);
	return 0;
}
