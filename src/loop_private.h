/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What loop.c shares with the two ways to wait, loop_uring.c and loop_epoll.c.
 * Everything here belongs to the loop's thread but what stands under the lock.
 * Nobody else includes this file.
 */
#ifndef FERRYFS_LOOP_PRIVATE_H
#define FERRYFS_LOOP_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

/* One way to wait. */
struct loop_ops {
	/* Required. Frees what the kind's open made, the loop with it. */
	void (*close)(struct loop *loop);
	/*
	 * Required. Submits what is pending, dispatches what is ready and, if
	 * SLEEP, waits until something is. Clears wake_fd. 0 or -errno.
	 */
	int (*wait)(struct loop *loop, bool sleep);
	/* Required. read->done() never runs inside these two. */
	void (*read_start)(struct loop *loop, struct loop_read *read);
	/* Required. */
	void (*read_cancel)(struct loop *loop, struct loop_read *read);
	/* Required. 0 or -errno. */
	int (*watch_start)(struct loop *loop, struct loop_watch *watch);
	/* Required. The watch may be freed then. */
	void (*watch_stop)(struct loop *loop, struct loop_watch *watch);
};

struct loop {
	const struct loop_ops *ops;
	pthread_t thread;
	unsigned int poll_us;
	unsigned int callback_count;	/* run since loop_run_once() began */

	/* Wakes a sleeping loop. Written under the lock, when asleep is set. */
	int wake_fd;

	pthread_mutex_t lock;
	struct loop_task *posted_head;	/* under the lock */
	struct loop_task **posted_tail;	/* under the lock */
	bool asleep;			/* under the lock */
	/* Hints for a spinning loop; both change under the lock. */
	atomic_bool posted;
	atomic_bool stopping;

	struct loop_timer *timers;	/* by deadline */
	int timer_fd;
	struct loop_watch timer_watch;

	struct loop_flush *flushes;
	struct loop_flush *flush_next;	/* cursor of a pass under way */
};

/* Allocate a loop of their kind and set ops; the rest is zero. 0 or -errno. */
int loop_uring_open(struct loop **ret);
int loop_epoll_open(struct loop **ret);

/* After loop_open() has set wake_fd. 0 or -errno. */
int loop_uring_watch_wake(struct loop *loop);
int loop_epoll_watch_wake(struct loop *loop);

struct io_uring *loop_uring_ring(struct loop *loop);
extern const struct loop_ops loop_uring_ops;
extern const struct loop_ops loop_epoll_ops;

/* Whether a spinning loop has better things to do. */
static inline bool loop_disturbed(struct loop *loop)
{
	return atomic_load_explicit(&loop->posted, memory_order_relaxed) ||
	       atomic_load_explicit(&loop->stopping, memory_order_relaxed);
}

/* READ has ended: hands its result over. It may be started again from there. */
static inline void loop_read_deliver(struct loop_read *read, ssize_t result)
{
	read->active = false;
	read->cancelled = false;
	read->loop->callback_count++;
	read->done(read, result);
}

#endif
