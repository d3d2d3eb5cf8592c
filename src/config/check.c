/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of the text values in targrey.conf. */
#include "config/config_private.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/text.h"
#include "store/store.h"

#define NAME_MAX_LENGTH  64
#define REPLY_MAX_LENGTH 200

static const char name_characters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

static bool
wrong(struct error *error, const char *what)
{
	error_set(error, "%s", what);
	return false;
}

bool
check_path(const char *value, struct error *error)
{
	if (value[0] != '/')
		return wrong(error, "is not an absolute path");
	return true;
}

bool
check_path_or_none(const char *value, struct error *error)
{
	return *value == '\0' || check_path(value, error);
}

/* RFC 9110 5.1 */
bool
check_field_name(const char *value, struct error *error)
{
	for (const char *at = value; *at != '\0'; at++) {
		if (!((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
		        (*at >= '0' && *at <= '9') || *at == '-' || *at == '_'))
			return wrong(error, "is not the name of a header field");
	}
	return true;
}

bool
check_glob(const char *value, struct error *error)
{
	return check_path(value, error);
}

static bool
check_port(const char *text, struct error *error)
{
	int64_t port;
	if (!text_integer(text, 1, 65535, &port))
		return wrong(error, "the port is not a number from 1 to 65535");
	return true;
}

static bool
check_inet(const char *value, bool v6, struct error *error)
{
	char port[8];
	const char *at = strchr(value, '@');
	struct ip ip;

	if (at == NULL || at == value || (size_t)(at - value) >= sizeof port)
		return wrong(error, "is not of the form port@address");
	memcpy(port, value, (size_t)(at - value));
	port[at - value] = '\0';
	if (!check_port(port, error))
		return false;
	if (!ip_from_text(at + 1, &ip) || ip_is_v4(&ip) == v6)
		return wrong(error,
		    v6 ? "the address is not IPv6" : "the address is not IPv4");
	return true;
}

bool
check_listen(const char *value, struct error *error)
{
	/*
	 * libmilter's own socket is "<path>.private/m" (daemon/back_socket.h),
	 * which libmilter takes up to an octet less than the system.
	 */
	static const size_t longest =
	    sizeof(((struct sockaddr_un *)0)->sun_path) - 1 - sizeof ".private/m";

	if (strncmp(value, "inet:", 5) == 0)
		return check_inet(value + 5, false, error);
	if (strncmp(value, "inet6:", 6) == 0)
		return check_inet(value + 6, true, error);
	if (strncmp(value, "unix:", 5) != 0)
		return wrong(error, "is of none of the allowed forms");
	if (strlen(value + 5) > longest) {
		error_set(error, "the path is longer than %zu octets", longest);
		return false;
	}
	return check_path(value + 5, error);
}

bool
check_account(const char *value, struct error *error)
{
	size_t length = strlen(value);

	if (length > 32 || strspn(value, name_characters) != length ||
	    *value == '-')
		return wrong(error, "is not a name");
	return true;
}

bool
check_relay(const char *value, struct error *error)
{
	size_t length = strlen(value);

	if (length == 0 || length > NAME_MAX_LENGTH ||
	    strspn(value, name_characters) != length || *value == '.' ||
	    *value == '-')
		return wrong(error, "is not a host name");
	return true;
}

bool
check_hostname(const char *value, struct error *error)
{
	return *value == '\0' || check_relay(value, error);
}

bool
parse_mx(const char *value, unsigned *priority_r, char name_r[static MX_NAME_SIZE],
    struct error *error)
{
	size_t digits = strcspn(value, " ");
	char number[8] = "";
	int64_t priority;

	if (value[digits] == '\0' || digits >= sizeof number)
		return wrong(error, "is not a priority, a blank and a host name");
	memcpy(number, value, digits);
	if (!text_integer(number, 0, 65535, &priority))
		return wrong(error, "the priority is not a number from 0 to 65535");
	const char *name = value + digits + strspn(value + digits, " ");
	if (!text_copy(name_r, MX_NAME_SIZE, name))
		return wrong(error, "the host name is too long");
	size_t length = strlen(name_r);
	if (length > 1 && name_r[length - 1] == '.')
		name_r[length - 1] = '\0'; /* the final dot of a zone file */
	*priority_r = (unsigned)priority;
	return check_relay(name_r, error);
}

bool
check_mx(const char *value, struct error *error)
{
	char name[MX_NAME_SIZE];
	unsigned priority;

	return parse_mx(value, &priority, name, error);
}

bool
check_network(const char *value, struct error *error)
{
	struct ipnet net;

	if (strcmp(value, EXEMPT_POSTFIX) != 0 && !ipnet_from_text(value, &net))
		return wrong(error, "is neither an IP address, a network without "
		                    "host bits nor " EXEMPT_POSTFIX);
	return true;
}

bool
parse_suspect(const char *value, unsigned *bit_r, bool *warn_r)
{
	size_t length = strcspn(value, " ");

	*warn_r = strcmp(value + length, " warn") == 0;
	if (value[length] != '\0' && !*warn_r)
		return false;
	for (unsigned i = 0; i < SELECTORS; i++) {
		if (strlen(selector_words[i]) == length &&
		    strncmp(selector_words[i], value, length) == 0) {
			*bit_r = 1u << i;
			return true;
		}
	}
	return false;
}

bool
check_suspect(const char *value, struct error *error)
{
	unsigned bit;
	bool warn;

	if (!parse_suspect(value, &bit, &warn))
		return wrong(error, "is not a selector");
	return true;
}

/*
 * The class of a reply code ("550") or status code ("5.7.1") that a word is;
 * 0 when it is neither. Punctuation around it does not hide it.
 */
static char
code_class(const char *word, size_t length)
{
	while (length > 0 && strchr("([{<\"'#", *word) != NULL) {
		word++;
		length--;
	}
	while (length > 0 && strchr(")]}>\"'.,:;!?-", word[length - 1]) != NULL)
		length--;
	if (length == 0 || word[0] < '2' || word[0] > '5')
		return 0;
	size_t dots = 0, digits = 0;
	for (size_t i = 0; i < length; i++) {
		dots += word[i] == '.';
		digits += isdigit((unsigned char)word[i]) != 0;
	}
	if (dots + digits != length)
		return 0;
	bool is_reply = length == 3 && dots == 0 && word[1] <= '5';
	bool is_status = dots == 2 && word[1] == '.' && word[length - 1] != '.' &&
	                 word[2] != '.' && length <= 9;
	return is_reply || is_status ? word[0] : 0;
}

bool
check_reply(const char *value, struct error *error)
{
	size_t length = strlen(value);

	if (length == 0 || length > REPLY_MAX_LENGTH)
		return wrong(error, "is empty or too long");
	if (*value == ' ' || value[length - 1] == ' ')
		return wrong(error, "starts or ends with a blank");
	if (strchr(value, '%') != NULL)
		return wrong(error, "contains a %");
	for (const char *word = value; *word != '\0';) {
		size_t word_length = strcspn(word, " ");
		char class = code_class(word, word_length);
		if (class != 0 && class != '4')
			return wrong(error,
			    "contains a reply code that does not begin with 4");
		if (class != 0 && word == value)
			return wrong(error,
			    "starts with a reply code; 450 4.7.1 is put "
			    "in front of it");
		word += word_length;
		word += strspn(word, " ");
	}
	return true;
}

bool
check_server(const char *value, struct error *error)
{
	char address[IP_TEXT_SIZE];
	const char *start = value, *end, *port = NULL;
	struct ip ip;

	if (*value == '[') {
		start = value + 1;
		end = strchr(start, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return wrong(error, "is not of the form [address]:port");
		port = end[1] == ':' ? end + 2 : NULL;
	} else {
		end = strchr(value, ':');
		if (end == NULL || strchr(end + 1, ':') != NULL)
			end = value + strlen(value);
		else
			port = end + 1;
	}
	if ((size_t)(end - start) >= sizeof address)
		return wrong(error, "is not an IP address");
	memcpy(address, start, (size_t)(end - start));
	address[end - start] = '\0';
	if (!ip_from_text(address, &ip) || (*value == '[' && ip_is_v4(&ip)))
		return wrong(error, "is not an IP address");
	return port == NULL || check_port(port, error);
}

static bool
is_zone(const char *zone)
{
	size_t length = strlen(zone);

	return length > 0 && length <= 200 &&
	       strspn(zone, name_characters) == length && *zone != '.' &&
	       strstr(zone, "..") == NULL && strchr(zone, '.') != NULL;
}

bool
parse_dnsbl(const char *value, struct dnsbl_words *words_r, struct error *error)
{
	char zone[256] = "", name[256] = "", mask[256] = "255", weight[256] = "1",
	     more[2];
	int64_t number;

	if (strlen(value) >= sizeof zone)
		return wrong(error, "is too long");
	if (sscanf(value, "%255s %255s %255s %255s %1s", zone, name, mask, weight,
	        more) > 4)
		return wrong(error, "has more than four words");
	if (!is_zone(zone))
		return wrong(error, "the zone is not a domain name");
	if (*name == '\0')
		text_copy(name, sizeof words_r->name, zone);
	if (strlen(name) >= sizeof words_r->name ||
	    strspn(name, name_characters) != strlen(name))
		return wrong(error,
		    "the name is too long, or has characters that are not "
		    "allowed");
	text_lower(zone);
	text_copy(words_r->zone, sizeof words_r->zone, zone);
	text_copy(words_r->name, sizeof words_r->name, name);
	if (!text_integer(mask, 1, 255, &number))
		return wrong(error, "the mask is not a number from 1 to 255");
	words_r->mask = (uint8_t)number;
	if (!text_integer(weight, -100, 100, &number) || number == 0)
		return wrong(error,
		    "the weight is not a number from -100 to 100 other than 0");
	words_r->weight = (int)number;
	return true;
}

bool
check_dnsbl(const char *value, struct error *error)
{
	struct dnsbl_words words;

	return parse_dnsbl(value, &words, error);
}

bool
check_store(const char *value, struct error *error)
{
	if (strcmp(value, "memory:") == 0)
		return true;
	if (strncmp(value, "postgresql://", 13) == 0 ||
	    strncmp(value, "postgres://", 11) == 0) {
		/*
		 * The store checks that PostgreSQL is built in and the URL holds
		 * no password.
		 */
		return store_check_url(value, error);
	}
	if (strncmp(value, "sqlite:", 7) != 0)
		return wrong(error, "is not a database of a known kind");
	return check_path(value + 7, error);
}
