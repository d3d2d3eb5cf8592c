/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <time.h>

#include "admin/cmd.h"
#include "admin/lines.h"
#include "admin/rules.h"
#include "maillog/study.h"
#include "report/report.h"

#define TOP 25

struct reading {
	struct report *report;
	struct progress progress;
	uint64_t count;
	int64_t since, until;
};

static bool
add_event(void *ctx, const struct event *event)
{
	struct reading *reading = ctx;

	report_add(reading->report, event);
	if (++reading->count % 4096 == 0)
		progress_show(&reading->progress, reading->count, 0);
	return true;
}

static bool
add_name(void *ctx, const struct event *event)
{
	report_name(ctx, event);
	return true;
}

/* The stream has ended: reads again the events that the report wants to name. */
static bool
name_lost(struct query *query, struct report *report, struct error *error)
{
	struct event_filter one = {.words = report_words()};
	bool ok = true;

	report_end(report);
	for (size_t i = 0; ok && (one.id = report_wants(report, i)) != 0; i++)
		ok = query_events(query, &one, add_name, report, error);
	return ok;
}

/* One address for sendmail that cannot start another header line. */
static bool
is_recipient(const char *text)
{
	for (const char *at = text; *at != '\0'; at++) {
		if ((unsigned char)*at <= ' ' || (unsigned char)*at > '~' ||
		    strchr("<>()[];:\\\",|", *at) != NULL)
			return false;
	}
	return *text != '\0' && *text != '-';
}

static int
mail_report(
    struct admin *admin, const struct report_settings *settings, struct doc **doc)
{
	const char *to = args_value(admin, "mail");
	char subject[200], since[16], until[16];
	time_t times[2] = {(time_t)settings->since, (time_t)settings->until};
	struct error error;
	struct tm tm;

	if (*doc == NULL)
		return admin_write(admin, doc);
	strftime(since, sizeof since, "%Y-%m-%d", localtime_r(&times[0], &tm));
	strftime(until, sizeof until, "%Y-%m-%d", localtime_r(&times[1], &tm));
	snprintf(subject, sizeof subject, "targrey report: %.80s, %s to %s",
	    settings->host, since, until);
	bool ok = doc_write_mail(*doc, to, subject, admin->out);
	doc_free(doc);
	error_set(&error, "the mail cannot be written");
	return ok ? EXIT_OK : failed(admin, &error);
}

static int
report_events(struct admin *admin, size_t top)
{
	struct reading reading = {
	    .since = admin_now(admin) - 7 * 86400, .until = admin_now(admin)};
	struct error error;

	if (!args_time(admin, "since", &reading.since) ||
	    !args_time(admin, "until", &reading.until))
		return EXIT_USAGE;
	if (reading.until < reading.since)
		return usage(admin, "--until is before --since");
	const struct config *config = admin_config(admin);
	struct query *query = config == NULL ? NULL : admin_query(admin, false);
	if (query == NULL)
		return EXIT_FAILED;
	struct report_settings settings = {.since = reading.since,
	    .until = reading.until,
	    .hold_s = config->policy.hold_s,
	    .retry_window_s = config->policy.retry_window_s,
	    .top = (unsigned)top,
	    .host = config->hostname,
	    .mode = mode_words[config->policy.mode],
	    .made = admin_now(admin)};
	struct event_filter filter = {.since = reading.since,
	    .until = reading.until,
	    .words = report_words()};
	struct doc *doc = NULL;
	reading.report = report_new(&settings);
	if (reading.report == NULL)
		return admin_write(admin, &doc);
	progress_begin(&reading.progress, admin, "events");
	bool ok = query_events(query, &filter, add_event, &reading, &error) &&
	          name_lost(query, reading.report, &error);
	progress_end(&reading.progress);
	if (ok)
		doc = report_finish(reading.report);
	report_free(&reading.report);
	if (!ok)
		return failed(admin, &error);
	return args_value(admin, "mail") == NULL
	           ? admin_write(admin, &doc)
	           : mail_report(admin, &settings, &doc);
}

struct studying {
	struct logstudy *study;
	int64_t now;
};

static bool
add_line(void *ctx, char *line)
{
	struct studying *studying = ctx;

	if (line == NULL)
		logstudy_too_long(studying->study);
	else
		logstudy_line(studying->study, line, studying->now);
	return true;
}

static bool
read_logs(struct admin *admin, struct studying *studying, struct error *error)
{
	const char *path;
	bool ok = true;

	for (int i = 0; ok && (path = args_nth(admin, "maillog", i)) != NULL; i++)
		ok = lines_each(admin, path, add_line, studying, error);
	for (int i = 0; ok && i < admin->words_count; i++)
		ok = lines_each(admin, admin->words[i], add_line, studying, error);
	return ok;
}

