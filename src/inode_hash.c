/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding inodes by what they are on the host: mount, inode number and birth
 * time. The number alone is not enough, it is used again as soon as a file is
 * gone. Chains link slot numbers, four bytes an inode.
 *
 * Threads: any. Each shard's lock guards its buckets and chains and is a leaf.
 * An inode without references is still in its chain for a moment, and skipped.
 */
#include "inode_private.h"

#include <errno.h>
#include <stdlib.h>

#include "util.h"

#define BUCKETS_MIN 16U

uint64_t inode_btime_ns(const struct inode_mount *mount,
			const struct statx *stx)
{
	if (!(stx->stx_mask & STATX_BTIME) || mount->btime_varies)
		return 0;
	return (uint64_t)stx->stx_btime.tv_sec * NSEC_PER_SEC +
	       stx->stx_btime.tv_nsec;
}

static uint64_t hash_of(const struct inode_mount *mount, uint64_t ino)
{
	uint64_t hash = ((uintptr_t)mount >> 4) ^ (ino * 0x9e3779b97f4a7c15ULL);

	hash ^= hash >> 32;
	return hash * 0xd6e8feb86659fd93ULL;
}

static struct inode_shard *shard_of(struct inode_table *table, uint64_t hash)
{
	return &table->shards[hash >> 58];
}

static uint32_t *bucket_of(struct inode_shard *shard, uint64_t hash)
{
	return &shard->buckets[(hash >> 20) & (shard->bucket_count - 1)];
}

static struct inode *inode_at(struct inode_table *table, uint32_t index)
{
	return index ? (struct inode *)slots_at(table->slots, index) : NULL;
}

static void unlink_locked(struct inode_table *table, struct inode_shard *shard,
			  struct inode *inode)
{
	uint32_t *link;

	link = bucket_of(shard, hash_of(inode->mount, inode->ino));
	while (*link != inode->slot.index)
		link = &inode_at(table, *link)->hash_next;
	*link = inode->hash_next;
	inode->hashed = false;
	shard->inode_count--;
}

/* Doubles the buckets. Short of memory, chains only get longer. */
static void grow_locked(struct inode_table *table, struct inode_shard *shard)
{
	uint32_t count = shard->bucket_count ? shard->bucket_count * 2 :
					       BUCKETS_MIN;
	uint32_t *old = shard->buckets, old_count = shard->bucket_count;
	uint32_t *bucket, i, index;
	struct inode *inode;

	shard->buckets = calloc(count, sizeof(*bucket));
	if (!shard->buckets) {
		shard->buckets = old;
		return;
	}
	shard->bucket_count = count;
	for (i = 0; i < old_count; i++) {
		for (index = old[i]; index;) {
			inode = inode_at(table, index);
			bucket = bucket_of(shard,
					   hash_of(inode->mount, inode->ino));
			index = inode->hash_next;
			inode->hash_next = *bucket;
			*bucket = inode->slot.index;
		}
	}
	free(old);
}

static void mark_stale_locked(struct inode_table *table,
			      struct inode_shard *shard, struct inode *inode)
{
	if (inode->hashed)
		unlink_locked(table, shard, inode);
	if (!atomic_exchange(&inode->stale, true))
		atomic_fetch_add(&table->stale, 1);
}

int inode_hash_find(struct inode_table *table, const struct inode_mount *mount,
		    const struct statx *stx, bool last, struct inode **ret)
{
	uint64_t hash = hash_of(mount, stx->stx_ino);
	uint64_t btime_ns = inode_btime_ns(mount, stx);
	struct inode_shard *shard = shard_of(table, hash);
	struct inode *inode, *next;
	int rc = 0;

	*ret = NULL;
	pthread_mutex_lock(&shard->lock);
	inode = shard->bucket_count ? inode_at(table, *bucket_of(shard, hash)) :
				      NULL;
	for (; inode; inode = next) {
		next = inode_at(table, inode->hash_next);
		if (inode->ino != stx->stx_ino || inode->mount != mount)
			continue;
		if (inode->btime_ns == btime_ns &&
		    inode->type == (stx->stx_mode & S_IFMT)) {
			if (!slot_get_unless_zero(&inode->slot))
				continue;
			*ret = inode;
			break;
		}
		if (inode->btime_ns > btime_ns && !last) {
			rc = -EAGAIN;
			break;
		}
		mark_stale_locked(table, shard, inode);
	}
	pthread_mutex_unlock(&shard->lock);
	return rc;
}

int inode_hash_insert(struct inode_table *table, struct inode *inode,
		      struct inode **ret)
{
	uint64_t hash = hash_of(inode->mount, inode->ino);
	struct inode_shard *shard = shard_of(table, hash);
	struct inode *other;
	uint32_t *bucket;
	int rc = 0;

	pthread_mutex_lock(&shard->lock);
	if (shard->inode_count >= shard->bucket_count)
		grow_locked(table, shard);
	if (!shard->bucket_count) {
		rc = -ENOMEM;
		goto out_unlock;
	}
	bucket = bucket_of(shard, hash);
	for (other = inode_at(table, *bucket); other;
	     other = inode_at(table, other->hash_next)) {
		if (other->ino == inode->ino && other->mount == inode->mount &&
		    other->btime_ns == inode->btime_ns &&
		    other->type == inode->type &&
		    slot_get_unless_zero(&other->slot)) {
			*ret = other;
			goto out_unlock;
		}
	}
	inode->hash_next = *bucket;
	inode->hashed = true;
	*bucket = inode->slot.index;
	shard->inode_count++;
	*ret = inode;
out_unlock:
	pthread_mutex_unlock(&shard->lock);
	return rc;
}

void inode_hash_remove(struct inode_table *table, struct inode *inode)
{
	struct inode_shard *shard =
		shard_of(table, hash_of(inode->mount, inode->ino));

	pthread_mutex_lock(&shard->lock);
	if (inode->hashed)
		unlink_locked(table, shard, inode);
	pthread_mutex_unlock(&shard->lock);
}

void inode_mark_stale(struct inode_table *table, struct inode *inode)
{
	struct inode_shard *shard =
		shard_of(table, hash_of(inode->mount, inode->ino));

	pthread_mutex_lock(&shard->lock);
	mark_stale_locked(table, shard, inode);
	pthread_mutex_unlock(&shard->lock);
}
