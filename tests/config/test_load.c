/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <sys/un.h>

#include "config/config.h"
#include "config/file.h"
#include "support/dice.h"

static struct config *
load(const char *text, struct error *error)
{
	file_write(text, strlen(text));
	return config_load(file_path, error);
}

/* wanted: the error behind the file's name, or its beginning when it ends in "*" */
static const struct {
	const char *text, *wanted;
} mistakes[] = {
    /* keys and sections */
    {"moed = \"targrey\"\n", "1: moed: unknown key; allowed: mode, suspect, *"},
    {"tarpit {\n  holdd = 5\n}\n",
        "2: tarpit.holdd: unknown key; allowed in section "
        "tarpit: hold, max_sessions, *"},
    {"\nhold = 5\n", "2: hold: belongs in section tarpit, not outside of one"},
    {"tarpit { mode = \"observe\" }",
        "1: mode: belongs outside of all sections; is the \"}\" of section "
        "tarpit, which begins on line 1, missing?"},
    {"tarpit {\n hold = 5\n\nlisten = \"unix:/x\"\n",
        "4: listen: belongs outside of all sections; is the \"}\" of "
        "section "
        "tarpit, which begins on line 1, missing?"},
    {"tarpitt { }", "1: tarpitt: unknown section; allowed: tarpit, greylist, *"},
    {"mode = \"rgrey\"\n# x\nmode = \"rgrey\"\n",
        "3: mode: given twice, first on line 1"},
    {"tarpit { hold = 5s }\ntarpit {\n hold = 6s }",
        "3: tarpit.hold: given twice, first on line 1"},
    {"suspect = {\"s25r\"}\nsuspect += {\"helo\"}",
        "2: suspect: given twice, first on line 1"},
    {"tarpit { hold += 5 }", "1: tarpit.hold: \"+=\" is for lists only"},
    /* structure */
    {"tarpit {\n hold = 5\n", "1: section tarpit: no closing \"}\""},
    {"tarpit {\n hold = 5\n greylist {\n", "3: greylist: \"{\" inside of section "
                                           "tarpit, which begins on line 1: is *"},
    {"}\n", "1: unexpected \"}\""},
    {"mode\n", "2: there is no \"=\" or \"{\" after the last name"},
    {"mode = ", "1: mode: no value"},
    {"tarpit { hold = }", "1: tarpit.hold: no value"},
    {"tarpit { hold = {5} }", "1: tarpit.hold: takes one value, not a list in {}"},
    {"suspect = {\"s25r\"\n\n", "1: suspect: no closing \"}\""},
    {"suspect = {\"s25r\"; \"helo\"}", "1: suspect: \";\" outside of quotes: *"},
    {"suspect = {\"s25r\" \"helo\"}",
        "1: suspect: there is no \",\" between two items"},
    {"suspect = {, \"helo\"}", "1: suspect: unexpected \",\""},
    {"suspect = {\"s25r\",, \"helo\"}", "1: suspect: unexpected \",\""},
    {"mode = = 1", "1: mode: unexpected \"=\""},
    {"mode targrey", "1: there is no \"=\" or \"{\" after a name"},
    {"/* begun\n\n", "1: the comment is not closed by */"},
    {"user = \"targrey\nmode = \"observe\"\n",
        "1: user: no closing quote on this line"},
    {"user = 'targrey\n", "1: user: no closing quote on this line"},
    {"\"mode\" = 1", "1: text in quotes where a key should be"},
    /* text without quotes, or with too much in them */
    {"allow {\n  files = {/etc/targrey/allow.d/*}\n}\n",
        "2: allow.files: \"/\" outside of quotes: write \"text\""},
    {"suspects { s25r = /etc/targrey/x }",
        "1: suspects.s25r: \"/\" outside of quotes: *"},
    {"user = \"${HOME}\"", "1: user: ${...} is not expanded here"},
    {"user = ${HOME}", "1: user: \"$\" outside of quotes: *"},
    {"listen = unix:x", "1: listen: \":\" outside of quotes: *"},
    {"mode = \xc3\xa4", "1: mode: \"\xc3\xa4\" outside of quotes: *"},
    {"mode = \xe2\x80\x9ctargrey\xe2\x80\x9d",
        "1: mode: \"\xe2\x80\x9c\" outside of quotes: write plain quotes, "
        "\"text\""},
    {"mode = \xef\xbc\x82targrey\xef\xbc\x82",
        "1: mode: \"\xef\xbc\x82\" outside of quotes: write plain quotes, "
        "\"text\""},
    {"mode = \xc3(", "1: mode: unexpected character outside of quotes (octet 195)"},
    {"user = \"t\xc3\xa4\"",
        "1: user: contains a character other than printable ASCII; *"},
    /* words */
    {"mode = \"greylist\"",
        "1: mode: \"greylist\" is not one of the words; allowed: "
        "observe, rgrey, starpit, targrey, strict"},
    {"\n\nsuspect = {\"s25r\",\n  \"helo\",\n  \"spam\"}",
        "5: suspect: \"spam\": is not a selector; allowed: s25r, all, *"},
    {"suspect = {\"helo  warn\"}",
        "1: suspect: \"helo  warn\": is not a selector; *"},
    {"suspect = {\"helo\", \"helo warn\"}",
        "1: suspect: \"helo warn\" is in the list twice"},
    {"privacy = \"full\"",
        "1: privacy: \"full\" is not one of the words; allowed: off, hash"},
    {"log = \"file\"",
        "1: log: \"file\" is not one of the words; allowed: syslog, stderr"},
    {"on_failure = \"reject\"", "1: on_failure: *allowed: accept, tempfail"},
    {"tarpit { overflow = \"hold\" }",
        "1: tarpit.overflow: *allowed: greylist, pass"},
    {"store { durability = \"none\" }",
        "1: store.durability: *allowed: normal, full"},
    {"spf { enabled = maybe }",
        "1: spf.enabled: \"maybe\" is neither yes nor no; allowed: yes, no"},
    /* numbers and durations */
    {"tarpit {\n\n hold = \"241s\"\n}",
        "3: tarpit.hold: \"241s\" is out of range; allowed: 0s to 4m"},
    {"tarpit { hold = \"2 m\" }",
        "1: tarpit.hold: \"2 m\" is not a whole number with *"},
    {"tarpit { hold = -1 }", "1: tarpit.hold: \"-1\" is not a whole number with *"},
    {"tarpit { hold = 1.5 }",
        "1: tarpit.hold: \"1.5\" is not a whole number with *"},
    {"tarpit { hold = \"\" }", "1: tarpit.hold: \"\" is not a whole number with *"},
    {"tarpit { max_sessions = 0 }",
        "1: tarpit.max_sessions: \"0\" is out of range; allowed: 1 to 10000"},
    {"tarpit { max_sessions = 10001 }",
        "1: tarpit.max_sessions: \"10001\" is out of *"},
    {"tarpit { max_sessions = many }", "1: tarpit.max_sessions: \"many\" is not a "
                                       "whole number; allowed: 1 to 10000"},
    {"tarpit { max_sessions = 99999999999999999999999 }",
        "1: tarpit.max_sessions: *is not a whole number; *"},
    {"tarpit { vary = 101 }", "1: tarpit.vary: *allowed: 0 to 100"},
    {"greylist { retry_count = 0 }", "1: greylist.retry_count: *allowed: 1 to 10"},
    {"greylist { retry_count = 11 }", "1: greylist.retry_count: *allowed: 1 to 10"},
    {"socket_mode = \"0888\"",
        "1: socket_mode: \"0888\" is not an octal number; allowed: "
        "0000 to 0777"},
    {"socket_mode = 01777", "1: socket_mode: \"01777\" is out of range; *"},
    {"dns { timeout = 61 }", "1: dns.timeout: *allowed: 1s to 1m"},
    /* rules between keys */
    {"tarpit {\n hold = 238\n}\n", "2: tarpit.hold: tarpit.hold and dns.timeout *"},
    {"dns {\n\n timeout = 30 }\ntarpit { hold = 200 vary = 1\n hold = 1 }",
        "5: tarpit.hold: given twice, first on line 4"},
    {"tarpit { hold = 239 }\ndns { timeout = 2 }", "1: tarpit.hold: *"},
    {"greylist { delay = 1d\n retry_window = 1d }", "1: greylist.delay: *"},
    {"greylist {\n retry_window = 20m }", "2: greylist.retry_window: *"},
    {"greylist {\n max_age = 1d }", "2: greylist.max_age: *"},
    /* texts */
    {"listen = \"/run/x.sock\"",
        "1: listen: \"/run/x.sock\": is of none of the allowed forms; "
        "allowed: unix:/path, *"},
    {"listen = \"unix:x.sock\"", "1: listen: *is not an absolute path; *"},
    {"listen = \"inet:0@127.0.0.1\"", "1: listen: *the port is not a number *"},
    {"listen = \"inet:25\"", "1: listen: *is not of the form port@address; *"},
    {"listen = \"inet:25@::1\"", "1: listen: *the address is not IPv4; *"},
    {"listen = \"inet6:25@127.0.0.1\"", "1: listen: *the address is not IPv6; *"},
    {"user = \"a b\"", "1: user: \"a b\": is not a name; *"},
    {"hostname = \"mx_\xff\"", "1: hostname: *"},
    {"hostname = \"mx;v=2\"", "1: hostname: \"mx;v=2\": is not a host name; *"},
    {"trusted_relays = {\"\"}", "1: trusted_relays: *"},
    {"mx = {\"mx1.example.jp\"}",
        "1: mx: \"mx1.example.jp\": is not a priority, a blank and a host name; *"},
    {"mx = {\"x mx1.example.jp\"}", "1: mx: *the priority is not a number *"},
    {"mx = {\"65536 mx1.example.jp\"}", "1: mx: *the priority is not a number *"},
    {"mx = {\"10 mx1;v=2\"}", "1: mx: *is not a host name; *"},
    {"hostname = \"mx3.example.jp\"\nmx = {\"10 mx1.example.jp\"}",
        "2: mx: this host is not in the list; its hostname is \"mx3.example.jp\": "
        "*"},
    {"hostname = \"mx1.example.jp\"\nmx = {\"10 mx1.example.jp\", \"20 "
     "MX1.example.jp.\"}",
        "2: mx: \"MX1.example.jp\" is in the list twice, *"},
    {"exempt_networks = {\"10.0.0.1/8\"}",
        "1: exempt_networks: \"10.0.0.1/8\": is neither *"},
    {"exempt_networks = {\"localhost\"}", "1: exempt_networks: *"},
    {"suspects { s25r = \"s25r.rules\" }",
        "1: suspects.s25r: *is not an absolute path; *"},
    {"allow { files = {\"allow.d/*\"} }",
        "1: allow.files: *is not an absolute path; *"},
    {"store { url = \"mysql://x\" }",
        "1: store.url: *is not a database of a known kind; "
        "allowed: sqlite:/path, "
        "postgresql://host/database, memory:"},
    {"store { url = \"sqlite:x.db\" }",
        "1: store.url: *is not an absolute path; *"},
    {"dns { servers = {\"ns.example\"} }", "1: dns.servers: *"},
    {"dns { servers = {\"192.0.2.1:0\"} }", "1: dns.servers: *the port is not *"},
    {"dns { servers = {\"[192.0.2.1]:53\"} }", "1: dns.servers: *"},
    {"dns { dnsbl = {\"zone\"} }",
        "1: dns.dnsbl: *the zone is not a domain name; *"},
    {"dns { dnsbl = {\"a.example b 256\"} }", "1: dns.dnsbl: *the mask is not *"},
    {"dns { dnsbl = {\"a.example b 255 0\"} }",
        "1: dns.dnsbl: *the weight is not *"},
    {"dns { dnsbl = {\"a.example b 255 1 x\"} }",
        "1: dns.dnsbl: *has more than four *"},
    {"dns { dnsbl = {\"a.example b;c\"} }",
        "1: dns.dnsbl: *the name is too long, or *"},
    {"greylist { text = \"\" }", "1: greylist.text: *is empty or too long; *"},
    {"greylist { text = \"a\\r\\nb\" }",
        "1: greylist.text: \"\\\" must be followed by a quote or another one: "
        "write "
        "\"\\\\\" for a backslash"},
    {"allow { files = {'/etc/a\\*'} }",
        "1: allow.files: \"\\\" must be followed *"},
    {"greylist { text = \"a\tb\" }",
        "1: greylist.text: contains a character other *"},
    {"greylist { text = \"wait\xe3\x82\x8c\" }",
        "1: greylist.text: contains a character *"},
    {"greylist { text = \"100% sure\" }", "1: greylist.text: *contains a %; *"},
    {"greylist { text = \"450 later\" }",
        "1: greylist.text: *starts with a reply code; *"},
    {"greylist { text = \"4.7.1 later\" }",
        "1: greylist.text: *starts with a reply code; *"},
    {"greylist { text = \"550 never\" }",
        "1: greylist.text: *that does not begin with 4; *"},
    {"greylist { text = \"no (5.7.1) mail\" }",
        "1: greylist.text: *that does not begin with 4; *"},
    {"greylist { text = \"error 554: go\" }",
        "1: greylist.text: *that does not begin with 4; *"},
    {"greylist { text = \"2.0.0 fine\" }",
        "1: greylist.text: *that does not begin with 4; *"},
};

