/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which inodes may keep their fd. Those that have one stand in an array; when
 * there are too many, a hand goes round, takes the second chance from those that
 * were used since it came by, and closes the fds of the others, except of inodes
 * that are in use, pinned without another way back, or unlinked.
 *
 * Threads: any. clock.lock guards the array and each inode's place in it. It is
 * taken inside an inode lock, so the hand only tries inode locks. An inode leaves
 * the array before its slot is freed: what the hand finds is alive.
 */
#include "inode_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "util.h"

#define NOT_HOT 0U			/* hot_index is place + 1 */
#define BATCH_MAX 64U
/* Inodes the hand looks at when there is no need yet. */
#define TRIM_STEPS_MAX 256U
/* Closed beyond the limit, so that not every open has to look. */
#define TRIM_SLACK 8U
/* Kept for what is not an inode: sockets, rings, logs, handles being opened. */
#define FDS_RESERVED 64U

int inode_clock_init(struct inode_clock *clock)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	/* A quarter is for open files, which cannot be closed. */
	limit.rlim_cur = limit.rlim_cur / 4 * 3;
	clock->max = (uint32_t)min_u64(
		limit.rlim_cur > FDS_RESERVED ? limit.rlim_cur - FDS_RESERVED :
						0,
		INODE_COUNT_MAX);
	pthread_mutex_init(&clock->lock, NULL);
	return 0;
}

void inode_clock_limit(struct inode_clock *clock, unsigned int fd_limit,
		       bool handles)
{
	if (fd_limit)
		clock->max = (uint32_t)min_u64(clock->max, fd_limit);
	else if (handles)
		clock->max = (uint32_t)min_u64(clock->max,
					       INODE_FDS_WITH_HANDLES_MAX);
	clock->max = (uint32_t)max_u64(clock->max, INODE_FDS_MIN);
}

void inode_clock_destroy(struct inode_clock *clock)
{
	free(clock->hot);
	pthread_mutex_destroy(&clock->lock);
}

int inode_clock_add_locked(struct inode_table *table, struct inode *inode)
{
	struct inode_clock *clock = &table->clock;
	uint32_t capacity;
	void *hot;
	int rc = 0;

	pthread_mutex_lock(&clock->lock);
	if (clock->count == clock->capacity) {
		capacity = clock->capacity ? clock->capacity * 2 : 64;
		hot = realloc(clock->hot, capacity * sizeof(*clock->hot));
		if (!hot) {
			rc = -ENOMEM;
			goto out_unlock;
		}
		clock->hot = hot;
		clock->capacity = capacity;
	}
	clock->hot[clock->count++] = inode;
	inode->hot_index = clock->count;
out_unlock:
	pthread_mutex_unlock(&clock->lock);
	return rc;
}

static void clock_remove_locked(struct inode_clock *clock, struct inode *inode)
{
	struct inode *last = clock->hot[clock->count - 1];

	clock->hot[inode->hot_index - 1] = last;
	last->hot_index = inode->hot_index;
	inode->hot_index = NOT_HOT;
	clock->count--;
}

void inode_clock_remove(struct inode_table *table, struct inode *inode)
{
	struct inode_clock *clock = &table->clock;

	pthread_mutex_lock(&clock->lock);
	if (inode->hot_index != NOT_HOT)
		clock_remove_locked(clock, inode);
	pthread_mutex_unlock(&clock->lock);
}

/* The fd of an inode that can do without it, or -1. */
static int clock_take_fd_locked(struct inode_table *table, struct inode *inode)
{
	pthread_mutex_t *lock =
		&table->stripes[inode->slot.index % INODE_STRIPES].lock;
	bool needs_pin;
	int fd = -1;

	if (pthread_mutex_trylock(lock) != 0)
		return -1;
	needs_pin = !inode_has_handle(inode) || inode->mount->pin_fd;
	if (!inode->fd_users && !inode->fd_kept &&
	    !(inode->pins && needs_pin) &&
	    !atomic_exchange_explicit(&inode->fd_used, false,
				      memory_order_relaxed)) {
		fd = inode->fd;
		inode->fd = -1;
		clock_remove_locked(&table->clock, inode);
	}
	pthread_mutex_unlock(lock);
	return fd;
}

/*
 * Closes up to WANT fds and returns how many. In earnest, the hand goes round
 * until there are some: the first round may only take second chances.
 */
static uint32_t clock_close(struct inode_table *table, uint32_t want,
			    bool earnest)
{
	struct inode_clock *clock = &table->clock;
	uint32_t count = 0, steps, i;
	int fds[BATCH_MAX], fd;

	pthread_mutex_lock(&clock->lock);
	steps = earnest ? clock->count * 3 + 1 : TRIM_STEPS_MAX;
	while (count < want && clock->count && steps--) {
		if (clock->hand >= clock->count)
			clock->hand = 0;
		fd = clock_take_fd_locked(table, clock->hot[clock->hand]);
		/* The last one has moved to the place of one that went. */
		if (fd >= 0)
			fds[count++] = fd;
		else
			clock->hand++;
	}
	clock->closed += count;
	pthread_mutex_unlock(&clock->lock);
	for (i = 0; i < count; i++)
		close(fds[i]);
	return count;
}

void inode_clock_trim(struct inode_table *table)
{
	struct inode_clock *clock = &table->clock;
	uint32_t over;

	pthread_mutex_lock(&clock->lock);
	over = clock->count > clock->max ? clock->count - clock->max : 0;
	pthread_mutex_unlock(&clock->lock);
	if (over)
		clock_close(table,
			    (uint32_t)min_u64(over + TRIM_SLACK, BATCH_MAX),
			    false);
}

bool inode_relieve(struct inode_table *table)
{
	return clock_close(table, BATCH_MAX, true) > 0;
}
