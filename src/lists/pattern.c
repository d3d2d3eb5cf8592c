/* SPDX-License-Identifier: BSD-2-Clause */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "lists/pattern.h"

#include <pcre2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/domain.h"
#include "base/log.h"
#include "base/text.h"

#define STEPS_MAX    50000 /* a few ms; real names need fewer than 1000 */
#define HEAP_MAX_KIB 1024
#define DEPTH_MAX    2000 /* a name of 255 characters needs below 1000 */
#define SUBJECT_MAX  4096

struct pattern {
	pcre2_code *code;
	pcre2_code
	    *letters; /* the same in UTF-8 mode if it has U-labels; or NULL */
	pcre2_match_context *limits;
	char *text;
	_Atomic bool gave_up; /* already logged */
};

/* The match data of this thread; one pair of offsets serves every pattern. */
static pthread_key_t match_data_key;
static bool have_key;

static void
drop_match_data(void *data)
{
	pcre2_match_data_free(data);
}

static void
make_key(void)
{
	have_key = pthread_key_create(&match_data_key, drop_match_data) == 0;
}

static pcre2_match_data *
thread_match_data(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_key);
	if (!have_key)
		return NULL;
	pcre2_match_data *data = pthread_getspecific(match_data_key);
	if (data != NULL)
		return data;
	data = pcre2_match_data_create(1, NULL);
	if (data != NULL && pthread_setspecific(match_data_key, data) != 0) {
		pcre2_match_data_free(data);
		return NULL;
	}
	return data;
}

static bool
set_limits(struct pattern *pattern)
{
	pattern->limits = pcre2_match_context_create(NULL);
	if (pattern->limits == NULL)
		return false;
	pcre2_set_match_limit(pattern->limits, STEPS_MAX);
	pcre2_set_depth_limit(pattern->limits, DEPTH_MAX);
	pcre2_set_heap_limit(pattern->limits, HEAP_MAX_KIB);
	return true;
}

static bool
has_letters(const char *text)
{
	while (*text != '\0' && (unsigned char)*text < 0x80)
		text++;
	return *text != '\0';
}

struct pattern *
pattern_compile(const char *text, struct error *error)
{
	struct pattern *pattern = calloc(1, sizeof *pattern);
	if (pattern == NULL) {
		error_set(error, "out of memory");
		return NULL;
	}

	int number;
	size_t offset;
	pattern->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
	    PCRE2_CASELESS | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF, &number,
	    &offset, NULL);
	if (pattern->code == NULL) {
		PCRE2_UCHAR why[160];
		pcre2_get_error_message(number, why, sizeof why);
		error_set(error, "offset %zu: %s", offset, (const char *)why);
		pattern_free(&pattern);
		return NULL;
	}
	if (has_letters(text))
		pattern->letters =
		    pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
		        PCRE2_CASELESS | PCRE2_DOLLAR_ENDONLY | PCRE2_UTF, &number,
		        &offset, NULL);
	pattern->text = text_dup(text);
	if (pattern->text == NULL || !set_limits(pattern)) {
		error_set(error, "out of memory");
		pattern_free(&pattern);
		return NULL;
	}
	/* Without JIT, PCRE2 interprets the pattern. */
	pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE);
	if (pattern->letters != NULL)
		pcre2_jit_compile(pattern->letters, PCRE2_JIT_COMPLETE);
	return pattern;
}

static bool
match(const struct pattern *pattern, const pcre2_code *code, const char *subject,
    size_t length)
{
	pcre2_match_data *data = thread_match_data();
	if (data == NULL)
		return false;
	if (length > SUBJECT_MAX)
		length = SUBJECT_MAX;

	int result = pcre2_match(
	    code, (PCRE2_SPTR)subject, length, 0, 0, data, pattern->limits);
	if (result >= 0)
		return true;
	bool is_text =
	    result > PCRE2_ERROR_UTF8_ERR1 || result < PCRE2_ERROR_UTF8_ERR21;
	if (result != PCRE2_ERROR_NOMATCH && is_text &&
	    !atomic_exchange(&((struct pattern *)pattern)->gave_up, true))
		log_warnx("pattern \"%s\": too costly, taken as no match (PCRE2 "
		          "error %d)",
		    pattern->text, result);
	return false;
}

bool
pattern_match(const struct pattern *pattern, const char *subject, size_t length)
{
	return match(pattern, pattern->code, subject, length);
}

/* By characters if name is UTF-8, so that their case is ignored too. */
static bool
match_unicode(const struct pattern *pattern, const char *name)
{
	if (pattern->letters != NULL)
		return match(pattern, pattern->letters, name, strlen(name));
	return pattern_match(pattern, name, strlen(name));
}

bool
pattern_match_name(const struct pattern *pattern, const char *name)
{
	char unicode[SUBJECT_MAX];

	if (pattern_match(pattern, name, strlen(name)))
		return true;
	const char *at = strrchr(name, '@');
	size_t local = at == NULL ? 0 : (size_t)(at + 1 - name);
	if (local >= sizeof unicode || !domain_to_unicode(unicode + local,
	                                   sizeof unicode - local, name + local))
		return pattern->letters != NULL && match_unicode(pattern, name);
	memcpy(unicode, name, local);
	return match_unicode(pattern, unicode);
}

void
pattern_free(struct pattern **pattern)
{
	if (*pattern == NULL)
		return;
	pcre2_code_free((*pattern)->code);
	pcre2_code_free((*pattern)->letters);
	pcre2_match_context_free((*pattern)->limits);
	free((*pattern)->text);
	free(*pattern);
	*pattern = NULL;
}