/* "*" stands for any text */
static bool
matches(const char *wanted, const char *text)
{
	for (; *wanted != '*'; wanted++, text++) {
		if (*wanted != *text)
			return false;
		if (*wanted == '\0')
			return true;
	}
	for (; *text != '\0'; text++) {
		if (matches(wanted + 1, text))
			return true;
	}
	return wanted[1] == '\0';
}

static void
a_byte_order_mark_is_no_mistake(void **state)
{
	static const char text[] = "\xef\xbb\xbfmode = \"strict\"\nhold = 1\n";
	struct error error = {""};

	(void)state;
	file_write(text, sizeof text - 1);
	assert_null(config_load(file_path, &error));
	assert_non_null(strstr(error.text, ":2: hold: belongs in section tarpit"));
	file_write(text, strlen("\xef\xbb\xbfmode = \"strict\"\n"));
	struct config *config = config_load(file_path, &error);
	assert_non_null(config);
	assert_int_equal(config->policy.mode, MODE_STRICT);
	config_free(&config);
}

static void
every_mistake_names_file_line_and_key(void **state)
{
	(void)state;
	size_t prefix = strlen(file_path);
	int wrong = 0;

	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		struct error error = {""};
		struct config *config = load(mistakes[i].text, &error);
		bool good = config == NULL &&
		            strncmp(error.text, file_path, prefix) == 0 &&
		            error.text[prefix] == ':' &&
		            matches(mistakes[i].wanted, error.text + prefix + 1);
		if (!good) {
			print_error("%s\n  wanted: %s\n  got:    %s\n",
			    mistakes[i].text, mistakes[i].wanted, error.text);
			wrong++;
		}
		config_free(&config);
	}
	assert_int_equal(wrong, 0);
}

