/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --check: what the source's file system can do, and whether the files to be
 * written can be. Looks only; creates nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check.h"

enum check_result check_handles(struct check *check)
{
	const struct config *config = check->config;
	struct file_handle *handle;
	int mount_id;
	int error = 0;

	if (!check->source_ok || config->inode_handles == TRI_NEVER)
		return CHECK_SKIP;
	if (!config->privileged)
		return check_say(check, CHECK_OK, "not used without root: each "
				 "file in use costs a descriptor");
	handle = malloc(sizeof(*handle) + MAX_HANDLE_SZ);
	if (!handle)
		return check_say(check, CHECK_FAIL, "out of memory");
	handle->handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(AT_FDCWD, config->source, handle, &mount_id,
			      0) != 0)
		error = errno;
	free(handle);
	if (!error)
		return check_say(check, CHECK_OK, "the source has them");
	return check_say(check, config->inode_handles == TRI_ALWAYS ?
				 CHECK_FAIL : CHECK_WARN,
			 "the source has none (%s): use inode_handles=auto; "
			 "files are then remembered by name, within fd_limit",
			 strerror(error));
}

/* 0: the source takes attributes such as NAME. Else errno. */
static int attribute_error(const struct check *check, const char *name)
{
	if (getxattr(check->config->source, name, NULL, 0) >= 0 ||
	    errno == ENODATA)
		return 0;
	return errno;
}

enum check_result check_xattr(struct check *check)
{
	int error;

	if (!check->source_ok || !check->config->xattr)
		return CHECK_SKIP;
	error = attribute_error(check, "user.ferryfs");
	if (!error)
		return check_say(check, CHECK_OK, "the source has them");
	return check_say(check, CHECK_WARN,
			 "the source has no user attributes (%s): programs "
			 "will be told so; no_xattr spares the questions",
			 strerror(error));
}

enum check_result check_acl(struct check *check)
{
	int error;

	if (!check->source_ok || !check->config->use_posix_acl)
		return CHECK_SKIP;
	error = attribute_error(check, "system.posix_acl_access");
	if (!error)
		return check_say(check, CHECK_OK, "the source has them");
	return check_say(check, CHECK_WARN,
			 "the source has no access control lists (%s): use "
			 "no_posix_acl, or mount it with -o acl",
			 strerror(error));
}

static enum check_result check_written(struct check *check, const char *path)
{
	char *copy;
	int error = 0;

	if (!path)
		return CHECK_SKIP;
	if (access(path, W_OK) == 0)
		return check_say(check, CHECK_OK, "%s can be written", path);
	if (errno != ENOENT)
		return check_say(check, CHECK_FAIL, "%s: %s", path,
				 strerror(errno));
	copy = strdup(path);
	if (!copy)
		return check_say(check, CHECK_FAIL, "out of memory");
	if (access(dirname(copy), W_OK | X_OK) != 0)
		error = errno;
	free(copy);
	if (error)
		return check_say(check, CHECK_FAIL,
				 "%s cannot be created: %s", path,
				 strerror(error));
	return check_say(check, CHECK_OK, "%s can be created", path);
}

enum check_result check_log_file(struct check *check)
{
	return check_written(check, check->config->log_file);
}

enum check_result check_stats_file(struct check *check)
{
	return check_written(check, check->config->stats_file);
}
