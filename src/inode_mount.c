/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's mounts that inodes are on, and file handles, which need an open
 * directory of the mount. A mount is kept busy only while it has inodes. Whether
 * handles work is found out by trying one, once for each mount.
 *
 * Threads: any; mounts_lock guards the list and the last reference of a mount.
 * No lock is held while something is opened. Mounts that FUSE clients should see
 * as such are none of this file's business.
 */
#include "inode_private.h"

#include <endian.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#ifndef OVERLAYFS_SUPER_MAGIC
#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#endif
#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

/* Kinds of handles, as Linux's <linux/exportfs.h> numbers them. */
#define HANDLE_INO32_GEN 0x01
#define HANDLE_INO64_GEN_XFS 0x81
#define HANDLE_BTRFS 0x4d

int inode_handle_take(int fd, const char *name, struct inode_handle *ret)
{
	ret->head.handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(fd, name, &ret->head, &ret->mount_id,
			      name[0] ? 0 : AT_EMPTY_PATH) == 0)
		return 0;
	ret->head.handle_bytes = 0;
	return errno == EOVERFLOW ? -EOPNOTSUPP : -errno;
}

static uint32_t word32(const struct inode_handle *handle, size_t offset)
{
	uint32_t word;

	memcpy(&word, handle->head.f_handle + offset, sizeof(word));
	return word;
}

static uint64_t word64(const struct inode_handle *handle, size_t offset)
{
	uint64_t word;

	memcpy(&word, handle->head.f_handle + offset, sizeof(word));
	return word;
}

bool inode_handle_proves(const struct inode_mount *mount,
			 const struct inode_handle *handle,
			 const struct statx *stx)
{
	unsigned int bytes = handle->head.handle_bytes;
	int type = handle->head.handle_type;
	uint64_t ino = 0;

	switch (mount->format) {
	case INODE_HANDLE_XFS:
		if (type == HANDLE_INO64_GEN_XFS && bytes == 12) {
			ino = word64(handle, 0);
			break;
		}
		/* fall through */
	case INODE_HANDLE_EXT:
		if (type == HANDLE_INO32_GEN && bytes == 8)
			ino = word32(handle, 0);
		break;
	case INODE_HANDLE_BTRFS:
		if (type == HANDLE_BTRFS && bytes == 20 &&
		    le64toh(word64(handle, 8)) == mount->subvolume)
			ino = le64toh(word64(handle, 0));
		break;
	case INODE_HANDLE_TMPFS:
		if (type == HANDLE_INO32_GEN && bytes == 12)
			ino = word32(handle, 4) |
			      (uint64_t)word32(handle, 8) << 32;
		break;
	case INODE_HANDLE_OPAQUE:
		break;
	}
	return ino && ino == stx->stx_ino &&
	       mount->id == (uint64_t)handle->mount_id;
}

int inode_handle_store(struct inode *inode, const struct inode_handle *handle)
{
	unsigned int bytes = handle->head.handle_bytes;
	uint8_t *to = inode->handle.inline_bytes;

	if (bytes > sizeof(inode->handle.inline_bytes)) {
		to = malloc(bytes);
		if (!to)
			return -ENOMEM;
		inode->handle.bytes = to;
	}
	memcpy(to, handle->head.f_handle, bytes);
	inode->handle_bytes = (uint16_t)bytes;
	inode->handle_type = (uint16_t)handle->head.handle_type;
	return 0;
}

static const uint8_t *handle_bytes_of(const struct inode *inode)
{
	return inode->handle_bytes > sizeof(inode->handle.inline_bytes) ?
		       inode->handle.bytes :
		       inode->handle.inline_bytes;
}

bool inode_handle_equal(const struct inode *inode,
			const struct inode_handle *handle)
{
	return inode->handle_bytes == handle->head.handle_bytes &&
	       inode->handle_type == handle->head.handle_type &&
	       memcmp(handle_bytes_of(inode), handle->head.f_handle,
		      inode->handle_bytes) == 0;
}

void inode_handle_free(struct inode *inode)
{
	if (inode->handle_bytes > sizeof(inode->handle.inline_bytes))
		free(inode->handle.bytes);
}

int inode_handle_open(struct inode_table *table, const struct inode *inode,
		      int flags)
{
	struct inode_handle handle;
	int fd, error;

	handle.head.handle_bytes = inode->handle_bytes;
	handle.head.handle_type = inode->handle_type;
	memcpy(handle.head.f_handle, handle_bytes_of(inode),
	       inode->handle_bytes);
	do {
		fd = open_by_handle_at(inode->mount->dir_fd, &handle.head,
				       flags | O_CLOEXEC);
		error = fd < 0 ? errno : 0;
	} while ((error == EMFILE || error == ENFILE) && inode_relieve(table));
	return fd < 0 ? -error : fd;
}

static uint64_t dev_of(const struct statx *stx)
{
	return makedev(stx->stx_dev_major, stx->stx_dev_minor);
}

static bool mount_is(const struct inode_mount *mount, const struct statx *stx)
{
	return mount->id == stx->stx_mnt_id && mount->dev == dev_of(stx);
}

struct inode_mount *inode_mount_find(struct inode_table *table,
				     struct inode *parent,
				     const struct statx *stx)
{
	struct inode_mount *mount;

	if (parent && mount_is(parent->mount, stx)) {
		/* PARENT has a reference, so this is not the first. */
		atomic_fetch_add(&parent->mount->refs, 1);
		return parent->mount;
	}
	pthread_mutex_lock(&table->mounts_lock);
	for (mount = table->mounts; mount; mount = mount->next) {
		if (mount_is(mount, stx)) {
			atomic_fetch_add(&mount->refs, 1);
			break;
		}
	}
	pthread_mutex_unlock(&table->mounts_lock);
	return mount;
}

