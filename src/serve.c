/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals and the end. The main thread only waits for signals, so that it hears a
 * second SIGTERM while the first one's unmount waits for dirty pages to be written:
 * that runs on a thread of its own. A third thread turns the session's end into
 * SIGUSR2. No locks but the session's.
 *
 *   phase       means                                   TERM leads to
 *   SERVING     mounted                                 UNMOUNTING
 *   UNMOUNTING  the unmounter runs or has succeeded     ABORTING
 *               the unmounter has failed                UNMOUNTING again
 *   ABORTING    the kernel was told to end it           exit
 */
#include "serve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "mount.h"
#include "session.h"
#include "stats.h"

enum serve_phase { PHASE_SERVING, PHASE_UNMOUNTING, PHASE_ABORTING };

struct serve {
	const struct config *config;
	struct session *session;
	struct mount *mount;
	enum serve_phase phase;

	pthread_t main_thread;
	pthread_t watcher;
	pthread_t unmounter;
	bool unmounting;	/* unmounter is to be joined */
	atomic_bool unmount_failed;
	int end_error;		/* the watcher's, once joined */
};

static void signal_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGUSR2);
}

void serve_block_signals(void)
{
	sigset_t set;

	signal_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	/* A log or statistics file may be a pipe. */
	signal(SIGPIPE, SIG_IGN);
}

static void *watcher_main(void *data)
{
	struct serve *serve = data;

	serve->end_error = session_wait_ended(serve->session);
	pthread_kill(serve->main_thread, SIGUSR2);
	return NULL;
}

static void *unmounter_main(void *data)
{
	struct serve *serve = data;
	int error = mount_unmount(serve->mount);

	if (error == -EBUSY) {
		log_info("%s is in use: detached, and served until its last "
			 "user has left", serve->config->mountpoint);
		error = mount_detach(serve->mount);
	}
	if (error)
		atomic_store(&serve->unmount_failed, true);
	return NULL;
}

static void unmounter_join(struct serve *serve)
{
	if (serve->unmounting)
		pthread_join(serve->unmounter, NULL);
	serve->unmounting = false;
}

static void start_unmount(struct serve *serve)
{
	int error;

	unmounter_join(serve);
	atomic_store(&serve->unmount_failed, false);
	error = pthread_create(&serve->unmounter, NULL, unmounter_main, serve);
	if (error) {
		log_error("cannot unmount %s: no thread: %s",
			  serve->config->mountpoint, strerror(error));
		atomic_store(&serve->unmount_failed, true);
		return;
	}
	serve->unmounting = true;
}

static void start_abort(struct serve *serve)
{
	log_warning("told to end once more: aborting %s; what was not written "
		    "yet is lost", serve->config->mountpoint);
	if (mount_abort(serve->mount) != 0) {
		log_warning("the kernel cannot be told: ending at once");
		_exit(EXIT_FAILURE);
	}
}

static void told_to_end(struct serve *serve)
{
	switch (serve->phase) {
	case PHASE_SERVING:
		serve->phase = PHASE_UNMOUNTING;
		start_unmount(serve);
		break;
	case PHASE_UNMOUNTING:
		if (atomic_load(&serve->unmount_failed)) {
			start_unmount(serve);
			break;
		}
		serve->phase = PHASE_ABORTING;
		start_abort(serve);
		break;
	case PHASE_ABORTING:
		log_warning("told to end a third time: ending at once");
		_exit(EXIT_FAILURE);
	}
}

static void write_stats(const struct serve *serve)
{
	const char *path = serve->config->stats_file;
	int error;

	if (!path) {
		log_info("no statistics: stats_file= was not given");
		return;
	}
	error = stats_write_file(serve->session, path);
	if (error)
		log_warning("cannot write %s: %s", path, strerror(-error));
}

static bool session_has_ended(struct session *session)
{
	return atomic_load(&session->state) == SESSION_ENDED;
}

static void handle_signals(struct serve *serve)
{
	sigset_t set;

	signal_set(&set);
	while (!session_has_ended(serve->session)) {
		switch (sigwaitinfo(&set, NULL)) {
		case SIGTERM:
		case SIGINT:
		case SIGHUP:
			told_to_end(serve);
			break;
		case SIGUSR1:
			write_stats(serve);
			break;
		default:
			/* SIGUSR2: the session's end, or anybody's. */
			break;
		}
	}
}

int serve_until_end(const struct config *config, struct session *session,
		    struct mount *mount)
{
	struct serve serve = {
		.config = config,
		.session = session,
		.mount = mount,
		.phase = PHASE_SERVING,
		.main_thread = pthread_self(),
	};
	int error = pthread_create(&serve.watcher, NULL, watcher_main, &serve);

	if (error) {
		log_error("cannot serve: no thread: %s", strerror(error));
		mount_abort(mount);
		return -error;
	}
	handle_signals(&serve);
	pthread_join(serve.watcher, NULL);
	unmounter_join(&serve);
	if (config->stats_file)
		write_stats(&serve);
	if (serve.phase == PHASE_ABORTING)
		return -ECONNABORTED;
	return serve.end_error;
}
