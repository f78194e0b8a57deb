/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounting and unmounting by libfuse. Main thread, but for mount_unmount() and
 * mount_detach(), which one other thread may run while main calls mount_abort().
 */
#ifndef FERRYFS_MOUNT_H
#define FERRYFS_MOUNT_H

#include <sys/types.h>

#include "config.h"

struct mount;

/*
 * Mounts config->mountpoint. 0 or -errno with a line on stderr that says what to
 * do. Nothing is served yet: INIT waits in the descriptor.
 */
int mount_open(const struct config *config, struct mount **ret);

/* The /dev/fuse descriptor; the mount's. O_NONBLOCK. */
int mount_fd(const struct mount *mount);

/*
 * Unmounts while the workers serve (the kernel writes its dirty pages in here).
 * 0: done, or it was not mounted any more. -EBUSY: in use. Others with a line on
 * the log, as when another file system is mounted over it.
 */
int mount_unmount(struct mount *mount);

/* Writes back what the kernel has of it, then detaches it from the tree. */
int mount_detach(struct mount *mount);

/*
 * Ends the connection without regard to data. 0, or -errno: only the end of this
 * process will do it.
 */
int mount_abort(struct mount *mount);

/*
 * Frees it; the descriptor is closed. Does not unmount. GONE: the kernel has said
 * that nothing is left of it, so that auto_unmount has nothing to look after.
 */
void mount_close(struct mount *mount, bool gone);

/* For a mount that nobody serves: unmounts, then mount_close(). */
void mount_discard(struct mount *mount);

/*
 * Where it can be seen now (mountinfo's words, no request to ourselves). The caller
 * frees *path. -ENOENT: nowhere; -EBUSY: something else is mounted over it.
 */
int mount_find(const char *mountpoint, dev_t dev, char **path);

/* Which mount it is: devices and ids are used again, so all of it has to agree. */
struct mount_identity {
	dev_t dev;		/* st_dev of its file system */
	int id;			/* mountinfo's, of this mount namespace */
	char type[64];		/* fuse.SUBTYPE */
	char source[256];	/* fsname=, as much of it as fits */
};

/* What is on top at MOUNTPOINT, by mountinfo. 0 or -errno (-ENOENT: nothing). */
int mount_identify(const char *mountpoint, struct mount_identity *ret);

/*
 * Takes away what is mounted at PATH: FLAGS 0 or MNT_DETACH. Asks fusermount3 where
 * we may not. 0, -EBUSY, or another with a line on the log.
 */
int mount_remove(const char *path, int flags);

/*
 * What is known about the cause of libfuse's or fusermount3's MESSAGE, as advice;
 * NULL: nothing.
 */
const char *mount_hint(const char *message);

/* What would fail, and how to mend it, on stdout. Exit code. check.c */
int check_run(struct config *config);

#endif
