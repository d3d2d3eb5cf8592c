/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libspf2 with our layer below it. The record that it compiles is written by
 * us: every directive that may matter to this client becomes
 * "exists:t<N>.spf", each include "include:t<N>.spf", in order, a redirect
 * last. Asked for such a name, the layer evaluates term N (RFC 7208 5). So no
 * octet of a foreign record, name, HELO or sender reaches libspf2's parsers,
 * whose holes are known (CVE-2023-42118), and every look-up knows the term it
 * is made for.
 */
#include "spf/eval_private.h"

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spf2/spf.h>

#include "base/log.h"

/* One record: SPF_MAX_TERMS + 1 that look up, a leaf that matches, a redirect. */
#define SKELETON_SIZE 640
#define ROOT_TAG      "t0.spf"

/*
 * libspf2 ends the process when out of memory or when it contradicts itself, after
 * it has called a handler that may be set (spf_log.h). Ours leaves the evaluation
 * instead: the memory that libspf2 held is leaked, the result is temperror, and the
 * log says so once.
 */
static _Thread_local jmp_buf *way_out;

static void __attribute__((noreturn)) give_up(const char *why)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;

	if (!atomic_flag_test_and_set(&said))
		log_warnx("spf: libspf2 gave up (%s): the result is temperror "
		          "(logged once)",
		    why);
	longjmp(*way_out, 1);
}

static void __attribute__((noreturn))
on_error(const char *file, int line, const char *text)
{
	(void)file, (void)line;
	give_up(text);
}

/* libspf2's own handlers print to standard output, which may block. */
static void
on_talk(const char *file, int line, const char *text)
{
	log_debug("spf: libspf2: %s:%d: %s", file, line, text);
}

static void
set_handlers(void)
{
	SPF_error_handler = on_error;
	SPF_warning_handler = on_talk;
	SPF_info_handler = on_talk;
	SPF_debug_handler = on_talk;
}

static bool
add_tag(struct spf_eval *eval, struct spf_term *term, size_t *index_r)
{
	if (eval->tag_count == eval->tag_size) {
		size_t size = eval->tag_size * 2 + 16;
		struct spf_term **more = realloc(eval->tags, size * sizeof *more);
		if (more == NULL) {
			spf_decide(eval, SPF_TEMPERROR, SPF_TROUBLE_LIMIT);
			return false;
		}
		eval->tags = more;
		eval->tag_size = size;
	}
	*index_r = eval->tag_count;
	eval->tags[eval->tag_count++] = term;
	return true;
}

/* The term of "t<N>.spf"; NULL for t0, the start. */
static struct spf_term *
term_of_tag(const struct spf_eval *eval, const char *tag)
{
	size_t index = strtoul(tag + 1, NULL, 10);

	return index < eval->tag_count ? eval->tags[index] : NULL;
}

struct skeleton {
	char text[SKELETON_SIZE];
	size_t length;
	unsigned mechanisms;
};

/* qualifier  '\0' for redirect, which has none */
static void
append(struct skeleton *skeleton, char qualifier, const char *word, size_t tag)
{
	char prefix[2] = {qualifier, '\0'};

	skeleton->length += (size_t)snprintf(skeleton->text + skeleton->length,
	    sizeof skeleton->text - skeleton->length, " %s%st%zu.spf", prefix, word,
	    tag);
	skeleton->mechanisms++;
}

/* What of the record can matter to this client, in libspf2's reach. */
static bool
make_skeleton(
    struct spf_eval *eval, struct spf_record *record, struct skeleton *skeleton)
{
	unsigned look_ups = 0;
	size_t tag;

	strcpy(skeleton->text, "v=spf1");
	skeleton->length = strlen(skeleton->text);
	skeleton->mechanisms = 0;
	for (size_t i = 0; i < record->count; i++) {
		struct spf_term *term = &record->terms[i];
		bool is_ip = term->kind == SPF_IP4 || term->kind == SPF_IP6;
		bool is_last = is_ip || term->kind == SPF_ALL;

		if (is_ip && !spf_ip_matches(eval, term))
			continue;
		if (!add_tag(eval, term, &tag))
			return false;
		append(skeleton, term->qualifier,
		    term->kind == SPF_INCLUDE ? "include:" : "exists:", tag);
		/* the term after the last allowed one ends the evaluation */
		if (is_last || ++look_ups > SPF_MAX_TERMS)
			return true;
	}
	if (record->redirect == NULL)
		return true;
	if (!add_tag(eval, record->redirect, &tag))
		return false;
	append(skeleton, '\0', "redirect=", tag);
	return true;
}

