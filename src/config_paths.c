/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The paths of a configuration: made absolute while the working directory is still
 * the user's, and looked at for what would fail or lock up later. Before threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_table.h"

/* Directories above one, at most: PATH_MAX of "x/". */
#define PARENTS_MAX (PATH_MAX / 2)

/*
 * Replaces *PATH, a directory, by its absolute name without symlinks. WHAT names it
 * in the sentence.
 */
static int resolve_directory(const char *what, char **path, char *why)
{
	char resolved[PATH_MAX];
	struct stat st;
	char *copy;

	if (stat(*path, &st) != 0) {
		int error = -errno;

		if (error == -ENOTCONN)
			snprintf(why, CONFIG_WHY_BYTES,
				 "%s %s: a FUSE mount whose server has gone is "
				 "there: fusermount3 -u %s (or, as root, umount "
				 "%s), then try again",
				 what, *path, *path, *path);
		else
			snprintf(why, CONFIG_WHY_BYTES, "%s %s: %s", what,
				 *path, strerror(-error));
		return error;
	}
	if (!S_ISDIR(st.st_mode)) {
		snprintf(why, CONFIG_WHY_BYTES, "%s %s: %s", what, *path,
			 strerror(ENOTDIR));
		return -ENOTDIR;
	}
	if (!realpath(*path, resolved)) {
		int error = -errno;

		snprintf(why, CONFIG_WHY_BYTES, "%s %s: %s", what, *path,
			 strerror(-error));
		return error;
	}
	copy = strdup(resolved);
	if (!copy) {
		snprintf(why, CONFIG_WHY_BYTES, "out of memory");
		return -ENOMEM;
	}
	free(*path);
	*path = copy;
	return 0;
}

/* A file to be written, perhaps not there yet: absolute, nothing followed. */
static int resolve_file(const char *what, char **path, char *why)
{
	char *directory;
	char *absolute = NULL;

	if (!*path || (*path)[0] == '/')
		return 0;
	directory = getcwd(NULL, 0);
	if (!directory || asprintf(&absolute, "%s/%s", directory, *path) < 0) {
		int error = -errno;

		snprintf(why, CONFIG_WHY_BYTES, "%s %s: %s", what, *path,
			 strerror(-error));
		free(directory);
		return error;
	}
	free(directory);
	free(*path);
	*path = absolute;
	return 0;
}

int config_resolve_source(struct config *config, char *why)
{
	return resolve_directory("source", &config->source, why);
}

int config_resolve_mountpoint(struct config *config, char *why)
{
	int error;

	error = resolve_directory("mountpoint", &config->mountpoint, why);
	if (!error)
		error = resolve_file("log_file", &config->log_file, why);
	if (!error)
		error = resolve_file("stats_file", &config->stats_file, why);
	return error;
}

/*
 * Whether the directory INNER is OUTER or below it: 1 or 0, or -errno. By identity
 * and not by name, so that a bind mount of OUTER itself is known. One of a directory
 * below OUTER is not: the way up from there does not come past OUTER.
 */
static int directory_within(const char *inner, const char *outer)
{
	struct stat top;
	struct stat st;
	dev_t dev;
	ino_t ino;
	int within = 0;
	int fd;

	if (stat(outer, &top) != 0)
		return -errno;
	fd = open(inner, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0)
		goto out_errno;
	for (int depth = 0; depth < PARENTS_MAX; depth++) {
		int parent;

		if (st.st_dev == top.st_dev && st.st_ino == top.st_ino) {
			within = 1;
			break;
		}
		dev = st.st_dev;
		ino = st.st_ino;
		parent = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (parent < 0)
			goto out_errno;
		close(fd);
		fd = parent;
		if (fstat(fd, &st) != 0)
			goto out_errno;
		/* The root is its own parent. */
		if (st.st_dev == dev && st.st_ino == ino)
			break;
	}
	close(fd);
	return within;

out_errno:
	within = -errno;
	close(fd);
	return within;
}

int config_check_nesting(const struct config *config, char *why)
{
	if (strcmp(config->source, config->mountpoint) == 0) {
		snprintf(why, CONFIG_WHY_BYTES,
			 "mountpoint %s is the source itself, which the mount "
			 "would hide: choose another directory",
			 config->mountpoint);
		return -ELOOP;
	}
	if (directory_within(config->source, config->mountpoint) > 0) {
		snprintf(why, CONFIG_WHY_BYTES,
			 "source %s is inside its own mountpoint %s, which "
			 "would hide it: choose another directory",
			 config->source, config->mountpoint);
		return -ELOOP;
	}
	if (directory_within(config->mountpoint, config->source) > 0) {
		snprintf(why, CONFIG_WHY_BYTES,
			 "mountpoint %s is inside the source %s: a walk of the "
			 "source would enter the mount and wait for itself; "
			 "choose a directory outside",
			 config->mountpoint, config->source);
		return -ELOOP;
	}
	return 0;
}
