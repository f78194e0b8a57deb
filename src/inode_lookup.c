/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a name to an inode. A known inode costs one statx(). A new one costs its
 * handle as well, which is taken first: then the number in it, equal to the one
 * that statx() shows, proves that both speak of the same file. What to expect is
 * guessed from the last lookup in the directory.
 *
 * A birth time that is not older than the clock's last ticks cannot tell a file
 * from one that took its number right after; such an inode is young, and its
 * handle is compared, until it has been seen with its birth well in the past.
 *
 * Threads: any; see inode_hash.c for how two lookups of one file come together.
 */
#include "inode_private.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

/* Tries when the host changes what we look at while we look. */
#define ATTEMPTS_MAX 4
/* More than a tick of the clock that file systems take their times from. */
#define YOUNG_NS (20 * NSEC_PER_MSEC)
/* The same for file systems that only keep whole seconds (or two). */
#define YOUNG_COARSE_NS (3 * NSEC_PER_SEC)

/* One attempt of a lookup. */
struct look {
	struct inode_table *table;
	struct inode *parent;
	int parent_fd;
	const char *name;
	struct statx *stx;
	struct inode_handle handle;	/* taken before stx, or handle_bytes 0 */
	bool handle_tried;
	bool last;
	bool made;			/* the inode is new to us */
	uint64_t started_ns;		/* CLOCK_REALTIME_COARSE, before stx */
};

static uint64_t coarse_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static bool is_young(uint64_t btime_ns, uint64_t started_ns)
{
	uint64_t margin = btime_ns % NSEC_PER_SEC ? YOUNG_NS : YOUNG_COARSE_NS;

	/* No birth time at all: for ever. */
	return !btime_ns || started_ns < btime_ns + margin;
}

/* The client gets one lookup more; uses up the caller's reference. */
static void inode_add_lookup(struct inode_table *table, struct inode *inode)
{
	if (atomic_fetch_add(&inode->lookups, 1) != 0)
		inode_put(table, inode);
}

/*
 * 0: INODE is what was looked at. -EAGAIN: only its handle can tell. -ESTALE: its
 * number has gone to another file.
 */
static int look_compare(struct look *look, struct inode *inode)
{
	bool held;

	if (!inode_has_handle(inode) ||
	    !atomic_load_explicit(&inode->young, memory_order_relaxed))
		return 0;
	inode_lock(look->table, inode);
	held = inode->fd >= 0;
	inode_unlock(look->table, inode);
	/* Its file is there as long as we hold it, and so is its number. */
	if (held)
		return 0;
	if (!look->handle_tried)
		return -EAGAIN;
	if (!look->handle.head.handle_bytes)
		return 0;
	if (!inode_handle_equal(inode, &look->handle))
		return -ESTALE;
	if (!is_young(inode->btime_ns, look->started_ns))
		atomic_store_explicit(&inode->young, false,
				      memory_order_relaxed);
	return 0;
}

/* INODE was found under the name that was looked at: it is not unlinked. */
static void look_seen(struct look *look, struct inode *inode)
{
	inode_lock(look->table, inode);
	if (look->stx->stx_nlink)
		inode->fd_kept = false;
	inode_unlock(look->table, inode);
	/* Short of memory it keeps the older name, which may do as well. */
	if (!inode_has_handle(inode))
		inode_name_set(look->table, inode, look->parent, look->name);
}

static void inode_fill(struct inode *inode, struct inode_mount *mount,
		       const struct statx *stx, uint64_t started_ns)
{
	inode->fd = -1;
	inode->mount = mount;
	inode->ino = stx->stx_ino;
	inode->btime_ns = inode_btime_ns(mount, stx);
	inode->type = stx->stx_mode & S_IFMT;
	atomic_store(&inode->young, is_young(inode->btime_ns, started_ns));
	atomic_store(&inode->expect_new, true);
}

/*
 * Without a handle, an inode has its fd from the start. FD >= 0: an fd of the
 * file; else it is opened by name.
 */
static int look_open(struct look *look, struct inode *inode, int fd)
{
	struct inode_table *table = look->table;
	char path[INODE_PROC_PATH_MAX];
	int opened, rc;

	if (fd >= 0)
		opened = inode_openat(table, AT_FDCWD,
				      inode_proc_path(fd, path), O_PATH);
	else
		opened = inode_openat(table, look->parent_fd, look->name,
				      O_PATH | O_NOFOLLOW);
	if (opened < 0)
		return opened;
	rc = inode_fd_verify(inode, opened);
	if (rc < 0) {
		close(opened);
		return rc == -ESTALE ? -EAGAIN : rc;
	}
	rc = inode_fd_publish(table, inode, opened, &opened);
	if (rc < 0)
		return rc;
	inode_fd_put(table, inode);
	if (!look->name)
		return 0;
	return inode_name_set(table, inode, look->parent, look->name);
}

/* A new inode for what was looked at, or an equal one that was quicker. */
static int look_make(struct look *look, struct inode_mount *mount, int fd,
		     struct inode **ret)
{
	struct inode_table *table = look->table;
	struct inode *inode;
	int rc;