static void
a_mistake_needs_no_place_for_its_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
		assert_null(load(mistakes[i].text, NULL));
	assert_null(config_load("/nonexistent/targrey.conf", NULL));
}

static void
a_file_that_cannot_be_read_is_named(void **state)
{
	(void)state;
	struct error error = {""};
	assert_null(config_load("/nonexistent/targrey.conf", &error));
	assert_non_null(strstr(error.text, "/nonexistent/targrey.conf"));
	assert_non_null(strstr(error.text, "No such file"));

	file_write("mode = \"obs\0erve\"", 17);
	assert_null(config_load(file_path, &error));
	assert_non_null(strstr(error.text, "NUL"));

	assert_null(config_load("/tmp", &error));
	assert_non_null(strstr(error.text, "directory"));
}

static void
everything_has_the_default_of_the_design(void **state)
{
	(void)state;
	struct error error = {""};
	struct config *c = config_load(NULL, &error);
	if (c == NULL)
		fail_msg("%s", error.text);
	assert_int_equal(c->policy.mode, MODE_TARGREY);
	assert_int_equal(c->policy.suspect, SELECT_S25R);
	assert_int_equal(c->policy.warn, SELECT_RECORD);
	assert_int_equal(c->policy.half_life_s, 30 * 86400);
	assert_int_equal(c->policy.record_least, 10);
	assert_int_equal(c->policy.record_threshold, 80);
	assert_int_equal(c->policy.record_people, 10);
	assert_int_equal(c->policy.hold_s, 125);
	assert_int_equal(c->policy.overflow, OVERFLOW_GREYLIST);
	assert_int_equal(c->policy.vary_percent, 2);
	assert_false(c->policy.trust_eom);
	assert_int_equal(c->policy.delay_s, 1800);
	assert_int_equal(c->policy.retry_count, 2);
	assert_int_equal(c->policy.retry_gap_s, 60);
	assert_int_equal(c->policy.retry_window_s, 172800);
	assert_int_equal(c->policy.max_age_s, 35 * 86400);
	assert_int_equal(c->policy.known_successes, 5);
	assert_int_equal(c->policy.known_gap_s, 3600);
	assert_int_equal(c->policy.dnsbl_weight, 1);
	assert_int_equal(c->max_sessions, 50);
	assert_int_equal(c->max_per_net, 5);
	assert_int_equal(c->socket_mode, 0660);
	assert_int_equal(c->on_failure, GATE_ACCEPT);
	assert_int_equal(c->answer_timeout_s, 20);
	assert_false(c->hash_people);
	assert_true(c->durable);
	assert_true(c->spf);
	assert_true(c->received_spf);
	assert_false(c->authentication_results);
	assert_int_equal(c->dns_timeout_s, 5);
	assert_int_equal(c->events_s, 30 * 86400);
	assert_string_equal(
	    c->listen, "unix:/var/spool/postfix/targrey/targrey.sock");
	assert_string_equal(c->user, "targrey");
	assert_string_equal(c->socket_group, "postfix");
	assert_string_equal(c->hostname_given, "");
	assert_true(strlen(c->hostname) >= 1 && strlen(c->hostname) <= 64);
	assert_string_equal(c->log, "syslog");
	assert_string_equal(c->store_url, "sqlite:/var/lib/targrey/targrey.db");
	assert_string_equal(c->s25r_file, "/etc/targrey/s25r.rules");
	assert_string_equal(c->allow_files.items[0], "/etc/targrey/allow.d/*");
	assert_string_equal(c->suspect_files.items[0], "/etc/targrey/suspect.d/*");
	assert_null(c->allow_files.items[1]);
	assert_int_equal(c->trusted_relays.count, 0);
	assert_int_equal(c->exempt_networks.count, 9);
	assert_string_equal(c->dns_servers_text, "");
	config_free(&c);
	assert_null(c);
	config_free(&c);
}