static enum inode_handle_format format_of(const struct statfs *fs)
{
	switch ((uint32_t)fs->f_type) {
	case EXT4_SUPER_MAGIC:
		return INODE_HANDLE_EXT;
	case XFS_SUPER_MAGIC:
		return INODE_HANDLE_XFS;
	case BTRFS_SUPER_MAGIC:
		return INODE_HANDLE_BTRFS;
	case TMPFS_MAGIC:
		return INODE_HANDLE_TMPFS;
	default:
		return INODE_HANDLE_OPAQUE;
	}
}

/* Whether handles work on MOUNT, by the one of its directory. 0 or -errno. */
static int mount_try_handles(struct inode_table *table,
			     struct inode_mount *mount, int dir_fd,
			     const struct statfs *fs, const struct statx *stx)
{
	struct inode_handle handle;
	int fd, rc;

	/* A FUSE server may forget what its handles mean. */
	if ((uint32_t)fs->f_type == FUSE_SUPER_MAGIC && !table->handles_always)
		return -EOPNOTSUPP;
	rc = inode_handle_take(dir_fd, "", &handle);
	if (rc < 0)
		return rc;
	fd = open_by_handle_at(dir_fd, &handle.head, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);
	mount->format = format_of(fs);
	mount->pin_fd = mount->format == INODE_HANDLE_OPAQUE;
	if (mount->format == INODE_HANDLE_BTRFS &&
	    handle.head.handle_bytes == 20)
		mount->subvolume = le64toh(word64(&handle, 8));
	if (!inode_handle_proves(mount, &handle, stx))
		mount->format = INODE_HANDLE_OPAQUE;
	return 0;
}

/*
 * Looks at NAME, a directory of MOUNT, and keeps it open where its handles work.
 * -EAGAIN: it is not on MOUNT any more.
 */
static int mount_open(struct inode_table *table, struct inode_mount *mount,
		      int parent_fd, const char *name)
{
	struct statx stx;
	struct statfs fs;
	int fd, rc = 0;

	fd = inode_openat(table, parent_fd, name[0] ? name : ".",
			  O_DIRECTORY | O_NOFOLLOW |
				  (table->handles ? O_RDONLY : O_PATH));
	if (fd < 0) {
		mount->handles_error = fd;
		return 0;
	}
	if (statx(fd, "", AT_EMPTY_PATH, INODE_STATX_MASK, &stx) < 0 ||
	    fstatfs(fd, &fs) < 0) {
		rc = -errno;
		goto out_close_fd;
	}
	if (!mount_is(mount, &stx)) {
		rc = -EAGAIN;
		goto out_close_fd;
	}
	mount->btime_varies = (uint32_t)fs.f_type == OVERLAYFS_SUPER_MAGIC;
	if (!table->handles)
		goto out_close_fd;
	mount->handles_error = mount_try_handles(table, mount, fd, &fs, &stx);
	if (mount->handles_error < 0)
		goto out_close_fd;
	mount->dir_fd = fd;
	return 0;

out_close_fd:
	close(fd);
	return rc;
}

static void mount_free(struct inode_mount *mount)
{
	if (mount->dir_fd >= 0)
		close(mount->dir_fd);
	free(mount);
}

/* MOUNT goes into the list, unless it has come in meanwhile. */
static struct inode_mount *mount_add(struct inode_table *table,
				     struct inode_mount *mount,
				     const struct statx *stx)
{
	struct inode_mount *other;

	pthread_mutex_lock(&table->mounts_lock);
	for (other = table->mounts; other; other = other->next)
		if (mount_is(other, stx))
			break;
	if (other) {
		atomic_fetch_add(&other->refs, 1);
	} else {
		mount->next = table->mounts;
		table->mounts = mount;
	}
	pthread_mutex_unlock(&table->mounts_lock);
	if (!other)
		return mount;
	mount_free(mount);
	return other;
}

int inode_mount_get(struct inode_table *table, struct inode *parent,
		    int parent_fd, const char *name, const struct statx *stx,
		    struct inode_mount **ret)
{
	struct inode_mount *mount = inode_mount_find(table, parent, stx);
	int rc = 0;

	if (mount) {
		*ret = mount;
		return 0;
	}
	mount = calloc(1, sizeof(*mount));
	if (!mount)
		return -ENOMEM;
	atomic_store(&mount->refs, 1);
	mount->id = stx->stx_mnt_id;
	mount->dev = dev_of(stx);
	mount->dir_fd = -1;
	mount->handles_error = -EOPNOTSUPP;
	if (S_ISDIR(stx->stx_mode))
		rc = mount_open(table, mount, parent_fd, name);
	if (rc < 0) {
		mount_free(mount);
		return rc;
	}
	*ret = mount_add(table, mount, stx);
	return 0;
}

void inode_mount_put(struct inode_table *table, struct inode_mount *mount)
{
	uint64_t refs = atomic_load(&mount->refs);
	struct inode_mount **link;

	while (refs > 1)
		if (atomic_compare_exchange_weak(&mount->refs, &refs, refs - 1))
			return;
	pthread_mutex_lock(&table->mounts_lock);
	if (atomic_fetch_sub(&mount->refs, 1) > 1) {
		pthread_mutex_unlock(&table->mounts_lock);
		return;
	}
	for (link = &table->mounts; *link != mount; link = &(*link)->next)
		;
	*link = mount->next;
	pthread_mutex_unlock(&table->mounts_lock);
	mount_free(mount);
}
