/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A system call that waits for a lock, made so that it can be interrupted from
 * any thread and no interrupt is lost, whenever it comes.
 *
 * One that came between the thread's last look at a flag and its going to sleep
 * would be lost if it were a single signal. So a timer signals the thread again
 * and again until the call has returned. The signal is LOCK_WAIT_SIGNAL, which
 * does nothing but end system calls; a thread takes it only within
 * lock_wait_run().
 */
#ifndef FERRYFS_LOCK_WAIT_H
#define FERRYFS_LOCK_WAIT_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

#define LOCK_WAIT_SIGNAL (SIGRTMIN + 5)
#define LOCK_WAIT_INTERVAL_NS 5000000L

struct lock_wait {
	pthread_mutex_t lock;
	bool interrupted;	/* under the lock, as is all below */
	bool running;		/* timer exists and is aimed at the thread */
	timer_t timer;
};

void lock_wait_init(struct lock_wait *wait);

/* Nobody may interrupt any more. */
void lock_wait_destroy(struct lock_wait *wait);

/*
 * Makes CALL until it returns anything but -EINTR, or was interrupted. Returns
 * what CALL did; -EINTR if interrupted, before or during the call; -ENOLCK if
 * there is no timer to be had. Once for each lock_wait.
 */
int lock_wait_run(struct lock_wait *wait, int (*call)(void *arg), void *arg);

/* Any thread, any time between init and destroy. Never waits. */
void lock_wait_interrupt(struct lock_wait *wait);

#endif