static void
an_empty_file_means_the_defaults(void **state)
{
	(void)state;
	static const char *const empty[] = {"", "\n", "# nothing",
	    "// x\n/* y\n */", "tarpit { }\n", "tarpit {\n}\ntarpit {}\r\n"};
	for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
		struct error error = {""};
		struct config *c = load(empty[i], &error);
		if (c == NULL)
			fail_msg("%s: %s", empty[i], error.text);
		assert_int_equal(c->policy.hold_s, 125);
		assert_int_equal(c->exempt_networks.count, 9);
		assert_string_equal(c->path, file_path);
		config_free(&c);
	}
}

static const char everything[] =
    "mode = starpit # a bare word will do\n"
    "suspect = {\"s25r warn\", 'helo', \"dnsbl\"}\n"
    "listen = \"inet:10025@127.0.0.1\" user = \"\"\n"
    "socket_mode = 666 hostname = \"mx.example.jp\"\n"
    "exempt_networks = {}\n"
    "trusted_relays = {\"mx2.example.jp\"}\n"
    "on_failure = \"tempfail\" privacy = \"hash\" log = \"stderr\" answer_timeout "
    "= 3\n"
    "tarpit {\n"
    "  hold = 5 // seconds\n"
    "  max_sessions = 7\n"
    "  trust_eom = yes\n"
    "}\n"
    "greylist { delay = \"2s\" text = \"say \\\"please\\\" \\\\o/ 4.2.1 in 2025\" "
    "}\n"
    "allow { files = {\"/a/*\", \"/b/{c}\"} } known { successes = 0 }\n"
    "dns { servers = {\"192.0.2.53\", \"[2001:db8::53]:5353\"}\n"
    "  dnsbl = {\"zen.example.org\", \"list.example.net good 15 -3\"} dnsbl_weight "
    "= 3 }\n"
    "store { url = \"memory:\" durability = \"normal\" }\n"
    "spf { enabled = off }\n"
    "known { gap = 0 }\n";

