/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * targreyd: options, wiring, signals and reload; the only place that ends the
 * process. Always in the foreground: the service manager does the rest.
 */
#include <errno.h>
#include <poll.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "base/version.h"
#include "config/config.h"
#include "config/snapshot.h"
#include "daemon/advice.h"
#include "daemon/away.h"
#include "daemon/back_socket.h"
#include "daemon/check.h"
#include "daemon/memory.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/privileges.h"
#include "daemon/sandbox.h"
#include "daemon/status.h"
#include "gate/gate.h"
#include "milter/milter.h"
#include "postfix/settings.h"
#include "record/organisation.h"
#include "session/session.h"
#include "store/store.h"

#define STOP_GRACE_MS 800
/* Three files for each store reader, logs, and the DNS workers' sockets. */
#define OTHER_DESCRIPTORS  128
#define WORKER_DESCRIPTORS 16
#define ROUND_MS           2000 /* between checks of what sends no event */

/*
 * libmilter starts a thread that takes HUP, INT and TERM with sigwait(). This
 * definition overrides libc's, also for libmilter: that thread waits here for
 * ever, and every signal reaches main.
 */
int sigwait(const sigset_t *restrict set, int *restrict signal_r);

int
sigwait(const sigset_t *restrict set, int *restrict signal_r)
{
	(void)set;
	(void)signal_r;
	for (;;)
		pause();
}

struct daemon {
	struct clock clock;
	struct gate *gate;
	struct store *store;
	struct activity *activity;
	int64_t started; /* wall clock, seconds */
	struct status_socket status;
	struct postfix_advice advice;
	struct back_socket back;
	struct sandbox sandbox;
	struct away away;
	int signals, unused[2]; /* signalfd; pipe of snapshots to free */
	pthread_mutex_t lock;   /* guards snapshot */
	struct snapshot *snapshot;
};

static struct snapshot *
current_snapshot(void *ctx)
{
	struct daemon *daemon = ctx;

	pthread_mutex_lock(&daemon->lock);
	struct snapshot *snapshot = snapshot_ref(daemon->snapshot);
	pthread_mutex_unlock(&daemon->lock);
	return snapshot;
}

/* The last user of a snapshot may be inside a callback, so main frees it. */
static void
snapshot_unused(void *ctx, struct snapshot *snapshot)
{
	struct daemon *daemon = ctx;

	if (write(daemon->unused[1], &snapshot, sizeof snapshot) !=
	    (ssize_t)sizeof snapshot)
		log_warn("an unused snapshot stays in memory");
}

static void
free_unused_snapshots(struct daemon *daemon)
{
	struct snapshot *snapshot;

	while (read(daemon->unused[0], &snapshot, sizeof snapshot) ==
	       (ssize_t)sizeof snapshot)
		snapshot_free(&snapshot);
}

static struct snapshot *
build_snapshot(struct daemon *daemon, struct config *config, struct error *error)
{
	struct snapshot_parts parts = {
	    .store = daemon->store,
	    .activity = daemon->activity,
	    .decide = milter_decide,
	    .decide_ctx = daemon->gate,
	    .clock = &daemon->clock,
	    .unused = snapshot_unused,
	    .unused_ctx = daemon,
	};

	return snapshot_build(config, &parts, error);
}

static void
gate_settings_of(const struct daemon *daemon, const struct config *config,
    struct gate_settings *settings_r)
{
	*settings_r = (struct gate_settings){
	    .listen = config->listen,
	    .socket_mode = config->socket_mode,
	    .socket_group = (gid_t)-1,
	    .back_path = daemon->back.path,
	    .answer_timeout_ms = config->answer_timeout_s * 1000,
	    .on_failure = config->on_failure,
	    .max_holds = config->max_sessions,
	    .max_holds_per_key = config->max_per_net,
	    .headers = session_headers,
	    .reserved_descriptors =
	        OTHER_DESCRIPTORS + DNS_WORKERS * WORKER_DESCRIPTORS,
	};
}

static bool
take_signals(struct daemon *daemon, struct error *error)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	daemon->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (daemon->signals < 0 ||
	    pipe2(daemon->unused, O_CLOEXEC | O_NONBLOCK) != 0) {
		error_set_errno(error, "signals");
		return false;
	}
	return true;
}

/* Before the first thread, and before any input from a stranger. */
static bool
give_up_rights(
    struct daemon *daemon, const struct config *config, struct error *error)
{
	organisation_load();
	if (config->sandbox &&
	    !postfix_settings_helper(postfix_config_folder(), error))
		return false;
	sandbox_enter(&daemon->sandbox, config, daemon->back.folder);
	return true;
}

