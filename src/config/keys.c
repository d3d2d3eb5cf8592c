/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/config_private.h"

#include <stdio.h>
#include <string.h>

#define FIELD(member)                                                              \
	offsetof(struct config, member), sizeof(((struct config *)0)->member)
#define WORDS(array) .words = array, .words_count = sizeof array / sizeof *(array)

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

static const char *const failure_words[] = {
    [GATE_ACCEPT] = "accept", [GATE_TEMPFAIL] = "tempfail"};
static const char *const overflow_words[] = {
    [OVERFLOW_GREYLIST] = "greylist", [OVERFLOW_PASS] = "pass"};
static const char *const privacy_words[] = {"off", "hash"};
static const char *const durability_words[] = {"normal", "full"};
static const char *const at_start_words[] = {"go-on", "wait"};
static const char *const learn_words[] = {"nothing", "sa-learn", "spamc"};
static const char *const log_words[] = {"syslog", "stderr"};

static const char *const suspect_initials[] = {"s25r", "record warn", NULL};
static const char *const exempt_initials[] = {"127.0.0.0/8", "::1/128",
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7",
    "fe80::/10", EXEMPT_POSTFIX, NULL};
static const char *const allow_initials[] = {"/etc/targrey/allow.d/*", NULL};
static const char *const suspects_initials[] = {"/etc/targrey/suspect.d/*", NULL};

const struct section config_sections[] = {
    {"", "General"},
    {"tarpit", "Holding suspects before the reply to RCPT"},
    {"greylist", "Asking suspects to come again"},
    {"known", "Clients that have proved to be good"},
    {"allow", "Clients that are never delayed"},
    {"suspects", "What makes a client a suspect"},
    {"dns", "Look-ups"},
    {"spf", "Sender Policy Framework"},
    {"headers", "Headers besides X-TaRgrey-*"},
    {"store", "What is remembered"},
    {"record", "Verdicts on networks and organisations"},
    {"review",
        "Looking through what the content filter sorted out: targrey-review"},
};
const size_t config_sections_count =
    sizeof config_sections / sizeof *config_sections;