static void
settings_are_read_as_written(void **state)
{
	(void)state;
	struct error error = {""};
	struct config *c = load(everything, &error);
	if (c == NULL)
		fail_msg("%s", error.text);
	assert_int_equal(c->policy.mode, MODE_STARPIT);
	assert_int_equal(c->policy.suspect, SELECT_HELO | SELECT_DNSBL);
	assert_int_equal(c->policy.warn, SELECT_S25R);
	assert_string_equal(c->suspect.items[0], "s25r warn");
	assert_string_equal(c->listen, "inet:10025@127.0.0.1");
	assert_string_equal(c->user, "");
	assert_int_equal(c->socket_mode, 0666);
	assert_string_equal(c->hostname, "mx.example.jp");
	assert_int_equal(c->exempt_count, 0);
	assert_int_equal(c->trusted_relays.count, 1);
	assert_int_equal(c->on_failure, GATE_TEMPFAIL);
	assert_true(c->hash_people);
	assert_int_equal(c->policy.hold_s, 5);
	assert_int_equal(c->max_sessions, 7);
	assert_true(c->policy.trust_eom);
	assert_int_equal(c->policy.delay_s, 2);
	assert_string_equal(c->greylist_text, "say \"please\" \\o/ 4.2.1 in 2025");
	assert_int_equal(c->allow_files.count, 2);
	assert_string_equal(c->allow_files.items[1], "/b/{c}");
	assert_int_equal(c->policy.known_successes, 0);
	assert_int_equal(c->policy.known_gap_s, 0);
	assert_string_equal(c->dns_servers_text, "192.0.2.53,[2001:db8::53]:5353");
	assert_int_equal(c->dnsbl_count, 2);
	assert_string_equal(c->dnsbl_settings[0].zone, "zen.example.org");
	assert_string_equal(c->dnsbl_settings[0].name, "zen.example.org");
	assert_int_equal(c->dnsbl_settings[0].mask, 255);
	assert_int_equal(c->dnsbl_settings[0].weight, 1);
	assert_string_equal(c->dnsbl_settings[1].name, "good");
	assert_int_equal(c->dnsbl_settings[1].mask, 15);
	assert_int_equal(c->dnsbl_settings[1].weight, -3);
	assert_int_equal(c->policy.dnsbl_weight, 3);
	assert_false(c->spf);
	assert_false(c->durable);
	config_free(&c);
}

