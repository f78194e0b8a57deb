/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ferryfs: parse, open, mount, serve, close. One thread until server_start(); the
 * fork of a daemon comes before any thread, ring or mount exists.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config_table.h"
#include "daemon.h"
#include "log.h"
#include "mount.h"
#include "serve.h"
#include "server.h"
#include "session.h"
#include "stats.h"
#include "transport.h"

/* Conventions of all programs of ours. */
enum exit_code { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* The transport's name and its own opinion. 0 or -EINVAL with a line. */
static int check_transport(const struct config *config)
{
	const struct transport_ops *ops = transport_find(config->transport);

	if (!ops) {
		flockfile(stderr);
		fprintf(stderr, "ferryfs: transport=%s: allowed is auto",
			config->transport);
		for (size_t i = 0; transport_table[i]; i++)
			fprintf(stderr, " or %s", transport_table[i]->name);
		fputc('\n', stderr);
		funlockfile(stderr);
		return -EINVAL;
	}
	return ops->check ? ops->check(config) : 0;
}

/* As many descriptors as we may have, unless the user says how many. */
static void raise_fd_limit(const struct config *config)
{
	struct rlimit limit;

	if (config->fd_limit != 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_info("cannot raise the limit of open files: %m");
}

static void log_mounted(const struct config *config, struct server *server)
{
	log_info("%s is mounted at %s: %u workers, engine %s, cache=%s%s",
		 config->source, config->mountpoint, config->workers,
		 server_engine_name(server), config_cache_name(config->cache),
		 config->privileged ? "" : ", without root's privileges");
}

/* Requests come in; returns when they have ended. */
static int serve(const struct config *config, struct server *server,
		 struct mount *mount)
{
	struct session *session = server_session(server);
	int error;

	stats_set_engine(session->stats, server_engine_name(server));
	daemon_ready();
	log_started();
	log_mounted(config, server);
	error = serve_until_end(config, session, mount);
	log_info("%s has ended: %llu requests served%s%s", config->mountpoint,
		 (unsigned long long)stats_total_requests(session->stats),
		 error ? ": " : "", error ? strerror(-error) : "");
	return error;
}

/* From a mount to its end. */
static enum exit_code run(const struct config *config, int source_fd)
{
	struct transport_source source;
	struct server *server;
	struct mount *mount;
	int error;

	serve_block_signals();
	if (mount_open(config, &mount) != 0)
		return EXIT_FAILED;
	source.fuse_fd = mount_fd(mount);
	if (server_start(config, source_fd, &source, &server) != 0) {
		mount_discard(mount);
		return EXIT_FAILED;
	}
	error = session_wait_running(server_session(server));
	if (error) {
		log_error("%s: the kernel and ferryfs did not agree: %s",
			  config->mountpoint, strerror(-error));
		server_stop(server);
		mount_discard(mount);
		return EXIT_FAILED;
	}
	error = serve(config, server, mount);
	server_stop(server);
	/* Ended without an error: it was unmounted, everywhere. */
	mount_close(mount, error == 0);
	return error ? EXIT_FAILED : EXIT_OK;
}

/* Everything that can be said before a daemon is made of us. */
static enum exit_code start(struct config *config)
{
	enum exit_code code;
	int source_fd;
	int error;

	if (config_resolve(config) != 0 || check_transport(config) != 0)
		return EXIT_USAGE;
	log_level_max = config->log_level;
	error = config->log_file ? log_open_file(config->log_file) : 0;
	if (error) {
		config_complain("log_file %s: %s", config->log_file,
				strerror(-error));
		return EXIT_USAGE;
	}
	source_fd = open(config->source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (source_fd < 0) {
		config_complain("source %s: %s", config->source,
				strerror(errno));
		return EXIT_USAGE;
	}
	raise_fd_limit(config);
	error = config->foreground ? 0 : daemon_start();
	if (error) {
		log_error("cannot become a daemon: %s", strerror(-error));
		code = EXIT_FAILED;
	} else {
		code = run(config, source_fd);
	}
	close(source_fd);
	return code;
}

/* That what was asked for on stdout got there. */
static enum exit_code finish_stdout(enum exit_code code)
{
	if (fflush(stdout) == 0)
		return code;
	config_complain("cannot write: %s", strerror(errno));
	return EXIT_FAILED;
}

/*
 * Started without stdin, stdout or stderr: what we open next would take their
 * numbers, and be written over when a daemon lets go of them. The stand-ins refuse
 * to be read or written, as a closed one does.
 */
static int hold_standard_fds(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY :
							   O_RDONLY) != fd)
			return -EBADF;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct config config;
	enum exit_code code = EXIT_USAGE;

	if (hold_standard_fds() != 0 || transport_table_check() != 0)
		return EXIT_FAILED;
	if (config_parse(&config, argc, argv) != 0)
		goto out;
	switch (config.action) {
	case CONFIG_HELP:
		config_print_help(stdout, "ferryfs");
		code = finish_stdout(EXIT_OK);
		break;
	case CONFIG_VERSION:
		config_print_version(stdout);
		code = finish_stdout(EXIT_OK);
		break;
	case CONFIG_CHECK:
		code = check_transport(&config) == 0 ?
			       (enum exit_code)check_run(&config) : EXIT_USAGE;
		code = finish_stdout(code);
		break;
	case CONFIG_MOUNT:
		code = start(&config);
		break;
	}
out:
	config_destroy(&config);
	return (int)code;
}