	inode = (struct inode *)slots_alloc(table->slots);
	if (!inode) {
		inode_mount_put(table, mount);
		return -ENOMEM;
	}
	look->made = true;
	inode_fill(inode, mount, look->stx, look->started_ns);
	if (mount->dir_fd >= 0 && look->handle.head.handle_bytes) {
		rc = inode_handle_store(inode, &look->handle);
		atomic_store(&inode->verified,
			     fd >= 0 || inode_handle_proves(mount, &look->handle,
							    look->stx));
	} else {
		rc = look_open(look, inode, fd);
	}
	if (rc == 0)
		rc = inode_hash_insert(table, inode, ret);
	/* With an equal one in *ret, this is only its twin. */
	if (rc < 0 || *ret != inode)
		inode_put(table, inode);
	return rc;
}

/* The known inode of what was looked at, referenced, or NULL. */
static int look_find(struct look *look, struct inode_mount *mount,
		     struct inode **ret)
{
	struct inode_table *table = look->table;
	struct inode *inode;
	int rc;

	rc = inode_hash_find(table, mount, look->stx, look->last, ret);
	inode = *ret;
	if (rc < 0 || !inode)
		return rc;
	rc = look_compare(look, inode);
	if (rc == 0)
		return 0;
	*ret = NULL;
	if (rc == -ESTALE) {
		inode_mark_stale(table, inode);
		rc = 0;
	}
	inode_put(table, inode);
	return rc;
}

/* -EAGAIN: once more, with what has been learned. */
static int look_resolve(struct look *look, int fd, struct inode **ret)
{
	struct inode_table *table = look->table;
	struct inode_mount *mount;
	struct inode *inode;
	int rc;

	rc = inode_mount_get(table, look->parent,
			     fd >= 0 ? fd : look->parent_fd,
			     fd >= 0 ? "" : look->name, look->stx, &mount);
	if (rc < 0)
		return rc;
	rc = look_find(look, mount, &inode);
	if (rc == 0 && !inode && mount->dir_fd >= 0 && !look->handle_tried)
		rc = -EAGAIN;
	if (rc == 0 && !inode)
		return look_make(look, mount, fd, ret);
	inode_mount_put(table, mount);
	if (rc < 0)
		return rc;
	if (look->name)
		look_seen(look, inode);
	*ret = inode;
	return 0;
}

static int look_once(struct look *look, bool take_handle, struct inode **ret)
{
	int rc;

	look->handle.head.handle_bytes = 0;
	look->handle_tried = take_handle;
	if (take_handle) {
		rc = inode_handle_take(look->parent_fd, look->name,
				       &look->handle);
		if (rc == -ENOENT || rc == -ENOTDIR || rc == -EACCES ||
		    rc == -ENAMETOOLONG)
			return rc;
	}
	look->started_ns = coarse_ns();
	if (statx(look->parent_fd, look->name, INODE_STATX_FLAGS,
		  INODE_STATX_MASK, look->stx) < 0)
		return -errno;
	return look_resolve(look, -1, ret);
}

int inode_lookup(struct inode_table *table, struct inode *parent, int parent_fd,
		 const char *name, struct statx *stx, struct inode **ret)
{
	struct look look = {
		.table = table,
		.parent = parent,
		.parent_fd = parent_fd,
		.name = name,
		.stx = stx,
	};
	bool take_handle;
	struct inode *inode;
	int attempt, rc;

	/* Nothing above the source, whatever is asked. */
	if (parent == table->root && strcmp(name, "..") == 0)
		look.name = ".";
	take_handle = parent->mount->dir_fd >= 0 &&
		      atomic_load_explicit(&parent->expect_new,
					   memory_order_relaxed);
	for (attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
		look.last = attempt == ATTEMPTS_MAX;
		rc = look_once(&look, take_handle, &inode);
		if (rc != -EAGAIN)
			break;
		take_handle = true;
	}
	if (rc < 0)
		return rc == -EAGAIN ? -ESTALE : rc;
	if (atomic_load_explicit(&parent->expect_new, memory_order_relaxed) !=
	    look.made)
		atomic_store_explicit(&parent->expect_new, look.made,
				      memory_order_relaxed);
	inode_add_lookup(table, inode);
	*ret = inode;
	return 0;
}

int inode_lookup_fd(struct inode_table *table, struct inode *parent,
		    const char *name, int fd, struct statx *stx,
		    struct inode **ret)
{
	struct look look = {
		.table = table,
		.parent = parent,
		.parent_fd = -1,
		.name = name,
		.stx = stx,
		.handle_tried = true,
		.started_ns = coarse_ns(),
		.last = true,
	};
	struct inode *inode;
	int rc;

	if (parent->mount->dir_fd >= 0)
		inode_handle_take(fd, "", &look.handle);
	if (statx(fd, "", AT_EMPTY_PATH, INODE_STATX_MASK, stx) < 0)
		return -errno;
	rc = look_resolve(&look, fd, &inode);
	if (rc < 0)
		return rc == -EAGAIN ? -ESTALE : rc;
	if (!name)
		rc = inode_keep_fd(table, inode);
	if (rc < 0) {
		inode_put(table, inode);
		return rc;
	}
	inode_add_lookup(table, inode);
	*ret = inode;
	return 0;
}
