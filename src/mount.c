/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounting by libfuse (which asks fusermount3 where we may not), and unmounting by
 * ourselves: libfuse's own closes the descriptor first, which ends the connection
 * and loses what the kernel has not written yet. Where the mount is is read from
 * mountinfo, never asked of the mount: the answer might have to come from us.
 */
#include "mount.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define FUSE_USE_VERSION 35
#include <fuse_lowlevel.h>

#include "guard.h"
#include "log.h"
#include "util.h"

/* What libfuse and fusermount3 may say. */
#define MESSAGE_MAX 2048

struct mount {
	struct fuse_session *session;
	char *mountpoint;
	struct mount_identity identity;
	int guard_fd;		/* auto_unmount: the guard's pipe; or -1 */
};

/* All of FD, as one line without the newline at its end. */
static void message_read(int fd, char *message)
{
	ssize_t bytes = pread(fd, message, MESSAGE_MAX - 1, 0);

	if (bytes < 0)
		bytes = 0;
	while (bytes > 0 && message[bytes - 1] == '\n')
		bytes--;
	message[bytes] = '\0';
	for (char *p = message; *p; p++) {
		if (*p == '\n')
			*p = ';';
	}
}

/*
 * libfuse and fusermount3 write to stderr: kept back while a mount is tried, for
 * one line with advice instead. Returns the old stderr, or -errno.
 */
static int stderr_divert(int *ret_capture)
{
	int capture = memfd_create("ferryfs-mount", MFD_CLOEXEC);
	int saved;

	if (capture < 0)
		return -errno;
	fflush(stderr);
	saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (saved < 0) {
		saved = -errno;
		close(capture);
		return saved;
	}
	if (dup2(capture, STDERR_FILENO) < 0) {
		int error = -errno;

		close(saved);
		close(capture);
		return error;
	}
	*ret_capture = capture;
	return saved;
}

static void stderr_restore(int saved, int capture, char *message)
{
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	message_read(capture, message);
	close(capture);
}

static int add_option(struct fuse_args *args, const char *format,
		      const char *value)
{
	char *text = NULL;
	char *escaped = NULL;
	int error = 0;

	if (asprintf(&text, "%s%s", format, value) < 0)
		return -ENOMEM;
	if (fuse_opt_add_opt_escaped(&escaped, text) != 0 ||
	    fuse_opt_add_arg(args, "-o") != 0 ||
	    fuse_opt_add_arg(args, escaped) != 0)
		error = -ENOMEM;
	free(escaped);
	free(text);
	return error;
}

/* The words of mount(8) as parsed, and what follows from our own options. */
static int mount_arguments(const struct config *config, struct fuse_args *args)
{
	const struct fuse_args *words = config->mount_args;
	char number[16];
	int error = 0;

	for (int i = 0; i < words->argc; i++) {
		if (fuse_opt_add_arg(args, words->argv[i]) != 0)
			return -ENOMEM;
	}
	snprintf(number, sizeof(number), "%u", config->max_read_bytes);
	error = add_option(args, "max_read=", number);
	if (!error)
		error = add_option(args, "fsname=", config->fsname ?
				   config->fsname : config->source);
	if (!error)
		error = add_option(args, "subtype=", config->subtype ?
				   config->subtype : "ferryfs");
	if (!error && config->allow_other)
		error = add_option(args, "allow_other", "");
	if (!error && config->default_permissions_on)
		error = add_option(args, "default_permissions", "");
	return error;
}

/* libfuse's part, with what it said in MESSAGE. */
static int session_mount(struct fuse_args *args, const char *mountpoint,
			 struct fuse_session **ret, char *message)
{
	/* The messages are ours to serve: libfuse needs no operation. */
	static const struct fuse_lowlevel_ops no_operations;
	struct fuse_session *session;
	int error = 0;
	int capture = -1;
	int saved = stderr_divert(&capture);

	if (saved < 0) {
		snprintf(message, MESSAGE_MAX, "%s", strerror(-saved));
		return saved;
	}
	errno = 0;
	session = fuse_session_new(args, &no_operations, sizeof(no_operations),
				   NULL);
	if (!session) {
		error = -EINVAL;
	} else if (fuse_session_mount(session, mountpoint) != 0) {
		/* errno, but libfuse does not promise to keep it. */
		error = errno ? -errno : -EIO;
		fuse_session_destroy(session);
	}
	stderr_restore(saved, capture, message);
	if (!error)
		*ret = session;
	return error;
}