/* Everything up to the first connection; the snapshot takes over config. */
static bool
start(struct daemon *daemon, struct config **config_ptr, struct error *error)
{
	struct config *config = *config_ptr;
	struct gate_settings gate_settings;
	struct store_settings store_settings;
	gid_t group;

	clock_init(&daemon->clock);
	if (!clock_map_shift(&daemon->clock, error) ||
	    !privileges_become(config->user, config->socket_group, &group, error) ||
	    !back_socket_make(&daemon->back, config->listen, error) ||
	    !give_up_rights(daemon, config, error) || !take_signals(daemon, error))
		return false;
	gate_settings_of(daemon, config, &gate_settings);
	gate_settings.socket_group = group;
	daemon->gate = gate_open(&gate_settings, &daemon->clock, error);
	if (daemon->gate == NULL)
		return false;
	status_listen(&daemon->status, config);
	config_store_settings(config, &store_settings);
	daemon->store = store_open(&store_settings, &daemon->clock, error);
	if (daemon->store == NULL)
		return false;
	daemon->activity = activity_new();
	if (daemon->activity == NULL) {
		error_set(error, "out of memory");
		return false;
	}
	daemon->snapshot = build_snapshot(daemon, config, error);
	if (daemon->snapshot == NULL)
		return false;
	*config_ptr = NULL;
	struct milter_settings settings = {
	    daemon->back.path, current_snapshot, daemon};
	return milter_start(&settings, daemon->gate, error) &&
	       gate_start(daemon->gate, error);
}

static void
reload(struct daemon *daemon)
{
	const struct config *now = snapshot_config(daemon->snapshot);
	struct gate_settings gate_settings;
	struct store_settings store_settings;
	struct error error;
	struct config *next = config_load(now->path, &error);
	struct snapshot *snapshot = NULL;

	if (next != NULL && config_may_reload(now, next, &error))
		snapshot = build_snapshot(daemon, next, &error);
	if (snapshot == NULL) {
		log_warnx("reload: nothing changed: %s%s", error.text,
		    sandbox_remedy(&daemon->sandbox, &error));
		notify_send(
		    "STATUS=the last reload changed nothing: %s", error.text);
		config_free(&next);
		return;
	}
	gate_settings_of(daemon, next, &gate_settings);
	gate_configure(daemon->gate, &gate_settings);
	config_store_settings(next, &store_settings);
	store_configure(daemon->store, &store_settings);
	pthread_mutex_lock(&daemon->lock);
	struct snapshot *old = daemon->snapshot;
	daemon->snapshot = snapshot;
	pthread_mutex_unlock(&daemon->lock);
	snapshot_drop(&old);
	advice_gather(next, &daemon->advice);
	advice_log(&daemon->advice);
	log_info("reloaded %s", next->path != NULL ? next->path : "the defaults");
	notify_send("STATUS=mode %s", mode_words[next->policy.mode]);
}