static int
study_logs(struct admin *admin, const struct study_settings *settings)
{
	struct studying studying = {.now = admin_now(admin)};
	struct doc *doc = NULL;
	struct error error;
	bool ok = true;

	studying.study = logstudy_new(settings);
	if (studying.study != NULL)
		ok = read_logs(admin, &studying, &error);
	if (ok && studying.study != NULL) {
		logstudy_end(studying.study);
		doc = logstudy_finish(studying.study);
	}
	int code = ok ? admin_write(admin, &doc) : failed(admin, &error);
	logstudy_free(&studying.study);
	return code;
}

static int
report_logs(struct admin *admin, size_t top)
{
	struct s25r *s25r = admin_rules(admin);
	struct list *allow = NULL;
	const struct config *config = NULL;
	int code = EXIT_FAILED;

	if (s25r != NULL && admin_allow(admin, &allow))
		config = admin_config_or_defaults(admin);
	if (config != NULL)
		code = study_logs(admin, &(struct study_settings){.s25r = s25r,
		                             .allow = allow,
		                             .exempt = config->exempt,
		                             .exempt_count = config->exempt_count,
		                             .top = (unsigned)top});
	list_free(&allow);
	s25r_free(&s25r);
	return code;
}

static int
run(struct admin *admin)
{
	size_t top = TOP;

	if (!args_count(admin, "top", &top))
		return EXIT_USAGE;
	if (args_value(admin, "maillog") != NULL)
		return report_logs(admin, top);
	if (admin->words_count > 0)
		return usage(admin,
		    "unexpected argument \"%.60s\"; files go after --maillog",
		    admin->words[0]);
	if (args_value(admin, "rules") != NULL)
		return usage(admin, "--rules goes with --maillog only");
	if (args_value(admin, "allow") != NULL)
		return usage(admin, "--allow goes with --maillog only");
	const char *to = args_value(admin, "mail");
	if (to != NULL && !is_recipient(to))
		return usage(admin,
		    "--mail: \"%.60s\" is not allowed; allowed: one address, such "
		    "as "
		    "postmaster@example.com or root",
		    to);
	return report_events(admin, top);
}

static const struct option_row options[] = {
    {"since", "TIME", "events since then (7d ago)", NULL, false},
    {"until", "TIME", "events until then (now)", NULL, false},
    {"top", "COUNT", "rows of the lists of the most frequent (25)", NULL, false},
    {"mail", "ADDRESS", "write it as a mail to there, for sendmail -t", NULL,
        false},
    {"maillog", "FILE", "study Postfix's log instead (- = standard input)", NULL,
        true},
    {"rules", "FILE", "S25R rules for --maillog", NULL, false},
    {"allow", "FILES", "allow lists for --maillog, not those of the configuration",
        NULL, true},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_report = {
    .name = "report",
    .args = "[--since TIME] [--until TIME] [--format text|html|json|csv] | "
            "--maillog FILE...",
    .help = "Sum up what happened, and whether it is worth it",
    .manual =
        "Five numbers in short, then: mail by day, what came and what became of "
        "it, how long suspects wait and which tarpit.hold that proposes, hours "
        "of the day and of the week, the most frequent networks, names, HELOs "
        "and addresses, after how long and from how many addresses senders come "
        "back, how late good mail was, which mail may be lost, what other modes "
        "and rules on trial would have done, and what content filters said "
        "(learn-log). html is one file that needs nothing else, with a picture "
        "for each question and its table behind a fold; it prints on four "
        "sheets. --mail writes a mail with both forms; the units "
        "targrey-report.timer and .service send one to root each week once "
        "systemctl enable --now targrey-report.timer has been run.\n\n"
        "--maillog tells before anything is installed which clients of the "
        "last weeks would have been suspects by S25R and which of them "
        "delivered mail; allow lists and exempt networks are those of the "
        "configuration, authenticated users are counted apart. Debian 12 "
        "keeps the log in the journal: journalctl --facility=mail --all "
        "-o short-iso --since -30d | targreyctl report --maillog -. Where "
        "there are files, rotated ones may be given together, the oldest "
        "first; compressed ones through a pipe: zcat mail.log.*.gz | "
        "targreyctl report --maillog -. Read are the forms of syslog, "
        "journalctl (short, short-iso, short-unix, json), RFC 5424 and "
        "docker.",
    .options = options,
    .words_most = WORDS_MAX,
    .run = run,
};