/* The one SPF record among the texts (RFC 7208 4.5); NULL: decided, or none. */
static const struct dns_record *
select_record(struct spf_eval *eval, const struct dns_answer *answer,
    const struct spf_term *term)
{
	const struct dns_record *found = NULL;

	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];
		if (!spf_record_is_ours(record->text, record->length))
			continue;
		if (found != NULL) {
			spf_decide(eval, SPF_PERMERROR, SPF_TROUBLE_SYNTAX);
			return NULL;
		}
		found = record;
	}
	if (found == NULL && term == NULL)
		spf_decide(eval, SPF_NONE, SPF_TROUBLE_NONE);
	else if (found ==
	         NULL) /* 5.2, 6.1: nothing there is an error of the record */
		spf_decide(eval, SPF_PERMERROR, SPF_TROUBLE_SYNTAX);
	return found;
}

static struct spf_record *
parse_found(struct spf_eval *eval, const struct dns_record *found,
    const char *domain, const struct spf_term *term)
{
	struct spf_record *record;

	switch (spf_record_parse(found->text, found->length, domain, &record)) {
	case SPF_GRAMMAR_OK:
		record->via_macro =
		    term != NULL && (term->has_macro || term->record->via_macro);
		record->next = eval->records;
		eval->records = record;
		break;
	case SPF_GRAMMAR_BAD:
		spf_decide(eval, SPF_PERMERROR, SPF_TROUBLE_SYNTAX);
		break;
	case SPF_GRAMMAR_SIZE:
		spf_decide(eval, SPF_PERMERROR, SPF_TROUBLE_SIZE);
		break;
	case SPF_GRAMMAR_MEMORY:
		spf_decide(eval, SPF_TEMPERROR, SPF_TROUBLE_LIMIT);
		break;
	}
	return record;
}

/* The record of an include or redirect, or of the start (term NULL). */
static struct spf_record *
fetch(struct spf_eval *eval, const struct spf_term *term)
{
	char domain[DNS_NAME_SIZE];

	if (term == NULL) {
		memcpy(domain, eval->domain, sizeof domain);
	} else {
		if (!spf_count_term(eval))
			return NULL;
		/* 4.3: no such name is "none", and that an error of the record */
		if (!spf_term_name(eval, term, domain) ||
		    dns_name_labels(domain) < 2) {
			spf_decide(eval, SPF_PERMERROR, SPF_TROUBLE_SYNTAX);
			return NULL;
		}
	}
	const struct dns_answer *answer = spf_ask(eval, domain, DNS_TXT);
	if (answer == NULL || !spf_answer_holds(eval, answer))
		return NULL;
	const struct dns_record *found = select_record(eval, answer, term);
	return found == NULL ? NULL : parse_found(eval, found, domain, term);
}

static SPF_errcode_t
hook_get_spf(SPF_server_t *server, SPF_request_t *request, SPF_response_t *response,
    SPF_record_t **record_r)
{
	struct spf_eval *eval = server->resolver->hook;
	struct skeleton skeleton;
	struct spf_record *record;

	*record_r = NULL;
	record = fetch(eval, term_of_tag(eval, request->cur_dom));
	if (record == NULL || !make_skeleton(eval, record, &skeleton))
		return SPF_E_DNS_ERROR;
	SPF_errcode_t failed =
	    SPF_record_compile(server, response, record_r, skeleton.text);
	if (failed == SPF_E_SUCCESS && (*record_r)->num_mech == skeleton.mechanisms)
		return SPF_E_SUCCESS;
	if (failed == SPF_E_NO_MEMORY)
		spf_decide(eval, SPF_TEMPERROR, SPF_TROUBLE_LIMIT);
	else /* our own contradiction; never cut silently */
		spf_decide(eval, SPF_PERMERROR, SPF_TROUBLE_SIZE);
	return failed == SPF_E_SUCCESS ? SPF_E_INTERNAL_ERROR : failed;
}

