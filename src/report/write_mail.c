/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mail with the text and the HTML form of a doc, for sendmail -t. Both parts
 * are base64 (RFC 2045 6.8): no line is too long for SMTP, whatever it holds.
 */
#include <stdlib.h>
#include <string.h>

#include "report/doc.h"

#define LINE_OCTETS 57 /* that become 76 characters */

static void
write_base64(const char *data, size_t length, FILE *file)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                              "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < length; i += 3) {
		unsigned char in[3] = {0, 0, 0};
		size_t count = length - i < 3 ? length - i : 3;
		memcpy(in, data + i, count);
		fputc(letters[in[0] >> 2], file);
		fputc(letters[(in[0] & 3) << 4 | in[1] >> 4], file);
		fputc(count > 1 ? letters[(in[1] & 15) << 2 | in[2] >> 6] : '=',
		    file);
		fputc(count > 2 ? letters[in[2] & 63] : '=', file);
		if ((i + 3) % LINE_OCTETS == 0 || i + 3 >= length)
			fputc('\n', file);
	}
}

static bool
write_part(struct doc *doc, enum doc_format format, const char *type,
    const char *boundary, FILE *file)
{
	char *text = NULL;
	size_t length = 0;
	FILE *part = open_memstream(&text, &length);

	if (part == NULL)
		return false;
	bool ok = doc_write(doc, format, 0, part);
	ok = fclose(part) == 0 && ok;
	if (ok) {
		fprintf(file,
		    "--%s\nContent-Type: %s; charset=utf-8\n"
		    "Content-Transfer-Encoding: base64\n\n",
		    boundary, type);
		write_base64(text, length, file);
	}
	free(text);
	return ok;
}

bool
doc_write_mail(struct doc *doc, const char *to, const char *subject, FILE *file)
{
	/* base64 holds no hyphens, so no part can hold it */
	static const char boundary[] = "targrey-report-part";

	fprintf(file,
	    "To: %s\nSubject: %s\nAuto-Submitted: auto-generated\n"
	    "MIME-Version: 1.0\nContent-Type: multipart/alternative; "
	    "boundary=\"%s\"\n\n",
	    to, subject, boundary);
	bool ok = write_part(doc, DOC_TEXT, "text/plain", boundary, file) &&
	          write_part(doc, DOC_HTML, "text/html", boundary, file);
	fprintf(file, "--%s--\n", boundary);
	return fflush(file) == 0 && !ferror(file) && ok;
}
