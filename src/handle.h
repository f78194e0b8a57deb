/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fh <-> open files and directories. An fh is slot + generation: a stale or forged
 * one is EBADF.
 */
#ifndef FERRYFS_HANDLE_H
#define FERRYFS_HANDLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "slots.h"

struct handle_table;
struct inode;
struct inode_table;

enum handle_kind { HANDLE_FILE, HANDLE_DIRECTORY };

struct handle {
	struct slot slot;		/* first: fh and references */
	enum handle_kind kind;
	struct inode *inode;		/* referenced and pinned while open */
	/*
	 * Opened without O_DIRECT and O_APPEND: a write-back WRITE may come by any
	 * handle of the inode; both are chosen for each request.
	 */
	int fd;
	_Atomic int direct_fd;		/* the same file with O_DIRECT, or -1 */
	int flags;			/* OPEN's, as the client sent them */
	bool caller_privileged;		/* opened by uid 0 */
	_Atomic bool open;		/* the fh is the client's: built, not released */

	/* Directories: position and what was read ahead; under dir_lock. */
	pthread_mutex_t dir_lock;
	uint8_t *dir_buffer;
	size_t dir_next;		/* bytes of dir_buffer consumed */
	size_t dir_filled;
	uint64_t dir_offset;		/* d_off that dir_next stands at */
};

int handle_table_create(struct inode_table *inodes, struct handle_table **ret);
/* Closes what a client left open. */
void handle_table_destroy(struct handle_table *table);

/*
 * Takes FD over (also on failure: closes it) and pins and references INODE. *ret
 * is the table's; its fh is handle_fh(). -ENFILE: too many.
 */
int handle_open(struct handle_table *table, enum handle_kind kind,
		struct inode *inode, int fd, int flags, struct handle **ret);

/* Referenced handle of FH of that kind and inode (NULL: any). 0 or -EBADF. */
int handle_get(struct handle_table *table, uint64_t fh, enum handle_kind kind,
	       const struct inode *inode, struct handle **ret);
void handle_put(struct handle_table *table, struct handle *handle);

/* RELEASE: the fh ends; the file is closed when the last reference goes. */
void handle_release(struct handle_table *table, struct handle *handle);

static inline uint64_t handle_fh(const struct handle *handle)
{
	return slot_id(&handle->slot);
}

/*
 * The descriptor for I/O by a request whose flags have O_DIRECT or not. Opens the
 * direct one when it is first wanted. An fd, or -errno (-EINVAL: the host's file
 * system has no O_DIRECT).
 */
int handle_io_fd(struct handle_table *table, struct handle *handle, bool direct);

unsigned int handle_count(struct handle_table *table);

#endif
