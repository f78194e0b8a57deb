/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard waits for a pipe's end and then looks, by mountinfo, whether the mount
 * is still where it was. A byte in the pipe says that the mount has ended before
 * the server: then somebody else's may have its place, its device and its id by
 * now, and the guard looks at nothing. One that was moved is left alone.
 *
 * fusermount3 has the like, but asks the mount whether its server is gone, and an
 * io_uring that is still being taken down answers for it.
 */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "mount.h"

/* Nothing of the server's may stay open here: least of all its /dev/fuse. */
static int guard_detach_fds(int fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd < 0)
		return -errno;
	if (dup2(null_fd, STDIN_FILENO) < 0 ||
	    dup2(null_fd, STDOUT_FILENO) < 0 ||
	    dup2(null_fd, STDERR_FILENO) < 0 ||
	    dup2(fd, STDERR_FILENO + 1) < 0)
		return -errno;
	closefrom(STDERR_FILENO + 2);
	return STDERR_FILENO + 1;
}

/* Covered by another, or another altogether: not ours to touch. */
static bool is_still_there(const char *mountpoint,
			   const struct mount_identity *identity)
{
	struct mount_identity now;

	return mount_identify(mountpoint, &now) == 0 &&
	       now.dev == identity->dev && now.id == identity->id &&
	       strcmp(now.type, identity->type) == 0 &&
	       strcmp(now.source, identity->source) == 0;
}

/* Whether the server has ended without a word. */
static bool wait_for_end(int fd)
{
	ssize_t bytes;
	char byte;

	do {
		bytes = read(fd, &byte, 1);
	} while (bytes < 0 && errno == EINTR);
	return bytes == 0;
}

static _Noreturn void guard_main(int fd, const char *mountpoint,
				 const struct mount_identity *identity)
{
	sigset_t all;

	/* A signal to all of ferryfs is for the server to act on. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	prctl(PR_SET_NAME, "ferryfs-guard");
	setsid();
	if (chdir("/") != 0)
		_exit(EXIT_FAILURE);
	fd = guard_detach_fds(fd);
	if (fd < 0)
		_exit(EXIT_FAILURE);
	if (!wait_for_end(fd) || !is_still_there(mountpoint, identity))
		_exit(EXIT_SUCCESS);
	_exit(mount_remove(mountpoint, MNT_DETACH) == 0 ? EXIT_SUCCESS :
							  EXIT_FAILURE);
}

void guard_dismiss(int fd)
{
	/* Fails only if the guard has gone already. */
	while (write(fd, "", 1) < 0 && errno == EINTR)
		;
}

int guard_start(const char *mountpoint, const struct mount_identity *identity)
{
	int fds[2];
	pid_t child;
	int error;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -errno;
	child = fork();
	if (child == 0)
		guard_main(fds[0], mountpoint, identity);
	error = child < 0 ? -errno : 0;
	close(fds[0]);
	if (!error)
		return fds[1];
	close(fds[1]);
	return error;
}