static void
the_lowest_numbers_of_the_mx_records_are_primaries(void **state)
{
	(void)state;
	struct error error = {""};
	struct config *c =
	    load("hostname = \"MX2.example.jp\"\n"
	         "mx = {\"20 mx2.example.jp\", \"5  mx1.example.jp.\","
	         " \"5 mx3.example.jp\"}",
	        &error);
	if (c == NULL)
		fail_msg("%s", error.text);
	assert_int_equal(c->mx_ranks_count, 3);
	assert_false(c->mx_ranks[0].is_primary);
	assert_true(c->mx_ranks[1].is_primary);
	assert_true(c->mx_ranks[2].is_primary);
	assert_int_equal(c->policy.mx, c->mx_ranks[0].code);
	config_free(&c);
}

/*
 * libmilter's own socket lies beside it, "<path>.private/m" (targreyd(8)), and
 * libmilter takes paths up to an octet less than the system (e2e_start).
 */
static void
a_socket_path_leaves_room_for_those_beside_it(void **state)
{
	(void)state;
	size_t longest =
	    sizeof((struct sockaddr_un *)NULL)->sun_path - sizeof ".private/m" - 1;
	char text[200];

	for (size_t length = longest; length <= longest + 1; length++) {
		struct error error = {""};
		snprintf(text, sizeof text, "listen = \"unix:/%0*d\"",
		    (int)length - 1, 0);
		struct config *c = load(text, &error);
		assert_int_equal(c != NULL, length == longest);
		if (c == NULL)
			assert_non_null(strstr(
			    error.text, "the path is longer than 96 octets;"));
		config_free(&c);
	}
}

