/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One fork and a pipe. The child keeps stderr until it is ready, so it says itself
 * what went wrong; the parent only passes on how it ended.
 */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

/* The child's end of the pipe; -1: not a daemon, or ready. */
static int ready_fd = -1;

static int child_outcome(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return EXIT_FAILURE;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	log_error("the server was killed by signal %d (%s) before the mount "
		  "was ready", WTERMSIG(status), strsignal(WTERMSIG(status)));
	return EXIT_FAILURE;
}

/* Until the child writes (it serves) or is gone. */
static _Noreturn void parent_wait(int fd, pid_t child)
{
	ssize_t bytes;
	char byte;

	do {
		bytes = read(fd, &byte, 1);
	} while (bytes < 0 && errno == EINTR);
	/* _exit: what stdio holds is the child's to write. */
	_exit(bytes == 1 ? EXIT_SUCCESS : child_outcome(child));
}

int daemon_start(void)
{
	int fds[2];
	pid_t child;
	int error;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -errno;
	child = fork();
	if (child < 0) {
		error = -errno;
		close(fds[0]);
		close(fds[1]);
		return error;
	}
	if (child > 0) {
		close(fds[1]);
		parent_wait(fds[0], child);
	}
	close(fds[0]);
	ready_fd = fds[1];
	return 0;
}

void daemon_ready(void)
{
	int null_fd;

	if (ready_fd < 0)
		return;
	/* Fails only for a group leader, which a forked child is not. */
	setsid();
	if (chdir("/") != 0)
		log_warning("cannot leave the working directory: %m");
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0) {
		log_warning("cannot open /dev/null: %m");
	} else {
		dup2(null_fd, STDIN_FILENO);
		dup2(null_fd, STDOUT_FILENO);
		dup2(null_fd, STDERR_FILENO);
		if (null_fd > STDERR_FILENO)
			close(null_fd);
	}
	log_use_syslog();
	/* Last: the parent's exit promises all of the above. */
	while (write(ready_fd, "", 1) < 0 && errno == EINTR)
		;
	close(ready_fd);
	ready_fd = -1;
}
