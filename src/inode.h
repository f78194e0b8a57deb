/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nodeid <-> host inode. One inode per (mount, st_dev, st_ino, birth time), shared
 * by its hard links. Lookup counts decide its life; references keep it while it is
 * in use. It costs a file handle, plus an fd only while hot (a clock over at most
 * fd_limit fds); where file handles cannot be had it is reopened by its parent and
 * name, and verified.
 *
 * Locks (order in HACKING.md): the table's shards guard the hash chains; a striped
 * inode lock guards fd, handle and name. No lock is held over a call that can
 * block for long.
 */
#ifndef FERRYFS_INODE_H
#define FERRYFS_INODE_H

#include <linux/stat.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "config.h"
#include "slots.h"
#include "writeback.h"

struct inode_table;
struct lock_owner;
struct inode_name;	/* parent and name, for reopening without handles */
struct inode_mount;	/* the host mount it is on */

struct inode {
	struct slot slot;		/* first: nodeid and references */
	/* What the client holds; together one reference. 0: not the client's. */
	_Atomic uint64_t lookups;

	/* Constant once the client knows it. */
	uint64_t ino;
	uint64_t btime_ns;
	struct inode_mount *mount;	/* st_dev and mount id */
	uint16_t type;			/* S_IFMT bits */
	uint16_t handle_type;
	uint16_t handle_bytes;		/* 0: reopened by name */
	bool hashed;			/* under its shard's lock */
	_Atomic bool stale;		/* another file has its place: ESTALE */
	union {				/* handle_bytes <= sizeof(inline): inline */
		uint8_t inline_bytes[24];
		uint8_t *bytes;
	} handle;

	uint32_t hash_next;		/* under its shard's lock: slot number */
	uint32_t hot_index;		/* under the clock's lock */
	struct inode_name *name;	/* under the inode lock; NULL with handles */

	int fd;				/* O_PATH, or -1; under the inode lock */
	uint32_t fd_users;		/* under the inode lock: keep it open */
	uint32_t pins;			/* under the inode lock: never by the clock */
	bool fd_kept;			/* under the inode lock: the only way back */
	_Atomic bool fd_used;		/* the clock's second chance */
	_Atomic bool verified;		/* the handle is known to be this file's */
	_Atomic bool young;		/* btime cannot yet tell it from a successor */
	_Atomic bool expect_new;	/* the last lookup in it met a new inode */

	struct writeback_slot writeback;
	/* Opens' memory of the content, to keep the client's page cache. */
	_Atomic uint64_t content_hash;
	struct lock_owner *lock_owners;	/* op_lock.c, under the inode lock */
};

struct inode_table_stats {
	uint64_t inodes;
	uint64_t fds;
	uint64_t fds_max;
	uint64_t reopened;
	uint64_t closed;		/* by the clock */
	uint64_t stale;
};

/*
 * ROOT_FD (O_PATH or not, stays the caller's) becomes nodeid 1. 0 or -errno.
 * CONFIG says whether handles may be used and how many fds.
 */
int inode_table_create(const struct config *config, int root_fd,
		       struct inode_table **ret);
void inode_table_destroy(struct inode_table *table);
void inode_table_get_stats(struct inode_table *table,
			   struct inode_table_stats *ret);

/*
 * Referenced inode of NODEID in *ret. 0; -ESTALE: not a live nodeid, or not one
 * that the client has looked up and not forgotten.
 */
int inode_get(struct inode_table *table, uint64_t nodeid, struct inode **ret);
void inode_ref(struct inode *inode);
void inode_put(struct inode_table *table, struct inode *inode);

static inline uint64_t inode_nodeid(const struct inode *inode)
{
	return slot_id(&inode->slot);
}

/*
 * Finds or makes the inode of PARENT's entry NAME and gives the client one more
 * lookup of it. *stx gets its attributes. No reference is returned: the lookup
 * keeps it until inode_forget(). -errno otherwise; -ENOENT as the host says.
 * PARENT_FD is an fd of PARENT (inode_fd()). The server's credentials.
 */
int inode_lookup(struct inode_table *table, struct inode *parent, int parent_fd,
		 const char *name, struct statx *stx, struct inode **ret);

/*
 * Likewise for the object behind FD, just created there (TMPFILE: name NULL, FD is
 * kept open by a pin until the last handle goes). FD stays the caller's.
 */
int inode_lookup_fd(struct inode_table *table, struct inode *parent,
		    const char *name, int fd, struct statx *stx,
		    struct inode **ret);

/* The client gives back COUNT lookups. -EINVAL: more than it has (all go). */
int inode_forget(struct inode_table *table, uint64_t nodeid, uint64_t count);
/* The same for an inode at hand. */
void inode_unlookup(struct inode_table *table, struct inode *inode,
		    uint64_t count);

/*
 * An fd of the inode, O_PATH unless it is the root's, valid until inode_fd_put().
 * Reopens it by handle or by name if it is not hot. -ESTALE: it is gone or
 * another; -EMFILE/-ENFILE: truly out of fds. The server's credentials.
 */
int inode_fd(struct inode_table *table, struct inode *inode, int *ret);
void inode_fd_put(struct inode_table *table, struct inode *inode);

/* Keeps the fd open until inode_unpin(): open files, unlinked ones. */
int inode_pin(struct inode_table *table, struct inode *inode);
void inode_unpin(struct inode_table *table, struct inode *inode);

/*
 * After EMFILE or ENFILE: closes some fds that are only hot. Whether there were
 * any, that is, whether trying again makes sense.
 */
bool inode_relieve(struct inode_table *table);

/*
 * Opens the file itself with FLAGS (no O_CREAT, O_NOFOLLOW or O_PATH): by handle
 * where that is allowed and permissions are the kernel's business, else through
 * /proc/self/fd under the credentials that the thread has now, so call it inside
 * a creds scope only with an fd held (inode_fd()). Refuses FIFOs, sockets and
 * devices with -ENXIO without opening them. Returns an fd, O_CLOEXEC, or -errno.
 */
int inode_open(struct inode_table *table, struct inode *inode, int flags);
/*
 * The same for a caller whose permissions nobody has to check, and by handle where
 * there is one. The server's credentials.
 */
int inode_open_unchecked(struct inode_table *table, struct inode *inode,
			 int flags);

/* "/proc/self/fd/N" for calls that take no fd. Buffer of INODE_PROC_PATH_MAX. */
#define INODE_PROC_PATH_MAX 32
const char *inode_proc_path(int fd, char *buffer);

/*
 * What a directory operation of ours did, so that reopening by name stays right
 * and unlinked inodes stay reachable. before_unlink looks whether NAME is an
 * inode of ours whose last link goes and pins it until it is forgotten; call it
 * before unlinking (or replacing by rename). When that fails: unlink_failed.
 */
void inode_before_unlink(struct inode_table *table, struct inode *parent,
			 int parent_fd, const char *name);
/* The unlink or rename that was announced has failed; NAME is still there. */
void inode_unlink_failed(struct inode_table *table, struct inode *parent,
			 int parent_fd, const char *name);
/* RENAME_EXCHANGE: call it for both. */
void inode_renamed(struct inode_table *table, struct inode *old_parent,
		   const char *old_name, struct inode *new_parent,
		   int new_parent_fd, const char *new_name);

void inode_lock(struct inode_table *table, struct inode *inode);
void inode_unlock(struct inode_table *table, struct inode *inode);

#endif
