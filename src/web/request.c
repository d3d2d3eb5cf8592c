/* SPDX-License-Identifier: BSD-2-Clause */
/* A request, with the values of its URL and of its form. */
#include <stdlib.h>
#include <string.h>

#include "web/web_private.h"

static void
add_value(struct web_request *request, const char *name, const char *text,
    size_t length, bool is_more)
{
	struct value *value = is_more && request->values_count > 0
	                          ? &request->values[request->values_count - 1]
	                          : &request->values[request->values_count];

	request->octets += length + strlen(name);
	if (request->values_count == VALUES || request->octets > FORM_MOST) {
		request->is_too_large = true;
		return;
	}
	if (value == &request->values[request->values_count]) {
		request->values_count++;
		*value = (struct value){.name = strdup(name)};
	}
	char *grown = realloc(value->text, value->length + length + 1);
	if (grown != NULL)
		value->text = grown;
	if (grown == NULL || value->name == NULL) {
		request->is_too_large = true;
		return;
	}
	memcpy(value->text + value->length, text, length);
	value->length += length;
	value->text[value->length] = '\0';
}

static enum MHD_Result
take_field(void *ctx, enum MHD_ValueKind kind, const char *name,
    const char *file_name, const char *type, const char *encoding, const char *data,
    uint64_t offset, size_t size)
{
	(void)kind;
	(void)file_name;
	(void)type;
	(void)encoding;
	add_value(ctx, name, data, size, offset > 0);
	return MHD_YES;
}

static enum MHD_Result
take_argument(
    void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	if (value != NULL)
		add_value(ctx, name, value, strlen(value), false);
	return MHD_YES;
}

const char *
web_nth(const struct web_request *request, const char *name, int n)
{
	for (size_t i = 0; i < request->values_count; i++) {
		const struct value *value = &request->values[i];
		if (value->text != NULL && strcmp(value->name, name) == 0 &&
		    n-- == 0)
			return value->text;
	}
	return NULL;
}

const char *
web_value(const struct web_request *request, const char *name)
{
	return web_nth(request, name, 0);
}

const char *
web_user(const struct web_request *request)
{
	return *request->user == '\0' ? NULL : request->user;
}

struct web_request *
web_request_new(struct web *web, struct MHD_Connection *connection,
    const char *path, const char *method)
{
	struct web_request *request = calloc(1, sizeof *request);

	if (request == NULL || (request->path = strdup(path)) == NULL) {
		free(request);
		return NULL;
	}
	request->web = web;
	request->connection = connection;
	request->method = method;
	MHD_get_connection_values(
	    connection, MHD_GET_ARGUMENT_KIND, take_argument, request);
	if (strcmp(method, "POST") == 0)
		request->form = MHD_create_post_processor(
		    connection, 65536, take_field, request);
	return request;
}

void
web_request_free(struct web_request *request)
{
	if (request->form != NULL)
		MHD_destroy_post_processor(request->form);
	for (size_t i = 0; i < request->values_count; i++) {
		free(request->values[i].name);
		free(request->values[i].text);
	}
	free(request->location);
	free(request->path);
	free(request);
}
