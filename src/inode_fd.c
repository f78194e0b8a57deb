/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fds of inodes: taken while hot, reopened by handle or by name when not, and
 * opening the files themselves. What cannot be proven to be the same file is
 * refused with ESTALE.
 *
 * Threads: any. fd, fd_users, fd_kept and pins are under the inode lock, which is
 * never held over a system call. The root's fd never changes and needs no lock.
 */
#include "inode_private.h"

#include <errno.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

const char *inode_proc_path(int fd, char *buffer)
{
	snprintf(buffer, INODE_PROC_PATH_MAX, "/proc/self/fd/%d", fd);
	return buffer;
}

int inode_openat(struct inode_table *table, int fd, const char *path,
		 int flags)
{
	int opened, error;

	do {
		opened = openat(fd, path, flags | O_CLOEXEC);
		error = opened < 0 ? errno : 0;
	} while ((error == EMFILE || error == ENFILE) && inode_relieve(table));
	return opened < 0 ? -error : opened;
}

int inode_fd_verify(const struct inode *inode, int fd)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH,
		  STATX_TYPE | STATX_INO | STATX_BTIME | STATX_MNT_ID,
		  &stx) < 0)
		return -errno;
	if (stx.stx_ino != inode->ino ||
	    inode_btime_ns(inode->mount, &stx) != inode->btime_ns ||
	    (stx.stx_mode & S_IFMT) != inode->type ||
	    stx.stx_mnt_id != inode->mount->id ||
	    makedev(stx.stx_dev_major, stx.stx_dev_minor) != inode->mount->dev)
		return -ESTALE;
	return 0;
}

static void take_user_locked(struct inode *inode)
{
	inode->fd_users++;
	if (!atomic_load_explicit(&inode->fd_used, memory_order_relaxed))
		atomic_store_explicit(&inode->fd_used, true,
				      memory_order_relaxed);
}

int inode_fd_publish(struct inode_table *table, struct inode *inode, int fd,
		     int *ret)
{
	int rc = 0;

	inode_lock(table, inode);
	if (inode->fd < 0) {
		rc = inode_clock_add_locked(table, inode);
		if (rc == 0) {
			inode->fd = fd;
			fd = -1;
		}
	}
	if (rc == 0) {
		take_user_locked(inode);
		*ret = inode->fd;
	}
	inode_unlock(table, inode);
	if (fd >= 0)
		close(fd);
	else
		inode_clock_trim(table);
	return rc;
}

/* A verified O_PATH fd, not yet published. */
static int inode_reopen(struct inode_table *table, struct inode *inode)
{
	int fd, rc;

	if (atomic_load(&inode->stale))
		return -ESTALE;
	if (!inode_has_handle(inode))
		return inode_name_open(table, inode);
	fd = inode_handle_open(table, inode, O_PATH);
	if (fd < 0 || atomic_load(&inode->verified))
		return fd;
	rc = inode_fd_verify(inode, fd);
	if (rc < 0) {
		close(fd);
		/* The handle was another file's from the beginning. */
		if (rc == -ESTALE)
			inode_mark_stale(table, inode);
		return rc;
	}
	atomic_store(&inode->verified, true);
	return fd;
}

int inode_fd(struct inode_table *table, struct inode *inode, int *ret)
{
	int fd;

	if (inode == table->root) {
		*ret = inode->fd;
		return 0;
	}
	inode_lock(table, inode);
	fd = inode->fd;
	if (fd >= 0)
		take_user_locked(inode);
	inode_unlock(table, inode);
	if (fd >= 0) {
		*ret = fd;
		return 0;
	}
	fd = inode_reopen(table, inode);
	if (fd < 0)
		return fd;
	atomic_fetch_add_explicit(&table->reopened, 1, memory_order_relaxed);
	return inode_fd_publish(table, inode, fd, ret);
}

void inode_fd_put(struct inode_table *table, struct inode *inode)
{
	if (inode == table->root)
		return;
	inode_lock(table, inode);
	inode->fd_users--;
	inode_unlock(table, inode);
}

int inode_keep_fd(struct inode_table *table, struct inode *inode)
{
	int fd, rc;

	rc = inode_fd(table, inode, &fd);
	if (rc < 0)
		return rc;
	inode_lock(table, inode);
	inode->fd_kept = true;
	if (inode != table->root)
		inode->fd_users--;
	inode_unlock(table, inode);
	return 0;
}

int inode_pin(struct inode_table *table, struct inode *inode)
{
	bool wanted = !inode_has_handle(inode) || inode->mount->pin_fd;
	int fd, rc;

	inode_lock(table, inode);
	inode->pins++;
	wanted = wanted && inode->fd < 0;
	inode_unlock(table, inode);
	if (!wanted)
		return 0;
	rc = inode_fd(table, inode, &fd);
	if (rc < 0) {
		inode_unpin(table, inode);
		return rc;
	}
	inode_fd_put(table, inode);
	return 0;
}

void inode_unpin(struct inode_table *table, struct inode *inode)
{
	inode_lock(table, inode);
	inode->pins--;
	inode_unlock(table, inode);
}

static int inode_open_by_handle(struct inode_table *table, struct inode *inode,
				int flags)
{
	int fd, rc;

	/*
	 * Looked at before it is opened: a handle that is not proven may lead to
	 * a FIFO or a device, or truncate the wrong file.
	 */
	if (!atomic_load(&inode->verified)) {
		rc = inode_fd(table, inode, &fd);
		if (rc < 0)
			return rc;
		inode_fd_put(table, inode);
	}
	return inode_handle_open(table, inode, flags);
}

int inode_open(struct inode_table *table, struct inode *inode, int flags)
{
	char path[INODE_PROC_PATH_MAX];
	int fd, opened, rc;

	if (inode->type == S_IFLNK)
		return -ELOOP;
	if (inode->type != S_IFREG && inode->type != S_IFDIR)
		return -ENXIO;
	if (table->open_by_handle && inode_has_handle(inode) &&
	    inode != table->root && !atomic_load(&inode->stale))
		return inode_open_by_handle(table, inode, flags);
	rc = inode_fd(table, inode, &fd);
	if (rc < 0)
		return rc;
	opened = inode_openat(table, AT_FDCWD, inode_proc_path(fd, path),
			      flags);
	inode_fd_put(table, inode);
	return opened;
}
