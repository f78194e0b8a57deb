/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the inode table share; for inode*.c only.
 *
 * Lock order: names_lock, inode lock (striped), clock.lock. A shard's lock and
 * mounts_lock are leaves. The clock takes inode locks only by trylock.
 */
#ifndef FERRYFS_INODE_PRIVATE_H
#define FERRYFS_INODE_PRIVATE_H

#include <fcntl.h>
#include <pthread.h>

#include "inode.h"

#define INODE_SHARDS 64U
#define INODE_STRIPES 256U
#define INODE_COUNT_MAX (1U << 28)
/* Inode fds with handles, where an fd buys little; each pins host memory. */
#define INODE_FDS_WITH_HANDLES_MAX 32768U
#define INODE_FDS_MIN 16U
/* Longest way up to an open ancestor: PATH_MAX of one-letter names. */
#define INODE_DEPTH_MAX 2048U

#define INODE_STATX_FLAGS (AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT)
#define INODE_STATX_MASK (STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID)

struct inode_shard {
	pthread_mutex_t lock;
	uint32_t *buckets;		/* slot numbers, 0: empty */
	uint32_t bucket_count;		/* a power of two */
	uint32_t inode_count;
} __attribute__((aligned(64)));

struct inode_stripe {
	pthread_mutex_t lock;
} __attribute__((aligned(64)));

/* The inodes that have an fd, in a compact array that a hand goes round. */
struct inode_clock {
	pthread_mutex_t lock;
	struct inode **hot;
	uint32_t count;
	uint32_t capacity;
	uint32_t hand;
	uint32_t max;			/* constant after creation */
	uint64_t closed;
};

/* How to find the inode number in a file handle: by the host's file system. */
enum inode_handle_format {
	INODE_HANDLE_OPAQUE,
	INODE_HANDLE_EXT,
	INODE_HANDLE_XFS,
	INODE_HANDLE_BTRFS,
	INODE_HANDLE_TMPFS,
};

/* A host mount, kept busy only while it has inodes. */
struct inode_mount {
	struct inode_mount *next;	/* under mounts_lock */
	_Atomic uint64_t refs;		/* to 0 only under mounts_lock */
	uint64_t id;			/* mount id */
	uint64_t dev;
	int dir_fd;			/* not O_PATH; -1 without handles */
	int handles_error;		/* why there are none, -errno */
	bool btime_varies;		/* with copy-up: no help in identity */
	bool pin_fd;			/* handles may miss unlinked open files */
	enum inode_handle_format format;
	uint64_t subvolume;		/* btrfs */
};

struct inode_name {
	struct inode *parent;		/* referenced */
	char name[];
};

struct inode_handle {
	int mount_id;
	union {
		struct file_handle head;	/* handle_bytes 0: there is none */
		uint8_t space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	};
};

struct inode_table {
	struct slots *slots;
	struct inode *root;		/* its fd is there from the start to the end */
	bool handles;			/* wanted */
	bool handles_always;		/* even where they may not last */
	bool open_by_handle;		/* permissions are not ours to check */
	_Atomic bool names;		/* some inodes are reopened by name */
	pthread_mutex_t names_lock;	/* changes of directories' names */
	pthread_mutex_t mounts_lock;
	struct inode_mount *mounts;
	struct inode_clock clock;
	_Atomic uint64_t reopened;
	_Atomic uint64_t stale;
	struct inode_shard shards[INODE_SHARDS];
	struct inode_stripe stripes[INODE_STRIPES];
};

static inline bool inode_has_handle(const struct inode *inode)
{
	return inode->handle_bytes != 0;
}

/* inode_hash.c */

/*
 * The referenced inode with the identity in STX on MOUNT, or NULL. One that had
 * the number before is marked stale. -EAGAIN: STX is older than what is known;
 * with LAST it is believed all the same.
 */
int inode_hash_find(struct inode_table *table, const struct inode_mount *mount,
		    const struct statx *stx, bool last, struct inode **ret);