int mount_open(const struct config *config, struct mount **ret)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct mount *mount = calloc(1, sizeof(*mount));
	char message[MESSAGE_MAX] = "";
	const char *hint;
	int error = -ENOMEM;

	if (!mount)
		return -ENOMEM;
	mount->guard_fd = -1;
	mount->mountpoint = strdup(config->mountpoint);
	if (!mount->mountpoint)
		goto out_free;
	error = mount_arguments(config, &args);
	if (error)
		goto out_free;
	error = session_mount(&args, mount->mountpoint, &mount->session,
			      message);
	if (error) {
		hint = mount_hint(message);
		log_error("cannot mount %s: %s%s%s", mount->mountpoint,
			  *message ? message : strerror(-error),
			  hint ? ": " : "", hint ? hint : "");
		goto out_free;
	}
	if (*message)
		log_warning("%s", message);
	/* Workers wait for it to be readable and then read what is there. */
	if (fcntl(mount_fd(mount), F_SETFL, O_NONBLOCK) != 0) {
		error = -errno;
		goto out_unmount;
	}
	error = mount_identify(mount->mountpoint, &mount->identity);
	if (error)
		goto out_unmount;
	if (config->auto_unmount) {
		mount->guard_fd = guard_start(mount->mountpoint,
					      &mount->identity);
		error = mount->guard_fd < 0 ? mount->guard_fd : 0;
	}
	if (error)
		goto out_unmount;
	fuse_opt_free_args(&args);
	*ret = mount;
	return 0;

out_unmount:
	log_error("cannot mount %s: %s", mount->mountpoint, strerror(-error));
	fuse_session_unmount(mount->session);
	fuse_session_destroy(mount->session);
out_free:
	fuse_opt_free_args(&args);
	free(mount->mountpoint);
	free(mount);
	return error;
}

int mount_fd(const struct mount *mount)
{
	return fuse_session_fd(mount->session);
}

/* fusermount3 -u [-z] PATH. 0, -EBUSY, or -EPERM with its words on the log. */
static int fusermount_unmount(const char *path, bool lazy)
{
	const char *argv[] = { "fusermount3", "-u", "--", path, NULL, NULL };
	char message[MESSAGE_MAX];
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	pid_t pid;
	int status = 0;
	int capture;
	int error;

	if (lazy) {
		argv[2] = "-z";
		argv[3] = "--";
		argv[4] = path;
	}
	capture = memfd_create("ferryfs-umount", MFD_CLOEXEC);
	if (capture < 0)
		return -errno;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, capture, STDERR_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	error = -posix_spawnp(&pid, argv[0], &actions, &attributes,
			      (char *const *)argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (error) {
		log_error("cannot run fusermount3 to unmount %s: %s", path,
			  strerror(-error));
		goto out_close;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		goto out_close;
	message_read(capture, message);
	error = -EPERM;
	if (strstr(message, strerror(EBUSY)))
		error = -EBUSY;
	else
		log_error("cannot unmount %s: %s", path, message);
out_close:
	close(capture);
	return error;
}

int mount_remove(const char *path, int flags)
{
	int error;

	if (umount2(path, UMOUNT_NOFOLLOW | flags) == 0)
		return 0;
	error = -errno;
	if (error == -EPERM)
		return fusermount_unmount(path, flags & MNT_DETACH);
	/* Somebody else was quicker. */
	if (error == -EINVAL || error == -ENOENT)
		return 0;
	if (error != -EBUSY)
		log_error("cannot unmount %s: %s", path, strerror(-error));
	return error;
}

static int unmount_ours(struct mount *mount, int flags)
{
	char *path;
	int error = mount_find(mount->mountpoint, mount->identity.dev, &path);

	if (error == -ENOENT)
		return 0;
	if (error == -EBUSY) {
		log_error("cannot unmount %s: another file system is mounted "
			  "over it, which has to be unmounted first",
			  mount->mountpoint);
		return -EPERM;
	}
	if (error)
		return error;
	error = mount_remove(path, flags);
	free(path);
	return error;
}

int mount_unmount(struct mount *mount)
{
	return unmount_ours(mount, 0);
}

int mount_detach(struct mount *mount)
{
	char *path;
	int error = mount_find(mount->mountpoint, mount->identity.dev, &path);
	int fd;

	if (error == 0) {
		/* A request to ourselves: the workers answer it. */
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && syncfs(fd) != 0)
			log_warning("%s: writing back failed: %m", path);
		if (fd >= 0)
			close(fd);
		free(path);
	}
	return unmount_ours(mount, MNT_DETACH);
}

int mount_abort(struct mount *mount)
{
	char control[64];
	char *path;
	int error;
	int fd;

	snprintf(control, sizeof(control), "/sys/fs/fuse/connections/%u/abort",
		 minor(mount->identity.dev));
	fd = open(control, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		error = write(fd, "1", 1) == 1 ? 0 : -errno;
		close(fd);
		if (error == 0)
			return 0;
	}
	error = mount_find(mount->mountpoint, mount->identity.dev, &path);
	if (error)
		return error;
	if (umount2(path, UMOUNT_NOFOLLOW | MNT_FORCE | MNT_DETACH) != 0)
		error = -errno;
	free(path);
	return error;
}

void mount_close(struct mount *mount, bool gone)
{
	fuse_session_destroy(mount->session);
	if (mount->guard_fd >= 0) {
		if (gone)
			guard_dismiss(mount->guard_fd);
		close(mount->guard_fd);
	}
	free(mount->mountpoint);
	free(mount);
}

void mount_discard(struct mount *mount)
{
	/* Closes the descriptor first: nobody else would answer. */
	fuse_session_unmount(mount->session);
	mount_close(mount, true);
}
