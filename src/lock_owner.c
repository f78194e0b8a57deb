/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lock owners and the record of their locks: see lock_owner.h.
 *
 * An owner is listed as long as it has users, records or unrecorded locks; its
 * locks on the host end with its file description.
 */
#include "lock_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "handle.h"
#include "inode.h"

/* A locked range; those of an owner are disjoint. */
struct lock_record {
	struct lock_record *next;
	struct fuse_file_lock lock;	/* end is inclusive */
};

struct lock_owner {
	struct lock_owner *next;
	uint64_t owner;
	uint64_t fh;		/* by which it locked last */
	int fd;
	unsigned int users;
	bool unrecorded;	/* memory was short: may hold more than records say */
	struct lock_record *records;
};

int lock_owner_fd(const struct lock_owner *owner)
{
	return owner->fd;
}

static struct lock_owner *find_locked(struct inode *inode, uint64_t owner)
{
	struct lock_owner *at;

	for (at = inode->lock_owners; at; at = at->next)
		if (at->owner == owner)
			return at;
	return NULL;
}

static void unlink_locked(struct inode *inode, struct lock_owner *owner)
{
	struct lock_owner **link = &inode->lock_owners;

	while (*link != owner)
		link = &(*link)->next;
	*link = owner->next;
}

static void free_records(struct lock_owner *owner)
{
	while (owner->records) {
		struct lock_record *record = owner->records;

		owner->records = record->next;
		free(record);
	}
	owner->unrecorded = false;
}

static void owner_free(struct lock_owner *owner)
{
	free_records(owner);
	close(owner->fd);
	free(owner);
}

/*
 * A description of its own. Writable if it can be, because read and write locks
 * of one owner must meet in one description, whichever handle they came by.
 */