/* Puts INODE in, unless there is an equal one: that is returned, referenced. */
int inode_hash_insert(struct inode_table *table, struct inode *inode,
		      struct inode **ret);
void inode_hash_remove(struct inode_table *table, struct inode *inode);
/* INODE's file is gone or another has its place. */
void inode_mark_stale(struct inode_table *table, struct inode *inode);
/* 0: no birth time, or none to rely on. */
uint64_t inode_btime_ns(const struct inode_mount *mount,
			const struct statx *stx);

/* inode_mount.c */

/*
 * The referenced mount of STX, which describes NAME in PARENT_FD (or PARENT_FD
 * itself: NAME ""). PARENT may be NULL. -EAGAIN: STX is out of date.
 */
int inode_mount_get(struct inode_table *table, struct inode *parent,
		    int parent_fd, const char *name, const struct statx *stx,
		    struct inode_mount **ret);
/* Likewise for a mount that is known already; NULL if not. */
struct inode_mount *inode_mount_find(struct inode_table *table,
				     struct inode *parent,
				     const struct statx *stx);
void inode_mount_put(struct inode_table *table, struct inode_mount *mount);

/* The handle of NAME in FD; with NAME "" of FD. -EOPNOTSUPP: it has none. */
int inode_handle_take(int fd, const char *name, struct inode_handle *ret);
/*
 * Whether HANDLE shows the number that STX has. Taken before STX, it is then
 * that file's: had the number been given to a new file in between, the handle
 * would be dead.
 */
bool inode_handle_proves(const struct inode_mount *mount,
			 const struct inode_handle *handle,
			 const struct statx *stx);
int inode_handle_store(struct inode *inode, const struct inode_handle *handle);
bool inode_handle_equal(const struct inode *inode,
			const struct inode_handle *handle);
void inode_handle_free(struct inode *inode);
/* An fd by INODE's handle, whoever it may belong to. Relieves on EMFILE. */
int inode_handle_open(struct inode_table *table, const struct inode *inode,
		      int flags);

/* inode_clock.c */

/* As many fds as RLIMIT_NOFILE leaves room for. 0 or -errno. */
int inode_clock_init(struct inode_clock *clock);
/* Not more than FD_LIMIT (0: not given), nor than is useful with handles. */
void inode_clock_limit(struct inode_clock *clock, unsigned int fd_limit,
		       bool handles);
void inode_clock_destroy(struct inode_clock *clock);
/* INODE, whose lock is held, has an fd now. -ENOMEM. */
int inode_clock_add_locked(struct inode_table *table, struct inode *inode);
void inode_clock_remove(struct inode_table *table, struct inode *inode);
/* Closes what is over the limit, as far as it can be found quickly. */
void inode_clock_trim(struct inode_table *table);

/* inode_fd.c */

/* Whether FD is of INODE's file: 0, -ESTALE or another -errno. */
int inode_fd_verify(const struct inode *inode, int fd);
/*
 * Makes FD the inode's unless it has one, and takes a user of it. *ret is the
 * inode's; FD is used up in any case.
 */
int inode_fd_publish(struct inode_table *table, struct inode *inode, int fd,
		     int *ret);
/* The fd stays from now on: INODE loses its last name. */
int inode_keep_fd(struct inode_table *table, struct inode *inode);
/* openat() that relieves on EMFILE; an fd or -errno. */
int inode_openat(struct inode_table *table, int fd, const char *path,
		 int flags);

/* inode_name.c */

/* Remembers where INODE was last seen. -ENOMEM: as before. */
int inode_name_set(struct inode_table *table, struct inode *inode,
		   struct inode *parent, const char *name);
bool inode_name_is(struct inode_table *table, struct inode *inode,
		   const struct inode *parent, const char *name);
/* A verified O_PATH fd by parent and name, not yet published. */
int inode_name_open(struct inode_table *table, struct inode *inode);

#endif
