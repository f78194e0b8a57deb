/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inode table and the lives of inodes: references, the client's lookups, and
 * taking an inode apart when both are gone.
 *
 * The client's lookups of an inode together hold one reference: it is taken when
 * their number leaves 0 and dropped when it comes back. A nodeid is valid while
 * the number is not 0, so an inode in the making cannot be named by guessing.
 *
 * Threads: any. Locks: see inode_private.h. Finding inodes is in inode_hash.c and
 * inode_lookup.c, fds in inode_fd.c and inode_clock.c.
 */
#include "inode_private.h"
#include "lock_owner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

static void locks_init(struct inode_table *table)
{
	unsigned int i;

	pthread_mutex_init(&table->names_lock, NULL);
	pthread_mutex_init(&table->mounts_lock, NULL);
	for (i = 0; i < INODE_SHARDS; i++)
		pthread_mutex_init(&table->shards[i].lock, NULL);
	for (i = 0; i < INODE_STRIPES; i++)
		pthread_mutex_init(&table->stripes[i].lock, NULL);
}

static void locks_destroy(struct inode_table *table)
{
	unsigned int i;

	for (i = 0; i < INODE_STRIPES; i++)
		pthread_mutex_destroy(&table->stripes[i].lock);
	for (i = 0; i < INODE_SHARDS; i++) {
		pthread_mutex_destroy(&table->shards[i].lock);
		free(table->shards[i].buckets);
	}
	pthread_mutex_destroy(&table->mounts_lock);
	pthread_mutex_destroy(&table->names_lock);
}