/* As many as dnsbl.h has room for: one more would never be asked. */
static void
more_dns_lists_than_are_asked_are_refused(void **state)
{
	(void)state;
	char text[4096] = "dns { dnsbl = {";

	for (int count = 1; count <= 33; count++) {
		struct error error = {""};
		size_t used = strlen(text);
		snprintf(text + used, sizeof text - used, "%s\"l%d.example\"",
		    count > 1 ? "," : "", count);
		used = strlen(text);
		strcpy(text + used, "} }");
		struct config *c = load(text, &error);
		text[used] = '\0';
		assert_int_equal(c != NULL, count <= 32);
		if (c == NULL)
			assert_non_null(strstr(error.text,
			    ":1: dns.dnsbl: 33 lists; allowed: at most 32"));
		config_free(&c);
	}
}

static void
a_list_can_be_added_to(void **state)
{
	(void)state;
	struct config *c = load("exempt_networks += {\"203.0.113.0/24\"}\n"
	                        "suspect += {\"local warn\"}",
	    NULL);
	assert_non_null(c);
	assert_int_equal(c->exempt_networks.count, 10);
	assert_string_equal(c->exempt_networks.items[0], "127.0.0.0/8");
	assert_string_equal(c->exempt_networks.items[8], "postfix:mynetworks");
	assert_string_equal(c->exempt_networks.items[9], "203.0.113.0/24");
	assert_int_equal(c->policy.suspect, SELECT_S25R);
	assert_int_equal(c->policy.warn, SELECT_RECORD | SELECT_LOCAL);
	config_free(&c);
}

/* What Postfix itself trusts, and the addresses of this host (by its loopback). */
static void
what_postfix_calls_its_own_is_exempt_by_default(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "exempt_networks = {}\n",
	    "exempt_networks = {\"postfix:mynetworks\"}\n"};
	char main_cf[400], before[300];
	struct ip scanner, stranger, loopback;

	if (access("/usr/sbin/postconf", X_OK) != 0) {
		fprintf(stderr, "SKIPPED: there is no postconf\n");
		skip();
	}
	snprintf(before, sizeof before, "%.*s",
	    (int)(strrchr(file_path, '/') - file_path), file_path);
	snprintf(main_cf, sizeof main_cf, "%s/main.cf", before);
	FILE *file = fopen(main_cf, "w");
	assert_non_null(file);
	fputs("compatibility_level = 3.6\n"
	      "mynetworks = 203.0.113.0/24 [2001:db8::]/32\n",
	    file);
	fclose(file);
	setenv("MAIL_CONFIG", before, 1);
	ip_from_text("203.0.113.77", &scanner);
	ip_from_text("198.51.100.1", &stranger);
	ip_from_text("127.0.0.1", &loopback);
	for (size_t i = 0; i < 3; i++) {
		bool found[3] = {false, false, false};
		struct config *c = load(texts[i], NULL);
		assert_non_null(c);
		for (size_t n = 0; n < c->exempt_count; n++) {
			found[0] = found[0] || ipnet_has(&c->exempt[n], &scanner);
			found[1] = found[1] || ipnet_has(&c->exempt[n], &loopback);
			found[2] = found[2] || ipnet_has(&c->exempt[n], &stranger);
		}
		assert_int_equal(found[0], i != 1);
		assert_int_equal(found[1], i != 1);
		assert_false(found[2]);
		assert_false(c->lacks_mynetworks);
		config_free(&c);
	}
	/* postconf fails: to be told, for such a network may be held */
	file = fopen(main_cf, "w");
	assert_non_null(file);
	fputs("mynetworks = ${broken\n", file);
	fclose(file);
	for (size_t i = 0; i < 3; i++) {
		struct config *c = load(texts[i], NULL);
		assert_non_null(c);
		assert_int_equal(c->lacks_mynetworks, i != 1);
		config_free(&c);
	}
	unlink(main_cf); /* Postfix is on another host */
	struct config *c = load("", NULL);
	assert_non_null(c);
	assert_false(c->lacks_mynetworks);
	config_free(&c);
	unsetenv("MAIL_CONFIG");
}