/* Drains all pending signals, so that many SIGHUPs cost one reload. */
static bool
handle_signals(struct daemon *daemon)
{
	struct signalfd_siginfo info;
	bool wants_reload = false, goes_on = true;

	while (read(daemon->signals, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			goes_on = false;
		else
			wants_reload = true;
	}
	if (goes_on && wants_reload)
		reload(daemon);
	return goes_on;
}

static void
answer_status(struct daemon *daemon)
{
	const struct status_sources sources = {
	    .config = snapshot_config(daemon->snapshot),
	    .gate = daemon->gate,
	    .store = daemon->store,
	    .activity = daemon->activity,
	    /* never NULL after the start */
	    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	    .gatherer = daemon->snapshot->gatherer,
	    .advice = &daemon->advice,
	    .away = &daemon->away,
	    .sandbox = daemon->sandbox.text,
	    .started = daemon->started,
	    .now = clock_wall(&daemon->clock),
	};

	status_answer(&daemon->status, &sources);
}

/* false: it ended because something was lost. */
static bool
serve(struct daemon *daemon)
{
	struct pollfd fds[3] = {
	    {.fd = daemon->signals, .events = POLLIN},
	    {.fd = daemon->unused[0], .events = POLLIN},
	    {.events = POLLIN},
	};
	unsigned turns = 0, before;
	bool goes_on = true;

	while (goes_on) {
		before = turns;
		turns = gate_turns(daemon->gate);
		if (turns != before) {
			notify_send("WATCHDOG=1");
			away_alive(&daemon->away);
		}
		if (!milter_is_running() || !back_socket_is_there(&daemon->back) ||
		    !sandbox_fits(&daemon->sandbox))
			return false;
		gate_look_after(daemon->gate);
		status_look_after(&daemon->status);
		fds[2].fd = daemon->status.fd;
		if (poll(fds, 3, ROUND_MS) < 0) { /* error: no news of the three */
			if (errno != EINTR)
				log_warn("poll");
			continue;
		}
		if (fds[1].revents != 0)
			free_unused_snapshots(daemon);
		if (fds[0].revents != 0)
			goes_on = handle_signals(daemon);
		if (fds[2].revents != 0)
			answer_status(daemon);
	}
	return true;
}

/*
 * Cleans up after a failed start, or a stop. Without the gate's lock the private
 * socket may be another instance's.
 */
static void
tidy(struct daemon *daemon)
{
	if (daemon->gate != NULL)
		back_socket_remove(&daemon->back);
	free_unused_snapshots(daemon);
	gate_free(&daemon->gate);
	activity_free(&daemon->activity);
	status_close(&daemon->status);
	sandbox_free(&daemon->sandbox);
}

static void
stop(struct daemon *daemon, int exit_code)
{
	struct gate_report report;

	away_end(&daemon->away);
	gate_stop(daemon->gate, STOP_GRACE_MS);
	gate_report(daemon->gate, &report);
	if (report.abandoned != 0) {
		/* A callback is still running: what it uses must not be freed. */
		log_info("stopped with %u connections open", report.abandoned);
		back_socket_remove(&daemon->back);
		store_flush(daemon->store);
		status_close(&daemon->status);
		_exit(exit_code);
	}
	snapshot_drop(&daemon->snapshot);
	store_close(&daemon->store);
	tidy(daemon);
}

/* From here on mail is filtered. */
static void
be_ready(struct daemon *daemon)
{
	const struct config *config = snapshot_config(daemon->snapshot);
	char path[CONFIG_STATUS_PATH_SIZE];

	daemon->started = clock_wall(&daemon->clock);
	away_begin(&daemon->away,
	    config_path_beside(config, ".away", path) ? path : NULL,
	    &daemon->clock);
	/* This may take seconds. */
	advice_gather(config, &daemon->advice);
	advice_log(&daemon->advice);
	log_info("version %s, mode %s, listening on %s, sandbox: %s",
	    version_text(), mode_words[config->policy.mode], config->listen,
	    daemon->sandbox.text);
	notify_send("READY=1\nSTATUS=mode %s", mode_words[config->policy.mode]);
}

static int
run(struct config *config)
{
	/* static: libmilter's threads may outlive this frame at exit */
	static struct daemon daemon = {.lock = PTHREAD_MUTEX_INITIALIZER,
	    .signals = -1,
	    .unused = {-1, -1},
	    .status.fd = -1,
	    .away.fd = -1};
	bool is_seen =
	    strcmp(config->log, "stderr") == 0 || log_wants(LOG_LEVEL_DEBUG);
	struct error error;

	if (!start(&daemon, &config, &error)) {
		log_warnx("cannot start: %s", error.text);
		if (!is_seen && isatty(STDERR_FILENO))
			fprintf(stderr, "targreyd: cannot start: %s\n", error.text);
		if (daemon.gate != NULL)
			stop(&daemon, EXIT_FAILURE);
		else
			tidy(&daemon);
		config_free(&config);
		return EXIT_FAILURE;
	}
	be_ready(&daemon);
	int exit_code = serve(&daemon) ? EXIT_SUCCESS : EXIT_FAILURE;
	notify_send("STOPPING=1");
	log_info("stopping");
	stop(&daemon, exit_code);
	log_info("stopped");
	return exit_code;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct error error;
	int code = options_read(argc, argv, &options);

	if (code != OPTIONS_GO_ON)
		return code;
	memory_for_threads();
	log_to_stderr("targreyd");
	struct config *config = config_load(options.path, &error);
	if (config == NULL) {
		fprintf(stderr, "targreyd: %s\n", error.text);
		return EXIT_FAILURE;
	}
	if (options.check_only)
		return check_config(config);
	if (options.debug)
		log_set_level(LOG_LEVEL_DEBUG);
	else if (strcmp(config->log, "syslog") == 0)
		log_to_syslog("targreyd", NULL);
	return run(config);
}
