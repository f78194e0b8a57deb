/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POSIX locks by the host's OFD locks: each (inode, lock owner of the client) has
 * an open file description of its own while it holds or waits for locks, so that
 * the host sees the client's owners as different ones. A record of what it holds
 * remembers whose process asked, for F_GETLK.
 *
 * The list of an inode's owners and all in them but the constant parts are
 * guarded by the inode lock. The functions take it; none blocks for long. Any
 * thread.
 */
#ifndef FERRYFS_LOCK_OWNER_H
#define FERRYFS_LOCK_OWNER_H

#include <linux/fuse.h>
#include <stdint.h>

struct handle;
struct inode;
struct inode_table;
struct lock_owner;

/*
 * The owner OWNER of HANDLE's inode, made if it is new; not freed before
 * lock_owner_put(). 0 or -errno of opening the file once more.
 */
int lock_owner_get(struct inode_table *table, struct handle *handle,
		   uint64_t owner, struct lock_owner **ret);

/* Likewise, but NULL if it has no locks. */
struct lock_owner *lock_owner_find(struct inode_table *table,
				   struct inode *inode, uint64_t owner);

/* Frees it if it holds no locks and nobody else uses it. */
void lock_owner_put(struct inode_table *table, struct inode *inode,
		    struct lock_owner *owner);

/* Its open file description; constant. */
int lock_owner_fd(const struct lock_owner *owner);

/*
 * F_OFD_SETLK of LOCK, without waiting, and the record of it. 0; -EAGAIN: others
 * hold it; other -errno.
 */
int lock_owner_set(struct inode_table *table, struct inode *inode,
		   struct lock_owner *owner, const struct fuse_file_lock *lock);

/* Records a lock that F_OFD_SETLKW has got meanwhile. */
void lock_owner_got(struct inode_table *table, struct inode *inode,
		    struct lock_owner *owner, const struct fuse_file_lock *lock);

/* The pid that recorded a lock like LOCK for another owner than OWNER, or 0. */
uint32_t lock_owner_pid(struct inode_table *table, struct inode *inode,
			uint64_t owner, const struct fuse_file_lock *lock);

/* The client's owner has closed the file: all its locks go. */
void lock_owner_release(struct inode_table *table, struct inode *inode,
			uint64_t owner);

/*
 * The open file FH is no more. Linux sends no unlock for OFD locks, whose owner is
 * the open file itself; POSIX owners that came by FH have sent FLUSH before.
 */
void lock_owners_release_fh(struct inode_table *table, struct inode *inode,
			    uint64_t fh);

/* All owners of an inode that ends: nothing else refers to it. No lock needed. */
void lock_owners_drop(struct inode *inode);

#endif
