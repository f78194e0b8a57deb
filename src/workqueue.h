/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work items with the rules of Linux's workqueues (kernel/workqueue.c): an item
 * that is pending is not queued twice; an item runs on one thread at a time, and
 * "the same item" means the same address *and* function, because an item may
 * free itself while it runs and its memory may be another's by then
 * (Linux c495dcd6fbe1). Nothing here touches an item once its function started.
 *
 * max_active 1 makes an ordered queue: items run one after another in the order
 * of queueing. Larger bounds that many at once. 0 is unbounded: an item never
 * depends on another's end. As Linux does, such a queue lets one awake thread work
 * off what is queued as long as it gets on, since waking one for each item costs
 * more than most items; where nothing was taken for WORKQUEUE_STALL_NS while
 * something waits, another thread comes, up to WORKQUEUE_THREADS_MAX.
 */
#ifndef FERRYFS_WORKQUEUE_H
#define FERRYFS_WORKQUEUE_H

#include <stdbool.h>

struct workqueue;

#define WORKQUEUE_THREADS_MAX 512U
#define WORKQUEUE_STALL_NS (1000ULL * 1000ULL)

struct work {
	void (*run)(struct work *work);

	/* Under the queue's lock. */
	struct work *next;
	bool pending;
};

/* NAME (15 characters at most) is what ps shows of its threads. 0 or -errno. */
int workqueue_create(const char *name, unsigned int max_active,
		     struct workqueue **ret);

/* Waits until every item has run, then ends the threads. */
void workqueue_destroy(struct workqueue *queue);

void work_init(struct work *work, void (*run)(struct work *work));

/* Any thread. False if it was pending already. */
bool workqueue_queue(struct workqueue *queue, struct work *work);

/* Waits until what was queued before the call has run. Not from an item. */
void workqueue_flush(struct workqueue *queue);

/*
 * Takes a pending item out of the queue (true), or waits until it does not run
 * any more (false). Not from the item itself.
 */
bool workqueue_cancel_sync(struct workqueue *queue, struct work *work);

/* Threads alive, for statistics and tests. */
unsigned int workqueue_thread_count(struct workqueue *queue);

#endif
