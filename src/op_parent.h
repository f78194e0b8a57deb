/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LOOKUP of "." and "..", which Linux asks for when a file handle of the mount is
 * opened (FUSE_EXPORT_SUPPORT).
 */
#ifndef FERRYFS_OP_PARENT_H
#define FERRYFS_OP_PARENT_H

struct inode;
struct inode_table;
struct statx;

/* FD is inode_fd() of INODE. One lookup more of INODE itself. 0 or -errno. */
int parent_lookup_self(struct inode_table *inodes, struct inode *inode, int fd,
		       struct statx *stx, struct inode **ret);

/*
 * One lookup more of INODE's parent; the root's is the root. 0 or -errno;
 * -ESTALE: INODE is not below the root (any more).
 */
int parent_lookup(struct inode_table *inodes, struct inode *inode, int fd,
		  struct statx *stx, struct inode **ret);

#endif