static int open_again(const struct handle *handle)
{
	char path[INODE_PROC_PATH_MAX];
	int fd;

	inode_proc_path(handle->fd, path);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		fd = open(path, (handle->flags & O_ACCMODE) | O_CLOEXEC |
					O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int owner_create(const struct handle *handle, uint64_t id,
			struct lock_owner **ret)
{
	struct lock_owner *owner = calloc(1, sizeof(*owner));
	int fd;

	if (!owner)
		return -ENOMEM;
	fd = open_again(handle);
	if (fd < 0) {
		free(owner);
		return fd;
	}
	owner->owner = id;
	owner->fd = fd;
	*ret = owner;
	return 0;
}

struct lock_owner *lock_owner_find(struct inode_table *table,
				   struct inode *inode, uint64_t id)
{
	struct lock_owner *owner;

	inode_lock(table, inode);
	owner = find_locked(inode, id);
	if (owner)
		owner->users++;
	inode_unlock(table, inode);
	return owner;
}

int lock_owner_get(struct inode_table *table, struct handle *handle,
		   uint64_t id, struct lock_owner **ret)
{
	struct inode *inode = handle->inode;
	struct lock_owner *owner = lock_owner_find(table, inode, id);
	struct lock_owner *made;
	int error;

	if (owner) {
		inode_lock(table, inode);
		owner->fh = handle_fh(handle);
		inode_unlock(table, inode);
	} else {
		/* Opened outside of the lock; another thread may be first. */
		error = owner_create(handle, id, &made);
		if (error)
			return error;
		inode_lock(table, inode);
		owner = find_locked(inode, id);
		if (!owner) {
			made->next = inode->lock_owners;
			inode->lock_owners = made;
			owner = made;
		}
		owner->users++;
		owner->fh = handle_fh(handle);
		inode_unlock(table, inode);
		if (owner != made)
			owner_free(made);
	}
	*ret = owner;
	return 0;
}

void lock_owner_put(struct inode_table *table, struct inode *inode,
		    struct lock_owner *owner)
{
	bool last;

	inode_lock(table, inode);
	last = --owner->users == 0 && !owner->records && !owner->unrecorded;
	if (last)
		unlink_locked(inode, owner);
	inode_unlock(table, inode);
	if (last)
		owner_free(owner);
}

static void release_locked(struct inode *inode, struct lock_owner *owner)
{
	struct flock everything = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	if (owner->users == 0) {
		unlink_locked(inode, owner);
		owner_free(owner);
	} else {
		/* What another thread of it still waits for, it may get. */
		fcntl(owner->fd, F_OFD_SETLK, &everything);
		free_records(owner);
	}
}

void lock_owner_release(struct inode_table *table, struct inode *inode,
			uint64_t id)
{
	struct lock_owner *owner;

	inode_lock(table, inode);
	owner = find_locked(inode, id);
	if (owner)
		release_locked(inode, owner);
	inode_unlock(table, inode);
}

void lock_owners_release_fh(struct inode_table *table, struct inode *inode,
			    uint64_t fh)
{
	struct lock_owner *owner, *next;

	inode_lock(table, inode);
	for (owner = inode->lock_owners; owner; owner = next) {
		next = owner->next;
		if (owner->fh == fh)
			release_locked(inode, owner);
	}
	inode_unlock(table, inode);
}

void lock_owners_drop(struct inode *inode)
{
	while (inode->lock_owners) {
		struct lock_owner *owner = inode->lock_owners;

		inode->lock_owners = owner->next;
		owner_free(owner);
	}
}

static void record_add(struct lock_owner *owner,
		       const struct fuse_file_lock *lock)
{
	struct lock_record *record = calloc(1, sizeof(*record));

	if (!record) {
		owner->unrecorded = true;
		return;
	}
	record->lock = *lock;
	record->next = owner->records;
	owner->records = record;
}

/* Takes [start, end] of LOCK out of the records, then puts LOCK in. */
static void record_locked(struct lock_owner *owner,
			  const struct fuse_file_lock *lock)
{
	struct lock_record **link = &owner->records;
	struct lock_record *record;

	while ((record = *link)) {
		struct fuse_file_lock *old = &record->lock;
		bool before = old->start < lock->start;
		bool after = old->end > lock->end;

		if (old->end < lock->start || old->start > lock->end) {
			link = &record->next;
			continue;
		}
		if (!before && !after) {
			*link = record->next;
			free(record);
			continue;
		}
		if (before && after) {
			struct fuse_file_lock tail = *old;

			tail.start = lock->end + 1;
			record_add(owner, &tail);
		}
		if (before)
			old->end = lock->start - 1;
		else
			old->start = lock->end + 1;
		link = &record->next;
	}
	if (lock->type != F_UNLCK)
		record_add(owner, lock);
}

void lock_owner_got(struct inode_table *table, struct inode *inode,
		    struct lock_owner *owner, const struct fuse_file_lock *lock)
{
	inode_lock(table, inode);
	record_locked(owner, lock);
	inode_unlock(table, inode);
}

int lock_owner_set(struct inode_table *table, struct inode *inode,
		   struct lock_owner *owner, const struct fuse_file_lock *lock)
{
	struct flock host = {
		.l_type = (short)lock->type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)lock->start,
		.l_len = lock->end >= INT64_MAX ?
			0 : (off_t)(lock->end - lock->start + 1),
	};
	int result;

	/* Under the lock, so that host and record change in one order. */
	inode_lock(table, inode);
	result = fcntl(owner->fd, F_OFD_SETLK, &host) ? -errno : 0;
	if (!result)
		record_locked(owner, lock);
	inode_unlock(table, inode);
	return result == -EACCES ? -EAGAIN : result;
}

uint32_t lock_owner_pid(struct inode_table *table, struct inode *inode,
			uint64_t id, const struct fuse_file_lock *lock)
{
	struct lock_owner *owner;
	uint32_t pid = 0;

	inode_lock(table, inode);
	for (owner = inode->lock_owners; owner && !pid; owner = owner->next) {
		struct lock_record *record;

		if (owner->owner == id)
			continue;
		for (record = owner->records; record; record = record->next) {
			if (record->lock.type != lock->type ||
			    record->lock.end < lock->start ||
			    record->lock.start > lock->end)
				continue;
			pid = record->lock.pid;
			break;
		}
	}
	inode_unlock(table, inode);
	return pid;
}