static int root_open(int root_fd)
{
	int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* Without read permission its entries can still be had by name. */
	if (fd < 0 && errno == EACCES)
		fd = openat(root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* nodeid 1. What it took is given back by inode_table_destroy(). */
static int root_create(struct inode_table *table, int root_fd)
{
	struct inode *root, *same;
	struct statx stx;
	int rc;

	root = (struct inode *)slots_alloc(table->slots);
	if (!root)
		return -ENOMEM;
	table->root = root;
	root->fd = -1;
	if (statx(root_fd, "", AT_EMPTY_PATH, INODE_STATX_MASK, &stx) < 0)
		return -errno;
	root->type = stx.stx_mode & S_IFMT;
	if (root->type != S_IFDIR)
		return -ENOTDIR;
	rc = inode_mount_get(table, NULL, root_fd, "", &stx, &root->mount);
	if (rc < 0)
		return rc;
	root->ino = stx.stx_ino;
	root->btime_ns = inode_btime_ns(root->mount, &stx);
	root->fd = root_open(root_fd);
	if (root->fd < 0)
		return root->fd;
	atomic_store(&root->expect_new, true);
	atomic_store(&root->lookups, 1);
	return inode_hash_insert(table, root, &same);
}

int inode_table_create(const struct config *config, int root_fd,
		       struct inode_table **ret)
{
	struct inode_table *table;
	int rc;

	table = aligned_alloc(64, sizeof(*table));
	if (!table)
		return -ENOMEM;
	memset(table, 0, sizeof(*table));
	locks_init(table);
	table->handles = config->inode_handles != TRI_NEVER;
	table->handles_always = config->inode_handles == TRI_ALWAYS;
	/* Otherwise some callers are checked: they have no power over handles. */
	table->open_by_handle = config->default_permissions_on ||
				!config->privileged;
	rc = slots_create(sizeof(struct inode), INODE_COUNT_MAX, &table->slots);
	if (rc < 0)
		goto out_free;
	rc = inode_clock_init(&table->clock);
	if (rc < 0)
		goto out_destroy_slots;
	rc = root_create(table, root_fd);
	if (rc < 0)
		goto out_destroy;
	rc = table->root->mount->handles_error;
	if (table->handles_always && rc < 0) {
		log_error("inode_handles=always: no file handles here: %s",
			  strerror(-rc));
		goto out_destroy;
	}
	inode_clock_limit(&table->clock, config->fd_limit,
			  table->root->mount->dir_fd >= 0);
	*ret = table;
	return 0;

out_destroy:
	inode_table_destroy(table);
	return rc;
out_destroy_slots:
	slots_destroy(table->slots);
out_free:
	locks_destroy(table);
	free(table);
	return rc;
}

/* All but the references to others, whose turn comes, and the slot. */
static void inode_teardown(struct inode_table *table, struct inode *inode)
{
	lock_owners_drop(inode);
	if (inode->fd >= 0)
		close(inode->fd);
	inode_handle_free(inode);
	if (inode->mount)
		inode_mount_put(table, inode->mount);
}

static void inode_destroy_left(struct slot *slot, void *arg)
{
	struct inode *inode = (struct inode *)slot;

	free(inode->name);
	inode_teardown(arg, inode);
}

void inode_table_destroy(struct inode_table *table)
{
	if (!table)
		return;
	slots_each(table->slots, inode_destroy_left, table);
	inode_clock_destroy(&table->clock);
	slots_destroy(table->slots);
	locks_destroy(table);
	free(table);
}

void inode_table_get_stats(struct inode_table *table,
			   struct inode_table_stats *ret)
{
	struct inode_clock *clock = &table->clock;

	ret->inodes = slots_count(table->slots);
	ret->fds_max = clock->max;
	ret->reopened = atomic_load(&table->reopened);
	ret->stale = atomic_load(&table->stale);
	pthread_mutex_lock(&clock->lock);
	ret->fds = clock->count;
	ret->closed = clock->closed;
	pthread_mutex_unlock(&clock->lock);
}

int inode_get(struct inode_table *table, uint64_t nodeid, struct inode **ret)
{
	struct inode *inode = (struct inode *)slots_get(table->slots, nodeid);

	if (!inode)
		return -ESTALE;
	if (!atomic_load(&inode->lookups)) {
		inode_put(table, inode);
		return -ESTALE;
	}
	*ret = inode;
	return 0;
}

void inode_ref(struct inode *inode)
{
	slot_get_unless_zero(&inode->slot);
}

/* INODE has no references any more. Returns its parent's, if it had one. */
static struct inode *inode_free(struct inode_table *table, struct inode *inode)
{
	struct inode_name *name = inode->name;
	struct inode *parent = NULL;

	inode_hash_remove(table, inode);
	inode_clock_remove(table, inode);
	inode_teardown(table, inode);
	if (name) {
		parent = name->parent;
		free(name);
	}
	slots_free(table->slots, &inode->slot);
	return parent;
}

void inode_put(struct inode_table *table, struct inode *inode)
{
	/* A child may be the last to hold its parent, and so on upwards. */
	while (inode && slot_put(&inode->slot, 1))
		inode = inode_free(table, inode);
}

/* Takes back COUNT lookups, or all that there are: -EINVAL. */
static int lookups_take(struct inode_table *table, struct inode *inode,
			uint64_t count)
{
	uint64_t had = atomic_load(&inode->lookups), left;

	do {
		left = had > count ? had - count : 0;
		/* The root is always the client's. */
		if (inode == table->root && !left)
			left = 1;
	} while (!atomic_compare_exchange_weak(&inode->lookups, &had, left));
	if (had && !left)
		inode_put(table, inode);
	return had < count ? -EINVAL : 0;
}

int inode_forget(struct inode_table *table, uint64_t nodeid, uint64_t count)
{
	struct inode *inode = (struct inode *)slots_get(table->slots, nodeid);
	int rc;

	if (!inode)
		return -ESTALE;
	rc = lookups_take(table, inode, count);
	inode_put(table, inode);
	return rc;
}

void inode_unlookup(struct inode_table *table, struct inode *inode,
		    uint64_t count)
{
	lookups_take(table, inode, count);
}

int inode_open_unchecked(struct inode_table *table, struct inode *inode,
			 int flags)
{
	/* What is not proven yet gets proven on the other way. */
	if (inode == table->root || !inode_has_handle(inode) ||
	    (inode->type != S_IFREG && inode->type != S_IFDIR) ||
	    !atomic_load(&inode->verified) || atomic_load(&inode->stale))
		return inode_open(table, inode, flags);
	return inode_handle_open(table, inode, flags);
}

void inode_lock(struct inode_table *table, struct inode *inode)
{
	pthread_mutex_lock(
		&table->stripes[inode->slot.index % INODE_STRIPES].lock);
}

void inode_unlock(struct inode_table *table, struct inode *inode)
{
	pthread_mutex_unlock(
		&table->stripes[inode->slot.index % INODE_STRIPES].lock);
}
