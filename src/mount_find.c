/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a mount of ours is, by /proc/self/mountinfo, and what the words of libfuse
 * and fusermount3 mean for the user. No state, any thread.
 */
#include <errno.h>
#include <libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mount.h"
#include "util.h"

/* The present mounts. NULL: cannot be read. */
static struct libmnt_table *mounts_read(void)
{
	return mnt_new_table_from_file("/proc/self/mountinfo");
}

/* Mounts come in the order of mounting: the last one at PATH is on top. */
static struct libmnt_fs *top_at(struct libmnt_table *table, const char *path)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_BACKWARD);
	struct libmnt_fs *found = NULL;
	struct libmnt_fs *fs;

	if (!iter)
		return NULL;
	while (!found && mnt_table_next_fs(table, iter, &fs) == 0) {
		const char *target = mnt_fs_get_target(fs);

		if (target && strcmp(target, path) == 0)
			found = fs;
	}
	mnt_free_iter(iter);
	return found;
}

int mount_identify(const char *mountpoint, struct mount_identity *ret)
{
	struct libmnt_table *table = mounts_read();
	struct libmnt_fs *fs;
	int error = -ENOENT;

	if (!table)
		return errno ? -errno : -EIO;
	fs = top_at(table, mountpoint);
	if (fs) {
		const char *type = mnt_fs_get_fstype(fs);
		const char *source = mnt_fs_get_source(fs);

		memset(ret, 0, sizeof(*ret));
		ret->dev = mnt_fs_get_devno(fs);
		ret->id = mnt_fs_get_id(fs);
		snprintf(ret->type, sizeof(ret->type), "%s", type ? type : "");
		snprintf(ret->source, sizeof(ret->source), "%s",
			 source ? source : "");
		error = 0;
	}
	mnt_unref_table(table);
	return error;
}

/* The mount of DEV, that at MOUNTPOINT by preference: it may have been moved. */
static struct libmnt_fs *mount_of(struct libmnt_table *table, dev_t dev,
				  const char *mountpoint)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_BACKWARD);
	struct libmnt_fs *found = NULL;
	struct libmnt_fs *fs;

	if (!iter)
		return NULL;
	while (mnt_table_next_fs(table, iter, &fs) == 0) {
		const char *target = mnt_fs_get_target(fs);

		if (mnt_fs_get_devno(fs) != dev || !target)
			continue;
		if (!found)
			found = fs;
		if (strcmp(target, mountpoint) == 0) {
			found = fs;
			break;
		}
	}
	mnt_free_iter(iter);
	return found;
}

int mount_find(const char *mountpoint, dev_t dev, char **path)
{
	struct libmnt_table *table = mounts_read();
	struct libmnt_fs *fs;
	int error = 0;

	if (!table)
		return errno ? -errno : -EIO;
	fs = mount_of(table, dev, mountpoint);
	if (!fs) {
		error = -ENOENT;
	} else if (top_at(table, mnt_fs_get_target(fs)) != fs) {
		error = -EBUSY;
	} else {
		*path = strdup(mnt_fs_get_target(fs));
		if (!*path)
			error = -ENOMEM;
	}
	mnt_unref_table(table);
	return error;
}

const char *mount_hint(const char *message)
{
	static const struct {
		const char *words;
		const char *hint;
	} hints[] = {
		{ "user_allow_other",
		  "add the line user_allow_other to /etc/fuse.conf, leave out "
		  "allow_other, or mount as root" },
		{ "device not found",
		  "the kernel's FUSE is missing: try modprobe fuse as root" },
		{ "failed to open /dev/fuse: Permission denied",
		  "/dev/fuse may be opened by root only: chmod 0666 /dev/fuse "
		  "as root, or mount as root" },
		{ "failed to open /dev/fuse: Operation not permitted",
		  "the container or its device rules forbid /dev/fuse" },
		{ "failed to exec fusermount",
		  "install fusermount3 (package fuse3), or mount as root" },
		{ "no write access to mountpoint",
		  "choose a mountpoint that you own" },
		{ "not owned by user", "choose a mountpoint that you own" },
		{ "mount_max",
		  "unmount one, or raise mount_max in /etc/fuse.conf" },
		{ "Transport endpoint is not connected",
		  "a mount whose server has gone is there: fusermount3 -u, or "
		  "umount as root" },
		{ "mounting over filesystem type",
		  "choose a mountpoint on an ordinary file system" },
		{ "mount failed: Operation not permitted",
		  "root, CAP_SYS_ADMIN or a setuid fusermount3 is needed" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
		if (strstr(message, hints[i].words))
			return hints[i].hint;
	}
	return NULL;
}
