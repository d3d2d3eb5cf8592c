/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One input is one evaluation: client, HELO and sender, then what each
 * question is answered with. Fields end at octet 0xff; the first octet of an
 * answer says what it is. Built with libFuzzer, or with spf_random.c as the
 * driver.
 */
#include <stdlib.h>
#include <string.h>

#include "dns/name.h"
#include "dns/packet.h"
#include "spf/spf.h"
#include "fuzz/fuzz.h"

#define TEXT_SIZE    70000
#define MAX_ANSWERS  300
#define COUNT(array) (sizeof array / sizeof *array)

struct input {
	const uint8_t *data;
	size_t left;
	struct dns_answer answers[MAX_ANSWERS];
	char *texts[MAX_ANSWERS];
	size_t count;
};

static const char *const tokens[] = {"a", "mx", "ptr", "exists", "include", "ip4",
    "ip6", "all", "redirect=", "exp=", ":", "/", "//", "0", "24", "32", "64", "128",
    "129", " ", "+", "-", "~", "?", "%{", "}", "%%", "%_", "%-", "s", "l", "o", "d",
    "i", "p", "v", "h", "S", "L", "D", "P", "r", ".", "example", "a.example",
    "192.0.2.1", "2001:db8::", "::ffff:1.2.3.4", "=", "_", ",", "moo", "%{d}",
    "%{ir}", "%{p}", "%{l2r-}", "%{S127r+-}", "xn--p1ai",
    ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaa"),
    "\n", "\x80", "v=spf1", " -all", " a:b.example"};

static const char *const terms[] = {" a", " -mx", " ~ptr", " ?all", " -all",
    " include:b.example", " -include:%{d}", " ?include:%{l}.%{h}.example",
    " exists:%{ir}.%{v}.x.example", " ip4:192.0.2.0/24", " ip4:203.0.113.1",
    " ip6:2001:db8::/32", " mx:b.example//64", " a:%{s}.%{o}/24//64",
    " exists:%{S}.%{L1r-}.%{p}.example", " redirect=c.example",
    " redirect=%{d2}.%{i}.example", " exp=e.%{d}", " ptr:%{o}", " a:%{h}",
    " x=%{s}", " exists:%{d5r.}.%{l2,/=_+-}.%%%_%-.example", " +a:b.example/0",
    " mx/33", " a:",
    (" exists:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
     "example"),
    " a:%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}.example"};

/* The next field, without its end. */
static const uint8_t *
take(struct input *in, size_t *length_r)
{
	const uint8_t *start = in->data;
	const uint8_t *end = in->left > 0 ? memchr(in->data, 0xff, in->left) : NULL;

	*length_r = end == NULL ? in->left : (size_t)(end - start);
	in->data += *length_r + (end != NULL);
	in->left -= *length_r + (end != NULL);
	return start;
}

static char *
take_text(struct input *in)
{
	size_t length;
	const uint8_t *field = take(in, &length);
	char *text = calloc(1, length + 1);

	if (length > 0)
		memcpy(text, field, length);
	return text;
}

/* kind  0: terms, one an octet; 1: tokens; 2: the octets themselves */
static char *
make_record(const uint8_t *field, size_t length, unsigned kind, size_t *length_r)
{
	char *text = calloc(1, TEXT_SIZE);
	size_t at = 7;

	memcpy(text, "v=spf1 ", at);
	for (size_t i = 0; i < length && at < TEXT_SIZE - 100; i++) {
		if (kind < 2) {
			const char *token = kind == 0
			                        ? terms[field[i] % COUNT(terms)]
			                        : tokens[field[i] % COUNT(tokens)];
			memcpy(text + at, token, strlen(token));
			at += strlen(token);
		} else {
			text[at++] = (char)field[i];
		}
	}
	*length_r = at;
	return text;
}