const struct key config_keys[] = {
    {"", "mode", KEY_WORD, FIELD(policy.mode), "targrey", .words = mode_words,
        .words_count = MODES,
        .help =
            "What happens to a suspect. observe: nothing, the headers say what "
            "would have; rgrey: greylisted; starpit: held; targrey: held, and "
            "greylisted if it hung up during an earlier hold; strict: held, then "
            "greylisted. Every mode ends in delivery for a sender that keeps "
            "coming back."},
    {"", "suspect", KEY_LIST, FIELD(suspect), .initials = suspect_initials,
        .check = check_suspect,
        .allowed =
            "s25r, all, helo, spf, dnsbl, local, record; each may be followed by "
            "\" warn\"",
        .help =
            "What marks a client as a suspect: its name (s25r), every client "
            "(all), a bad HELO (helo), SPF fail or softfail (spf), DNS lists "
            "(dnsbl), the local rules of suspects.files (local), verdicts on its "
            "network or organisation (record). With \" warn\" "
            "the selector delays nobody and only shows in would= and the reports."},
    {"", "listen", KEY_TEXT, FIELD(listen),
        "unix:/var/spool/postfix/targrey/targrey.sock", .check = check_listen,
        .allowed = "unix:/path, inet:port@address, inet6:port@address",
        .help = "Where Postfix finds the filter. A path below the queue directory "
                "works for Postfix services with and without chroot.",
        .needs_restart = true},
    {"", "user", KEY_TEXT, FIELD(user), "targrey", .check = check_account,
        .allowed = "an account's name, or \"\" to stay the user that started it",
        .help = "Account that the daemon runs as. Started as root, it becomes this "
                "account before it makes any file.",
        .needs_restart = true},
    {"", "socket_group", KEY_TEXT, FIELD(socket_group), "postfix",
        .check = check_account,
        .allowed = "a group's name, or \"\" to leave it alone",
        .help = "Group of the socket; Postfix must be a member of it.",
        .needs_restart = true},
    {"", "socket_mode", KEY_OCTAL, FIELD(socket_mode), "0660", .min = 0,
        .max = 0777, .help = "Permissions of the socket, octal.",
        .needs_restart = true},
    {"", "hostname", KEY_TEXT, FIELD(hostname_given), "", .check = check_hostname,
        .allowed = "a host name of at most 64 characters, or \"\" for the system's",
        .help =
            "Name of this host in id= of the headers, and what HELO \"ours\" is "
            "compared with."},
    {"", "mx", KEY_LIST, FIELD(mx), .check = check_mx,
        .allowed =
            "priority and hostname of each MX, such as \"10 mx1.example.jp\"",
        .help =
            "The MX records of your domains, where several MXs share one database: "
            "priority and hostname of each, this one too. Then mx_order= in the "
            "headers says whether a client came to one of the lowest number "
            "first."},
    {"", "exempt_networks", KEY_LIST, FIELD(exempt_networks),
        .initials = exempt_initials, .check = check_network,
        .allowed = "addresses and networks such as 192.0.2.0/24 and "
                   "2001:db8::/32, " EXEMPT_POSTFIX,
        .help =
            "Clients that are never delayed and whose mail, which may be outgoing, "
            "gets "
            "no headers: own machines, "
            "printers, scanners. " EXEMPT_POSTFIX " is what Postfix on this host "
            "has in mynetworks (read at start and reload) and this host's own "
            "addresses. \"+=\" adds to the default, \"=\" replaces it."},
    {"", "trusted_relays", KEY_LIST, FIELD(trusted_relays), .check = check_relay,
        .allowed = "the hostname of each, of at most 64 characters",
        .help =
            "Your other mail exchangers that run targrey: their X-TaRgrey headers, "
            "known by id=, are kept when an exempt client brings them."},
    {"", "on_failure", KEY_WORD, FIELD(on_failure), "accept", WORDS(failure_words),
        .help =
            "What replaces a 450 that cannot be recorded, and the reply when the "
            "filter itself does not answer in time."},
    {"", "answer_timeout", KEY_DURATION, FIELD(answer_timeout_s), "20s", .min = 1,
        .max = 5 * MINUTE,
        .help = "How long one command may take inside the filter before on_failure "
                "answers for it. Holds do not count."},
    {"", "privacy", KEY_WORD, FIELD(hash_people), "off", WORDS(privacy_words),
        .help =
            "hash: mail addresses of people are stored as keyed hashes and kept "
            "out of the log."},
    {"", "log", KEY_TEXT, FIELD(log), "syslog", WORDS(log_words),
        .help = "Where log lines go (syslog: facility mail).",
        .needs_restart = true},
    {"", "sandbox", KEY_FLAG, FIELD(sandbox), "yes",
        .help =
            "The daemon gives up what it does not need: system calls (seccomp), "
            "and files (Landlock, where the kernel has it) outside of /etc, /usr "
            "and the folders of what the settings name. A file elsewhere that a "
            "reload names needs a restart. \"no\" is for finding a fault.",
        .needs_restart = true},

    {"tarpit", "hold", KEY_DURATION, FIELD(policy.hold_s), "125s", .min = 0,
        .max = 240,
        .help = "How long a suspect waits for the reply to RCPT; 0 holds nobody. "
                "Hold and "
                "dns.timeout together are at most 4m: senders give up after 5m."},
    {"tarpit", "max_sessions", KEY_NUMBER, FIELD(max_sessions), "50", .min = 1,
        .max = 10000, .unit = "sessions",
        .help = "Holds at the same time; as they come near it they shrink, to 10s. "
                "Each keeps one smtpd process of Postfix busy: "
                "stay below 70 % of its process limit (100 by default)."},
    {"tarpit", "max_per_net", KEY_NUMBER, FIELD(max_per_net), "5", .min = 1,
        .max = 10000, .unit = "sessions",
        .help = "Holds at the same time from one network (IPv4 /24, IPv6 /48)."},
    {"tarpit", "overflow", KEY_WORD, FIELD(policy.overflow), "greylist",
        WORDS(overflow_words),
        .help =
            "What happens to a suspect that cannot be held for want of room; in "
            "the modes starpit and observe it always passes."},
    {"tarpit", "vary", KEY_NUMBER, FIELD(policy.vary_percent), "2", .min = 0,
        .max = 100, .unit = "percent",
        .help =
            "Share of addresses that are held for another time, 5 s to twice the "
            "setting, so that reports can tell which length is worth it."},
    {"tarpit", "trust_eom", KEY_FLAG, FIELD(policy.trust_eom), "no",
        .help =
            "Count a message that arrived after a hold as proof of endurance even "
            "where the client's socket cannot be seen. Only where Postfix forbids "
            "unauthorised pipelining and does not offer CHUNKING."},

    {"greylist", "delay", KEY_DURATION, FIELD(policy.delay_s), "30m", .min = 0,
        .max = DAY,
        .help = "Time after the first attempt before a retry counts; below "
                "retry_window."},
    {"greylist", "retry_count", KEY_NUMBER, FIELD(policy.retry_count), "2",
        .min = 1, .max = 10, .unit = "tries",
        .help = "Retries that count before the mail passes."},
    {"greylist", "retry_gap", KEY_DURATION, FIELD(policy.retry_gap_s), "1m",
        .min = 0, .max = HOUR,
        .help = "Least time between two retries that count."},
    {"greylist", "retry_window", KEY_DURATION, FIELD(policy.retry_window_s), "2d",
        .min = 1, .max = 30 * DAY,
        .help = "A first retry later than this starts anew; not above max_age."},
    {"greylist", "max_age", KEY_DURATION, FIELD(policy.max_age_s), "35d", .min = 1,
        .max = 400 * DAY,
        .help =
            "What has passed or is known is forgotten when it has not been used "
            "for this long."},
    {"greylist", "max_new_per_net", KEY_NUMBER, FIELD(max_new_per_net), "600",
        .min = 1, .max = 1000000, .unit = "rows per minute",
        .help = "New sender and recipient pairs that one client network (IPv4 /24, "
                "IPv6 /64) may add in a minute."},
    {"greylist", "text", KEY_TEXT, FIELD(greylist_text),
        "Greylisted: please send this message again in half an hour",
        .check = check_reply,
        .allowed =
            "1 to 200 printable ASCII characters without %, and no reply code",
        .help = "What follows \"450 4.7.1\"."},

    {"known", "successes", KEY_NUMBER, FIELD(policy.known_successes), "5", .min = 0,
        .max = 1000, .unit = "successes",
        .help = "Successes after which a client is known and no longer a suspect, "
                "until it has not been seen for greylist.max_age; 0 is never."},
    {"known", "gap", KEY_DURATION, FIELD(policy.known_gap_s), "1h", .min = 0,
        .max = DAY, .help = "Successes closer together count as one."},
    {"allow", "files", KEY_LIST, FIELD(allow_files), .initials = allow_initials,
        .check = check_glob, .allowed = "absolute paths; * ? [] as in the shell",
        .help = "Lists of clients, recipients and senders that are never delayed, "
                "in the "
                "format of postgrey's."},

    {"suspects", "s25r", KEY_TEXT, FIELD(s25r_file), "/etc/targrey/s25r.rules",
        .check = check_path, .allowed = "an absolute path",
        .help = "The rules of the selector s25r."},
    {"suspects", "files", KEY_LIST, FIELD(suspect_files),
        .initials = suspects_initials, .check = check_glob,
        .allowed = "absolute paths; * ? [] as in the shell",
        .help =
            "Local rules, which set the tags of local= and the selector local."},

    {"dns", "servers", KEY_LIST, FIELD(dns_servers), .check = check_server,
        .allowed =
            "addresses, with a port as 192.0.2.53:5353 or [2001:db8::53]:5353",
        .help = "Resolvers to ask; none: the system's."},
    {"dns", "timeout", KEY_DURATION, FIELD(dns_timeout_s), "5s", .min = 1,
        .max = 60,
        .help = "Time for all look-ups of one message together. Postfix shows MAIL "
                "together with the first RCPT: they begin there."},
    {"dns", "dnsbl", KEY_LIST, FIELD(dnsbl), .check = check_dnsbl,
        .allowed = "\"zone [name [mask [weight]]]\": name of at most 24 of A-Z a-z "
                   "0-9 . _ "
                   "-, mask 1 to 255, weight -100 to 100",
        .help =
            "DNS lists to ask, at most 32. An answer 127.x.y.z counts when z and "
            "mask have "
            "a bit in "
            "common (255: any but 0); it adds weight (1; negative for lists of "
            "good "
            "senders). A list must have its test entry 127.0.0.2 and not "
            "127.0.0.1 (RFC 5782); one that does not, or is silent, is left out "
            "meanwhile and named by targreyctl status."},
    {"dns", "dnsbl_weight", KEY_NUMBER, FIELD(policy.dnsbl_weight), "1", .min = 1,
        .max = 1000, .unit = "points",
        .help = "Sum of weights at which the selector dnsbl marks a client."},

    {"spf", "enabled", KEY_FLAG, FIELD(spf), "yes",
        .help = "Check SPF of HELO and MAIL FROM."},

    {"headers", "received_spf", KEY_FLAG, FIELD(received_spf), "yes",
        .help = "Add Received-SPF, which SpamAssassin reads."},
    {"headers", "authentication_results", KEY_FLAG, FIELD(authentication_results),
        "no",
        .help = "Add Authentication-Results with SPF, and remove incoming ones "
                "that bear our name."},

    {"store", "url", KEY_TEXT, FIELD(store_url),
        "sqlite:/var/lib/targrey/targrey.db", .check = check_store,
        .allowed = "sqlite:/path, postgresql://host/database, memory:",
        .help = "The database. postgresql: is for several MXs that share one; a "
                "password does not belong here but in a password file. memory: "
                "forgets everything when the daemon stops.",
        .needs_restart = true, .may_hold_a_secret = true},
    {"store", "events", KEY_DURATION, FIELD(events_s), "30d", .min = HOUR,
        .max = 3650 * (int64_t)DAY,
        .help = "How long events are kept for the reports."},
    {"store", "durability", KEY_WORD, FIELD(durable), "full",
        WORDS(durability_words),
        .help =
            "full: what a client was told is on disk before it is told; normal: a "
            "power cut may lose the last moments, a crash of the program nothing."},
    {"store", "timeout", KEY_DURATION, FIELD(store_timeout_s), "1s", .min = 1,
        .max = 10,
        .help =
            "postgresql: mail waits at most this long for the database, then it "
            "goes on without the record. Raise it where the database is far "
            "away.",
        .needs_restart = true},
    {"store", "at_start", KEY_WORD, FIELD(store_waits), "go-on",
        WORDS(at_start_words),
        .help =
            "postgresql: when the database does not answer at the start. go-on: "
            "mail goes on without the record until it does; wait: targreyd waits a "
            "minute, then gives up with an error.",
        .needs_restart = true},

    {"record", "half_life", KEY_DURATION, FIELD(policy.half_life_s), "30d",
        .min = DAY, .max = 400 * DAY,
        .help = "After this time a verdict of ham or spam counts half, for the "
                "address, its network and its organisation."},
    {"record", "least", KEY_NUMBER, FIELD(policy.record_least), "10", .min = 2,
        .max = 1000, .unit = "verdicts",
        .help = "With fewer, the selector record says nothing about a network or "
                "organisation."},
    {"record", "threshold", KEY_NUMBER, FIELD(policy.record_threshold), "80",
        .min = 50, .max = 99, .unit = "percent",
        .help = "The share of spam that a network or organisation must have beyond "
                "doubt (with a probability of 95 %) to make a suspect."},
    {"record", "people", KEY_NUMBER, FIELD(policy.record_people), "10", .min = 1,
        .max = 40, .unit = "people",
        .help =
            "An organisation from which this many different recipients have had "
            "ham makes nobody a suspect, nor does its network."},

    {"review", "folders", KEY_LIST, FIELD(review_folders), .check = check_glob,
        .allowed = "absolute paths; * ? [] as in the shell, %u for the user",
        .help = "Maildirs, mboxes and quarantines that are listed when none is "
                "named. %u stands for the user of the page that a reverse proxy "
                "has let in, or who runs the program."},
    {"review", "mark", KEY_NUMBER, FIELD(review_mark), "5", .min = 1, .max = 1000,
        .unit = "points",
        .help = "The score from which the content filter calls a mail spam; what "
                "is nearest to it comes first."},
    {"review", "inbox", KEY_TEXT, FIELD(review_inbox), "",
        .check = check_path_or_none,
        .allowed = "an absolute path, or \"\" for the Maildir that the folder is "
                   "in; %u for the user",
        .help = "The Maildir that released mail is moved to."},
    {"review", "spam_folder", KEY_TEXT, FIELD(review_spam), "",
        .check = check_path_or_none,
        .allowed = "an absolute path, or \"\" to leave it where it is; %u for the "
                   "user",
        .help = "The Maildir that confirmed spam is moved to."},
    {"review", "learn", KEY_WORD, FIELD(review_learn), "nothing",
        WORDS(learn_words),
        .help = "Who is told when a person calls a mail spam or ham, besides "
                "targrey's own record."},
    {"review", "amavis_socket", KEY_TEXT, FIELD(amavis_socket),
        "/var/lib/amavis/amavisd.sock", .check = check_path,
        .allowed = "an absolute path",
        .help =
            "Amavis' socket that speaks AM.PDP ($unix_socketname), by which its "
            "quarantine is released."},
    {"review", "sendmail", KEY_TEXT, FIELD(sendmail), "/usr/sbin/sendmail",
        .check = check_path, .allowed = "an absolute path",
        .help = "The program that re-sends mail from an mbox or from a folder of "
                "files."},
    {"review", "user_header", KEY_TEXT, FIELD(user_header), "",
        .check = check_field_name,
        .allowed = "the name of a header field, or \"\" for none",
        .help =
            "The field in which a reverse proxy that has checked the password "
            "tells the page who the user is. It is used on a unix socket only."},
};
const size_t config_keys_count = sizeof config_keys / sizeof *config_keys;

const struct key *
key_find(const char *section, const char *name)
{
	for (size_t i = 0; i < config_keys_count; i++) {
		if (strcmp(config_keys[i].section, section) == 0 &&
		    strcmp(config_keys[i].name, name) == 0)
			return &config_keys[i];
	}
	return NULL;
}

const char *
key_path(const struct key *key, char buf[static KEY_PATH_SIZE])
{
	snprintf(buf, KEY_PATH_SIZE, "%s%s%s", key->section,
	    *key->section == '\0' ? "" : ".", key->name);
	return buf;
}
