/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables that are too long to be kept whole. */
#include <stdlib.h>

#include "report/doc.h"
#include "report/escape.h"

void
doc_stream(struct doc *doc, enum doc_format format, unsigned width, FILE *file)
{
	if (format != DOC_HTML && !doc->failed)
		doc->stream =
		    (struct stream){.file = file, .format = format, .width = width};
}

static struct section *
section_of(struct doc *doc)
{
	return &doc->sections[doc->sections_count - 1];
}

static void
begin(struct doc *doc)
{
	struct stream *stream = &doc->stream;
	const struct section *section = section_of(doc);

	switch (stream->format) {
	case DOC_TEXT:
		if (section->rows_count > 0)
			text_head(
			    section, stream->width, stream->wide, stream->file);
		break;
	case DOC_JSON:
		fputs("{\n  \"title\": ", stream->file);
		escape_json(stream->file, doc->title);
		fputs(",\n  ", stream->file);
		escape_json(stream->file, section->key);
		fputs(": {\n    \"rows\": [", stream->file);
		break;
	case DOC_CSV:
		csv_head(section, stream->file);
		break;
	case DOC_HTML:
	case DOC_FORMATS:
		break;
	}
}

void
stream_rows(struct doc *doc)
{
	struct stream *stream = &doc->stream;
	struct section *section = section_of(doc);

	if (stream->written == 0)
		begin(doc);
	for (size_t row = 0; row < section->rows_count; row++) {
		if (stream->format == DOC_TEXT)
			text_row(section, row, stream->width, stream->wide,
			    stream->file);
		else if (stream->format == DOC_JSON)
			json_row(
			    section, row, stream->written + row == 0, stream->file);
		else
			csv_row(section, row, stream->file);
	}
	for (size_t i = 0; i < section->rows_count * section->columns_count; i++)
		free(section->cells[i].text);
	stream->written += section->rows_count;
	section->rows_count = 0;
}

void
stream_end(struct doc *doc)
{
	struct stream *stream = &doc->stream;

	if (stream->written == 0 || section_of(doc)->rows_count > 0)
		stream_rows(doc);
	if (stream->format == DOC_JSON)
		fputs("]}\n}\n", stream->file);
	else if (stream->format == DOC_TEXT && stream->written == 0)
		fputs("(nothing)\n", stream->file);
}
