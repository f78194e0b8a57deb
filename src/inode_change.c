/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What our own directory operations mean for inodes: an inode that loses its last
 * name keeps its fd until it is forgotten, one that moves is reopened under its
 * new name. Operations of others on the host are not seen here, they are what
 * verification is for.
 *
 * Threads: any. Nothing is locked between announcement and operation: an fd kept
 * in vain is given up when the operation fails or the file is looked up again.
 */
#include "inode_private.h"

/* The inode that NAME is now, referenced, if it is one of ours; else NULL. */
static struct inode *inode_named(struct inode_table *table,
				 struct inode *parent, int parent_fd,
				 const char *name, struct statx *stx)
{
	struct inode_mount *mount;
	struct inode *inode;

	if (statx(parent_fd, name, INODE_STATX_FLAGS, INODE_STATX_MASK, stx) <
	    0)
		return NULL;
	mount = inode_mount_find(table, parent, stx);
	if (!mount)
		return NULL;
	inode_hash_find(table, mount, stx, false, &inode);
	inode_mount_put(table, mount);
	return inode;
}

void inode_before_unlink(struct inode_table *table, struct inode *parent,
			 int parent_fd, const char *name)
{
	struct inode *inode;
	struct statx stx;

	inode = inode_named(table, parent, parent_fd, name, &stx);
	if (!inode)
		return;
	/* Without an fd to be had it is as if others had unlinked it. */
	if (stx.stx_nlink <= 1 || S_ISDIR(stx.stx_mode) ||
	    inode_name_is(table, inode, parent, name))
		inode_keep_fd(table, inode);
	inode_put(table, inode);
}

void inode_unlink_failed(struct inode_table *table, struct inode *parent,
			 int parent_fd, const char *name)
{
	struct inode *inode;
	struct statx stx;

	inode = inode_named(table, parent, parent_fd, name, &stx);
	if (!inode)
		return;
	inode_lock(table, inode);
	inode->fd_kept = false;
	inode_unlock(table, inode);
	inode_put(table, inode);
}

void inode_renamed(struct inode_table *table, struct inode *old_parent,
		   const char *old_name, struct inode *new_parent,
		   int new_parent_fd, const char *new_name)
{
	struct inode *inode;
	struct statx stx;

	(void)old_parent;
	(void)old_name;
	if (!atomic_load_explicit(&table->names, memory_order_relaxed))
		return;
	inode = inode_named(table, new_parent, new_parent_fd, new_name, &stx);
	if (!inode)
		return;
	/* Short of memory: ESTALE, once its fd is closed, until looked up. */
	if (!inode_has_handle(inode))
		inode_name_set(table, inode, new_parent, new_name);
	inode_put(table, inode);
}