static void
add_record(
    struct dns_answer *answer, const char *text, size_t length, const uint8_t *ip)
{
	answer->records =
	    realloc(answer->records, (answer->count + 1) * sizeof *answer->records);
	struct dns_record *record = &answer->records[answer->count++];
	*record = (struct dns_record){.text = text, .length = length};
	for (size_t i = 0; i < 4; i++)
		record->ip.bytes[12 + i] = ip[i];
	record->ip.bytes[10] = record->ip.bytes[11] = 0xff;
	answer->status = DNS_OK;
}

/* Names, as MX and PTR have them, from letters and dots. */
static void
add_names(struct input *in, struct dns_answer *answer, const uint8_t *field,
    size_t length)
{
	char *names = calloc(1, length * 2 + 2);

	in->texts[in->count] = names;
	for (size_t i = 0; i + 4 <= length; i += 4) {
		char *name = names + i * 2;
		for (size_t j = 0; j < 4; j++)
			name[j] = "abc.example\0.."[field[i + j] % 14];
		add_record(answer, name, strlen(name), field + i);
	}
}

static const struct dns_answer *
ask(void *ctx, const char *name, enum dns_type type)
{
	static const struct dns_answer nxdomain = {.status = DNS_NXDOMAIN};
	struct input *in = ctx;
	char clean[DNS_NAME_SIZE];
	size_t length;

	demand(dns_name_clean(clean, name) && strcmp(clean, name) == 0,
	    "DNS is asked for a name that it cannot hold", name);
	const uint8_t *field = take(in, &length);
	if (in->count == MAX_ANSWERS || length == 0)
		return &nxdomain;
	struct dns_answer *answer = &in->answers[in->count];
	uint8_t kind = field[0];
	field++, length--;
	if (type == DNS_TXT && kind % 4 < 3) {
		size_t size;
		in->texts[in->count] = make_record(field, length, kind % 4, &size);
		static const uint8_t none[4];
		add_record(answer, in->texts[in->count], size, none);
	} else if (kind % 4 < 2) {
		add_names(in, answer, field, length);
		if (answer->count == 0)
			answer->status = (enum dns_status)(1 + kind % 4);
	} else if (kind % 4 == 2) {
		answer->status = (enum dns_status)(kind / 4 % 6);
		if (answer->status == DNS_OK)
			answer->status = DNS_NODATA;
	} else {
		dns_packet_parse(field, length, name, type, answer);
	}
	in->count++;
	return answer;
}

static void
check(const struct spf_fact *fact)
{
	demand(fact->queries <= SPF_MAX_QUERIES, "too many questions", "");
	demand(fact->terms <= SPF_MAX_TERMS, "too many terms", "");
	demand(fact->voids <= SPF_MAX_VOIDS, "too many void answers", "");
	demand(fact->result < SPF_SKIPPED, "no result of an evaluation", "");
	demand(!spf_is_narrow(fact) || fact->result == SPF_PASS,
	    "narrow without a pass", "");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {.data = data, .left = size};
	struct spf_asker asker = {ask, NULL, &in};
	struct spf_query query = {0};
	struct spf_fact fact;
	size_t length;

	if (size > TEXT_SIZE)
		return 0;
	const uint8_t *ip = take(&in, &length);
	if (length > 0 && ip[0] % 2 == 0) {
		memcpy(
		    query.ip.bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16);
		query.ip.bytes[15] = ip[0];
	} else {
		memcpy(
		    query.ip.bytes, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	}
	char *helo = take_text(&in), *sender = take_text(&in);
	query.helo = helo;
	query.sender = sender;
	spf_check(&asker, &query, &fact);
	check(&fact);
	for (size_t i = 0; i < in.count; i++) {
		dns_answer_clear(&in.answers[i]);
		free(in.texts[i]);
	}
	free(helo);
	free(sender);
	/* the parser alone, on the whole input */
	struct dns_answer answer;
	static const enum dns_type types[] = {
	    DNS_A, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA};
	dns_packet_parse(data, size, "a.example", types[size % 5], &answer);
	dns_answer_clear(&answer);
	return 0;
}
