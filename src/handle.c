/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Open files and directories. The client's RELEASE drops the reference that the
 * open gave; requests under way have their own, so the file is closed by whoever
 * is last. A released fh is stale at once, whoever still uses the handle.
 *
 * Threads: any; the slots' references and the two atomics in the handle are all
 * the synchronization. Does not look into dir_buffer, which it only frees.
 */
#include "handle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "inode.h"

#define HANDLE_COUNT_MAX (1U << 20)

struct handle_table {
	struct slots *slots;
	struct inode_table *inodes;
};

static struct handle *handle_of(struct slot *slot)
{
	return (struct handle *)slot;
}

int handle_table_create(struct inode_table *inodes, struct handle_table **ret)
{
	struct handle_table *table = calloc(1, sizeof(*table));
	int rc;

	if (!table)
		return -ENOMEM;
	rc = slots_create(sizeof(struct handle), HANDLE_COUNT_MAX,
			  &table->slots);
	if (rc < 0) {
		free(table);
		return rc;
	}
	table->inodes = inodes;
	*ret = table;
	return 0;
}

/* Closes what HANDLE holds; its slot stays. Nobody uses it any more. */
static void handle_close(struct handle_table *table, struct handle *handle)
{
	int direct_fd = atomic_load(&handle->direct_fd);

	if (direct_fd >= 0)
		close(direct_fd);
	close(handle->fd);
	free(handle->dir_buffer);
	pthread_mutex_destroy(&handle->dir_lock);
	inode_unpin(table->inodes, handle->inode);
	inode_put(table->inodes, handle->inode);
}

static void handle_close_left(struct slot *slot, void *arg)
{
	handle_close(arg, handle_of(slot));
}

void handle_table_destroy(struct handle_table *table)
{
	if (!table)
		return;
	slots_each(table->slots, handle_close_left, table);
	slots_destroy(table->slots);
	free(table);
}

int handle_open(struct handle_table *table, enum handle_kind kind,
		struct inode *inode, int fd, int flags, struct handle **ret)
{
	struct slot *slot;
	struct handle *handle;
	int rc;

	rc = inode_pin(table->inodes, inode);
	if (rc < 0)
		goto out_close_fd;
	slot = slots_alloc(table->slots);
	if (!slot) {
		rc = -ENFILE;
		goto out_unpin;
	}
	handle = handle_of(slot);
	handle->kind = kind;
	handle->inode = inode;
	inode_ref(inode);
	handle->fd = fd;
	atomic_store(&handle->direct_fd, -1);
	handle->flags = flags;
	pthread_mutex_init(&handle->dir_lock, NULL);
	atomic_store(&handle->open, true);
	*ret = handle;
	return 0;

out_unpin:
	inode_unpin(table->inodes, inode);
out_close_fd:
	close(fd);
	return rc;
}

int handle_get(struct handle_table *table, uint64_t fh, enum handle_kind kind,
	       const struct inode *inode, struct handle **ret)
{
	struct slot *slot = slots_get(table->slots, fh);
	struct handle *handle = handle_of(slot);

	if (!slot)
		return -EBADF;
	/* First: of a handle that is still being made nothing else is valid. */
	if (!atomic_load(&handle->open) || handle->kind != kind ||
	    (inode && handle->inode != inode)) {
		handle_put(table, handle);
		return -EBADF;
	}
	*ret = handle;
	return 0;
}

void handle_put(struct handle_table *table, struct handle *handle)
{
	if (!slot_put(&handle->slot, 1))
		return;
	handle_close(table, handle);
	slots_free(table->slots, &handle->slot);
}

void handle_release(struct handle_table *table, struct handle *handle)
{
	/* A client may send RELEASE twice at the same time: one of them counts. */
	if (atomic_exchange(&handle->open, false))
		handle_put(table, handle);
}

/* The file of HANDLE once more, with O_DIRECT. */
static int handle_open_direct(struct handle_table *table, struct handle *handle)
{
	char path[INODE_PROC_PATH_MAX];
	int flags, fd, error;

	/* Not handle->flags: the server may have widened the access mode. */
	flags = fcntl(handle->fd, F_GETFL);
	if (flags < 0)
		return -errno;
	flags &= O_ACCMODE | O_SYNC | O_DSYNC | O_NOATIME;
	do {
		fd = open(inode_proc_path(handle->fd, path),
			  flags | O_DIRECT | O_CLOEXEC);
		error = fd < 0 ? errno : 0;
	} while ((error == EMFILE || error == ENFILE) &&
		 inode_relieve(table->inodes));
	return fd < 0 ? -error : fd;
}

int handle_io_fd(struct handle_table *table, struct handle *handle, bool direct)
{
	int fd, known = -1;

	if (!direct)
		return handle->fd;
	fd = atomic_load_explicit(&handle->direct_fd, memory_order_acquire);
	if (fd >= 0)
		return fd;
	fd = handle_open_direct(table, handle);
	/*
	 * What was opened stays usable though its mode has changed since, or
	 * descriptors are short: the buffered one gives the same bytes.
	 */
	if (fd == -EACCES || fd == -EPERM || fd == -EMFILE || fd == -ENFILE)
		return handle->fd;
	if (fd < 0)
		return fd;
	if (!atomic_compare_exchange_strong(&handle->direct_fd, &known, fd)) {
		close(fd);
		return known;
	}
	return fd;
}

unsigned int handle_count(struct handle_table *table)
{
	return slots_count(table->slots);
}
