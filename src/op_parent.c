/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See op_parent.h. A directory's ".." is the host's and could lead out of the
 * source, when somebody moved the directory out of it: the way up is walked until
 * it meets the root. Queue's threads; no state.
 */
#include "op_parent.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inode.h"
#include "ops.h"

/* Steps up at most. Deeper trees exist, but not for file handles of ours. */
#define PARENT_STEPS_MAX 4096U

#define ROOT_NODEID 1U

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int open_parent(int fd)
{
	int parent = openat(fd, "..",
			    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return parent < 0 ? -errno : parent;
}

/* 0: the directory FD is ROOT or below it. -ESTALE: it is not. */
static int check_below(int fd, const struct stat *root)
{
	struct stat here, above;
	unsigned int steps;
	int err = -ESTALE;
	int at, next;

	at = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (at < 0)
		return -errno;
	if (fstat(at, &here)) {
		err = -errno;
		goto out_close;
	}
	for (steps = 0; steps < PARENT_STEPS_MAX; steps++) {
		if (same_file(&here, root)) {
			err = 0;
			break;
		}
		next = open_parent(at);
		if (next < 0) {
			err = next;
			break;
		}
		close(at);
		at = next;
		if (fstat(at, &above)) {
			err = -errno;
			break;
		}
		if (same_file(&here, &above))
			break;
		here = above;
	}
out_close:
	close(at);
	return err;
}

int parent_lookup_self(struct inode_table *inodes, struct inode *inode, int fd,
		       struct statx *stx, struct inode **ret)
{
	int err = attr_statx(fd, stx);

	if (err)
		return err;
	/* All lookups together are one reference, which the first one takes. */
	inode_ref(inode);
	if (atomic_fetch_add(&inode->lookups, 1) != 0)
		inode_put(inodes, inode);
	*ret = inode;
	return 0;
}

/* The directory above FD of INODE, if it is in the tree of ROOT. */
static int lookup_above(struct inode_table *inodes, struct inode *root,
			int root_fd, struct inode *inode, int fd,
			struct statx *stx, struct inode **ret)
{
	struct stat root_stat, parent_stat;
	int err, parent_fd;

	parent_fd = open_parent(fd);
	if (parent_fd < 0)
		return parent_fd;
	err = fstat(root_fd, &root_stat) || fstat(parent_fd, &parent_stat) ?
		      -errno : 0;
	if (!err && same_file(&root_stat, &parent_stat)) {
		err = parent_lookup_self(inodes, root, root_fd, stx, ret);
		goto out_close;
	}
	if (!err)
		err = check_below(parent_fd, &root_stat);
	if (!err)
		err = inode_lookup(inodes, inode, fd, "..", stx, ret);
	/* It may have been moved since. */
	if (!err && (stx->stx_ino != parent_stat.st_ino ||
		     makedev(stx->stx_dev_major, stx->stx_dev_minor) !=
			     parent_stat.st_dev)) {
		inode_unlookup(inodes, *ret, 1);
		err = -ESTALE;
	}
out_close:
	close(parent_fd);
	return err;
}

int parent_lookup(struct inode_table *inodes, struct inode *inode, int fd,
		  struct statx *stx, struct inode **ret)
{
	struct inode *root;
	int err, root_fd;

	if (inode_nodeid(inode) == ROOT_NODEID)
		return parent_lookup_self(inodes, inode, fd, stx, ret);
	err = inode_get(inodes, ROOT_NODEID, &root);
	if (err)
		return err;
	err = inode_fd(inodes, root, &root_fd);
	if (!err) {
		err = lookup_above(inodes, root, root_fd, inode, fd, stx, ret);
		inode_fd_put(inodes, root);
	}
	inode_put(inodes, root);
	return err;
}