static SPF_dns_rr_t *
hook_lookup(
    SPF_dns_server_t *layer, const char *name, ns_type type, int should_cache)
{
	struct spf_eval *eval = layer->hook;
	struct spf_term *term = term_of_tag(eval, name);
	bool matches = false;

	(void)should_cache;
	if (!eval->is_decided && type == ns_t_a && term != NULL)
		matches = spf_term_matches(eval, term);
	SPF_dns_rr_t *answer = SPF_dns_rr_new_init(layer, name, type, 0,
	    eval->is_decided ? TRY_AGAIN
	    : matches        ? NETDB_SUCCESS
	                     : HOST_NOT_FOUND);
	if (answer == NULL)
		give_up("out of memory");
	if (!matches)
		return answer;
	if (SPF_dns_rr_buf_realloc(answer, 0, sizeof(SPF_dns_rr_data_t)) !=
	    SPF_E_SUCCESS) {
		spf_decide(eval, SPF_TEMPERROR, SPF_TROUBLE_LIMIT);
		answer->herrno = TRY_AGAIN;
		return answer;
	}
	answer->num_rr = 1;
	answer->rr[0]->a.s_addr = htonl(0x7f000002);
	return answer;
}

static SPF_errcode_t
hook_get_exp(SPF_server_t *server, const char *domain, char **text, size_t *size)
{
	(void)server, (void)domain, (void)text, (void)size;
	return SPF_E_NOT_CONFIG;
}

static enum spf_result
result_from(SPF_response_t *response)
{
	switch (SPF_response_result(response)) {
	case SPF_RESULT_PASS:
		return SPF_PASS;
	case SPF_RESULT_FAIL:
		return SPF_FAIL;
	case SPF_RESULT_SOFTFAIL:
		return SPF_SOFTFAIL;
	case SPF_RESULT_NEUTRAL:
		return SPF_NEUTRAL;
	case SPF_RESULT_NONE:
		return SPF_NONE;
	case SPF_RESULT_TEMPERROR:
		return SPF_TEMPERROR;
	case SPF_RESULT_PERMERROR:
		return SPF_PERMERROR;
	case SPF_RESULT_INVALID:
		break;
	}
	SPF_errcode_t code = SPF_response_errcode(response);
	return code == SPF_E_DNS_ERROR || code == SPF_E_NO_MEMORY ? SPF_TEMPERROR
	                                                          : SPF_PERMERROR;
}

/* On the heap, so that their values outlive a longjmp(). */
struct handles {
	SPF_dns_server_t layer;
	SPF_server_t *server;
	SPF_request_t *request;
	SPF_response_t *response;
	enum spf_result result;
};

static void
query(struct spf_eval *eval, struct handles *handles)
{
	/* libspf2 decides nothing by the address, but for a loopback one */
	struct in_addr address = {.s_addr = htonl(0xc0000201)};
	size_t root;

	handles->server = SPF_server_new_dns(&handles->layer, 0);
	if (handles->server != NULL)
		handles->request = SPF_request_new(handles->server);
	SPF_request_t *request = handles->request;
	if (request == NULL || !add_tag(eval, NULL, &root))
		return;
	SPF_server_set_max_dns_mech(handles->server, 1000);
	if (SPF_request_set_ipv4(request, address) != SPF_E_SUCCESS ||
	    SPF_request_set_helo_dom(request, ROOT_TAG) != SPF_E_SUCCESS ||
	    SPF_request_set_env_from(request, "a@" ROOT_TAG) != 0)
		return;
	SPF_request_query_mailfrom(request, &handles->response);
	if (handles->response != NULL)
		handles->result = result_from(handles->response);
}

static void
query_or_give_up(struct spf_eval *eval, struct handles *handles)
{
	jmp_buf here;

	way_out = &here;
	if (setjmp(here) == 0)
		query(eval, handles);
	else
		spf_decide(eval, SPF_TEMPERROR, SPF_TROUBLE_LIMIT);
	way_out = NULL;
}

enum spf_result
spf_layer_run(struct spf_eval *eval)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct handles *handles = calloc(1, sizeof *handles);

	pthread_once(&once, set_handlers);
	if (handles == NULL) {
		spf_decide(eval, SPF_TEMPERROR, SPF_TROUBLE_LIMIT);
		return SPF_TEMPERROR;
	}
	handles->result = SPF_TEMPERROR;
	handles->layer = (SPF_dns_server_t){.lookup = hook_lookup,
	    .get_spf = hook_get_spf,
	    .get_exp = hook_get_exp,
	    .name = "targrey",
	    .hook = eval};
	query_or_give_up(eval, handles);
	enum spf_result result = handles->result;
	if (handles->response != NULL)
		SPF_response_free(handles->response);
	if (handles->request != NULL)
		SPF_request_free(handles->request);
	if (handles->server != NULL)
		SPF_server_free(handles->server);
	free(handles);
	return result;
}