static void
a_reload_refuses_what_needs_a_restart(void **state)
{
	(void)state;
	struct error error = {""};
	struct config *now = config_load(NULL, NULL), *next;

	next = load(
	    "mode = \"observe\" tarpit { hold = 5 } dns { timeout = 1 }", NULL);
	assert_true(config_may_reload(now, next, &error));
	config_free(&next);

	next = load("listen = \"inet:25@127.0.0.1\" user = \"nobody\"\n"
	            "store { url = \"memory:\" }",
	    NULL);
	assert_false(config_may_reload(now, next, &error));
	assert_string_equal(
	    error.text, "listen, user, store.url: changed, which needs a restart");
	assert_false(config_may_reload(now, next, NULL));
	config_free(&next);
	config_free(&now);
}

/* What is exempt stays so until postconf tells it anew. */
static void
a_reload_that_would_lose_mynetworks_is_refused(void **state)
{
	(void)state;
	struct error error = {""};
	struct config *now = config_load(NULL, NULL), *next = load("", NULL);

	assert_non_null(now);
	assert_non_null(next);
	now->lacks_mynetworks = false;
	next->lacks_mynetworks = true;
	assert_false(config_may_reload(now, next, &error));
	assert_non_null(strstr(error.text, "exempt_networks: postconf failed"));
	now->lacks_mynetworks = true; /* since the start: nothing to lose */
	assert_true(config_may_reload(now, next, &error));
	next->lacks_mynetworks = false;
	assert_true(config_may_reload(now, next, &error));
	config_free(&next);
	config_free(&now);
}

/* Any octet anywhere: an error or a config, never a crash. */
static void
no_damage_to_a_file_breaks_the_reader(void **state)
{
	(void)state;
	static const char odd[] = "\"'{}=+,#/*\\\n$x \x80";
	size_t length = strlen(everything);
	char *text = malloc(length + 1);
	uint64_t random = 88172645463325252u;

	for (int round = 0; round < 4000; round++) {
		memcpy(text, everything, length + 1);
		for (int changes = 0; changes <= round % 4; changes++) {
			dice_next(&random);
			text[random % length] =
			    odd[(random >> 32) % (sizeof odd - 1)];
		}
		size_t keep =
		    round % 3 == 0 ? (size_t)(random >> 16) % length : length;
		struct error error = {""};
		file_write(text, keep);
		struct config *config = config_load(file_path, &error);
		if (config == NULL)
			assert_true(
			    strncmp(error.text, file_path, strlen(file_path)) == 0);
		config_free(&config);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_mistake_names_file_line_and_key),
	    cmocka_unit_test(a_byte_order_mark_is_no_mistake),
	    cmocka_unit_test(a_mistake_needs_no_place_for_its_text),
	    cmocka_unit_test(a_file_that_cannot_be_read_is_named),
	    cmocka_unit_test(everything_has_the_default_of_the_design),
	    cmocka_unit_test(an_empty_file_means_the_defaults),
	    cmocka_unit_test(settings_are_read_as_written),
	    cmocka_unit_test(the_lowest_numbers_of_the_mx_records_are_primaries),
	    cmocka_unit_test(a_socket_path_leaves_room_for_those_beside_it),
	    cmocka_unit_test(more_dns_lists_than_are_asked_are_refused),
	    cmocka_unit_test(a_list_can_be_added_to),
	    cmocka_unit_test(what_postfix_calls_its_own_is_exempt_by_default),
	    cmocka_unit_test(a_reload_refuses_what_needs_a_restart),
	    cmocka_unit_test(a_reload_that_would_lose_mynetworks_is_refused),
	    cmocka_unit_test(no_damage_to_a_file_breaks_the_reader),
	};
	return cmocka_run_group_tests_name(
	    "config load", tests, file_setup, file_teardown);
}
