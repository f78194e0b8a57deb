/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop of one queue. One thread runs it and owns everything in it;
 * only loop_post() and loop_stop() may be called from elsewhere. Waits by
 * io_uring where that is allowed (so that the engine can share the ring and one
 * system call both submits and waits), else by epoll.
 *
 * Callbacks run on the loop's thread, one at a time. A callback may start,
 * cancel and post anything; it never blocks.
 */
#ifndef FERRYFS_LOOP_H
#define FERRYFS_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct io_uring;
struct io_uring_sqe;
struct loop;

enum loop_kind { LOOP_URING, LOOP_EPOLL };

/* Entries of a loop's submission queue; more submissions flush first. */
#define LOOP_RING_ENTRIES 256U

/* What a ring's completion calls: its address is the SQE's user data. */
struct loop_completion {
	void (*done)(struct loop_completion *completion, int result);
};

/* Work handed to the loop's thread. Must stay valid until it runs. */
struct loop_task {
	struct loop_task *next;
	void (*run)(struct loop_task *task);
};

/*
 * One read(2) of a descriptor opened O_NONBLOCK, when it is readable. Exactly
 * one waiter is woken for one message where several loops read clones of one
 * source (EPOLLEXCLUSIVE). done() gets the byte count or -errno, never -EAGAIN;
 * the read may be started again from there. -ECANCELED after
 * loop_read_cancel().
 */
struct loop_read {
	int fd;
	void *buffer;
	size_t size;
	void (*done)(struct loop_read *read, ssize_t result);

	/* Private to the loop. */
	struct loop_completion poll_completion;
	struct loop_completion read_completion;
	struct loop_task task;
	struct loop *loop;
	ssize_t result;
	bool active;
	bool registered;
	bool cancelled;
};

/* Calls ready() whenever the descriptor is readable, level-triggered. */
struct loop_watch {
	int fd;
	void (*ready)(struct loop_watch *watch);

	/* Private to the loop. */
	struct loop_completion completion;
	struct loop *loop;
	void *node;
	bool active;
};

struct loop_timer {
	uint64_t deadline_ns;	/* CLOCK_MONOTONIC */
	void (*fire)(struct loop_timer *timer);

	/* Private to the loop. */
	struct loop_timer *next;
	bool active;
};

/*
 * Called before the loop sleeps, so that batched submissions go out. One that ran
 * callbacks says so by loop_ran_callback(): loop_run_once() does not sleep then.
 */
struct loop_flush {
	void (*flush)(struct loop_flush *flush);
	struct loop_flush *next;
};

/*
 * Opens a loop for the calling thread, which must be the one that runs it.
 * POLL_US: spin that long before sleeping. Returns 0 or -errno (-EPERM, -ENOSYS:
 * io_uring is not to be had here).
 */
int loop_open(enum loop_kind kind, unsigned int poll_us, struct loop **ret);

/* Loop's thread, after loop_run() returned; nothing may be active any more. */
void loop_close(struct loop *loop);

/* Runs until loop_stop(); then returns 0. -errno if waiting itself failed. */
int loop_run(struct loop *loop);

/*
 * Runs what is ready, and waits for something if WAIT: for tests and for
 * draining. Returns the number of callbacks run or -errno.
 */
int loop_run_once(struct loop *loop, bool wait);

/*
 * Any thread. loop_run() returns soon: what was ready together with the callback
 * under way still runs. A stop that comes before loop_run() is not lost.
 */
void loop_stop(struct loop *loop);

/*
 * Any thread. Runs task->run on the loop's thread, in the order of posting. The
 * loop does not touch the task once it runs, so that it may be posted again or
 * freed from there.
 */
void loop_post(struct loop *loop, struct loop_task *task);

/*
 * A read is zeroed, filled and then started; done() runs once for each start.
 * It is not to be freed before done() is called, and its descriptor not to be
 * closed before done() has returned.
 */
void loop_read_start(struct loop *loop, struct loop_read *read);
void loop_read_cancel(struct loop *loop, struct loop_read *read);

/* Once stopped, ready() is not called again and the watch may be freed. */
int loop_watch_start(struct loop *loop, struct loop_watch *watch);
void loop_watch_stop(struct loop *loop, struct loop_watch *watch);

void loop_timer_start(struct loop *loop, struct loop_timer *timer);
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);

void loop_add_flush(struct loop *loop, struct loop_flush *flush);
void loop_remove_flush(struct loop *loop, struct loop_flush *flush);
void loop_ran_callback(struct loop *loop);

/* The ring, or NULL where the loop waits by epoll. */
struct io_uring *loop_ring(struct loop *loop);

/*
 * A submission entry whose completion calls completion->done; submitted at the
 * latest before the loop sleeps. Never NULL on a ring loop: a full queue is
 * submitted first.
 */
struct io_uring_sqe *loop_sqe(struct loop *loop,
			      struct loop_completion *completion);

/* Whether the calling thread is the loop's. */
bool loop_is_mine(const struct loop *loop);

#endif
