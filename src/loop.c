/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What both kinds of loop have in common: posted tasks, timers, flushes, running
 * and stopping. The kinds themselves are loop_uring.c and loop_epoll.c.
 *
 * Threads: one owns the loop. Other threads come in by loop_post() and
 * loop_stop() only. Locks: loop->lock guards the posted tasks and the flag that
 * says that the loop may be asleep; it is the innermost lock and nothing is
 * called under it but write(2) to the eventfd. A poster leaves the lock as its
 * last act, so that a loop that has taken the task may be closed at once.
 *
 * Never lost: a poster sees asleep under the lock and writes the eventfd, or the
 * loop sees the task under the lock before it sets asleep.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loop_private.h"
#include "util.h"

/* Takes what was posted and runs it. */
static void loop_run_posted(struct loop *loop)
{
	struct loop_task *task, *next;

	pthread_mutex_lock(&loop->lock);
	task = loop->posted_head;
	loop->posted_head = NULL;
	loop->posted_tail = &loop->posted_head;
	loop->asleep = false;
	atomic_store_explicit(&loop->posted, false, memory_order_relaxed);
	pthread_mutex_unlock(&loop->lock);

	for (; task; task = next) {
		next = task->next;
		loop->callback_count++;
		task->run(task);
	}
}

/* Whether the loop may sleep; from then on posters wake it. */
static bool loop_fall_asleep(struct loop *loop)
{
	bool asleep;

	pthread_mutex_lock(&loop->lock);
	asleep = !loop->posted_head && !atomic_load(&loop->stopping);
	loop->asleep = asleep;
	pthread_mutex_unlock(&loop->lock);
	return asleep;
}

/* Called with loop->lock held. */
static void loop_wake_locked(struct loop *loop)
{
	const uint64_t one = 1;

	if (!loop->asleep)
		return;
	loop->asleep = false;
	/* Cannot fail or block: at most one write for each sleep. */
	while (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void loop_post(struct loop *loop, struct loop_task *task)
{
	task->next = NULL;
	pthread_mutex_lock(&loop->lock);
	*loop->posted_tail = task;
	loop->posted_tail = &task->next;
	atomic_store_explicit(&loop->posted, true, memory_order_relaxed);
	loop_wake_locked(loop);
	pthread_mutex_unlock(&loop->lock);
}

void loop_stop(struct loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	atomic_store(&loop->stopping, true);
	loop_wake_locked(loop);
	pthread_mutex_unlock(&loop->lock);
}

/*
 * Flushes may add and remove flushes: the cursor is the loop's, and removal
 * moves it on.
 */
static void loop_flush_all(struct loop *loop)
{
	struct loop_flush *flush;

	for (flush = loop->flushes; flush; flush = loop->flush_next) {
		loop->flush_next = flush->next;
		flush->flush(flush);
	}
}

void loop_add_flush(struct loop *loop, struct loop_flush *flush)
{
	flush->next = loop->flushes;
	loop->flushes = flush;
}

void loop_remove_flush(struct loop *loop, struct loop_flush *flush)
{
	struct loop_flush **link;

	for (link = &loop->flushes; *link; link = &(*link)->next) {
		if (*link != flush)
			continue;
		*link = flush->next;
		if (loop->flush_next == flush)
			loop->flush_next = flush->next;
		return;
	}
}

void loop_ran_callback(struct loop *loop)
{
	loop->callback_count++;
}

int loop_run_once(struct loop *loop, bool wait)
{
	int ret;

	loop->callback_count = 0;
	do {
		loop_flush_all(loop);
		ret = loop->ops->wait(loop, wait && !loop->callback_count &&
						    loop_fall_asleep(loop));
		if (ret < 0)
			return ret;
		loop_run_posted(loop);
	} while (wait && !loop->callback_count && !atomic_load(&loop->stopping));
	return (int)loop->callback_count;
}

int loop_run(struct loop *loop)
{
	int ret = 0;

	while (ret >= 0 && !atomic_load(&loop->stopping))
		ret = loop_run_once(loop, true);
	/* So that what is left can be drained, or the loop run again. */
	atomic_store(&loop->stopping, false);
	return ret < 0 ? ret : 0;
}

/* Sets the timerfd to the first deadline. */
static void loop_timer_arm(struct loop *loop)
{
	struct itimerspec when = { 0 };

	if (loop->timers) {
		uint64_t ns = loop->timers->deadline_ns;

		/* All zero would disarm it. */
		if (!ns)
			ns = 1;
		when.it_value.tv_sec = (time_t)(ns / NSEC_PER_SEC);
		when.it_value.tv_nsec = (long)(ns % NSEC_PER_SEC);
	}
	timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void loop_timer_ready(struct loop_watch *watch)
{
	struct loop *loop = watch->loop;
	uint64_t now = now_ns(), expirations;

	/* Only resets it: EAGAIN after a change of the first deadline. */
	if (read(loop->timer_fd, &expirations, sizeof(expirations)) < 0 &&
	    errno != EAGAIN)
		return;
	loop->callback_count--;	/* the watch is not the user's */
	while (loop->timers && loop->timers->deadline_ns <= now) {
		struct loop_timer *timer = loop->timers;

		loop->timers = timer->next;
		timer->active = false;
		loop->callback_count++;
		timer->fire(timer);
	}
	loop_timer_arm(loop);
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer **link = &loop->timers;

	loop_timer_stop(loop, timer);
	while (*link && (*link)->deadline_ns <= timer->deadline_ns)
		link = &(*link)->next;
	timer->next = *link;
	timer->active = true;
	*link = timer;
	if (loop->timers == timer)
		loop_timer_arm(loop);
}

/* The timerfd stays as it is: an early wake finds nothing due. */
void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer **link;

	if (!timer->active)
		return;
	for (link = &loop->timers; *link; link = &(*link)->next) {
		if (*link == timer) {
			*link = timer->next;
			break;
		}
	}
	timer->active = false;
}

void loop_read_start(struct loop *loop, struct loop_read *read)
{
	read->loop = loop;
	read->active = true;
	read->cancelled = false;
	loop->ops->read_start(loop, read);
}

void loop_read_cancel(struct loop *loop, struct loop_read *read)
{
	if (!read->active || read->cancelled)
		return;
	read->cancelled = true;
	loop->ops->read_cancel(loop, read);
}

int loop_watch_start(struct loop *loop, struct loop_watch *watch)
{
	int ret;

	watch->loop = loop;
	ret = loop->ops->watch_start(loop, watch);
	watch->active = ret == 0;
	return ret;
}

void loop_watch_stop(struct loop *loop, struct loop_watch *watch)
{
	if (!watch->active)
		return;
	watch->active = false;
	loop->ops->watch_stop(loop, watch);
}

bool loop_is_mine(const struct loop *loop)
{
	return pthread_equal(loop->thread, pthread_self());
}

struct io_uring *loop_ring(struct loop *loop)
{
	return loop->ops == &loop_uring_ops ? loop_uring_ring(loop) : NULL;
}

int loop_open(enum loop_kind kind, unsigned int poll_us, struct loop **ret)
{
	struct loop *loop;
	int err;

	err = kind == LOOP_URING ? loop_uring_open(&loop) :
				   loop_epoll_open(&loop);
	if (err)
		return err;
	loop->thread = pthread_self();
	loop->poll_us = poll_us;
	loop->posted_tail = &loop->posted_head;
	pthread_mutex_init(&loop->lock, NULL);

	/* A blocking one: the ring's read of it waits inside the kernel. */
	loop->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (loop->wake_fd < 0) {
		err = -errno;
		goto out_free;
	}
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC,
					TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->timer_fd < 0) {
		err = -errno;
		goto out_close_wake;
	}
	err = kind == LOOP_URING ? loop_uring_watch_wake(loop) :
				   loop_epoll_watch_wake(loop);
	if (err)
		goto out_close_timer;
	loop->timer_watch.fd = loop->timer_fd;
	loop->timer_watch.ready = loop_timer_ready;
	err = loop_watch_start(loop, &loop->timer_watch);
	if (err)
		goto out_close_timer;
	*ret = loop;
	return 0;

out_close_timer:
	close(loop->timer_fd);
out_close_wake:
	close(loop->wake_fd);
out_free:
	pthread_mutex_destroy(&loop->lock);
	loop->ops->close(loop);
	return err;
}

void loop_close(struct loop *loop)
{
	int timer_fd = loop->timer_fd, wake_fd = loop->wake_fd;

	loop_watch_stop(loop, &loop->timer_watch);
	/* Wait for a poster that has yet to leave the lock. */
	pthread_mutex_lock(&loop->lock);
	pthread_mutex_unlock(&loop->lock);
	pthread_mutex_destroy(&loop->lock);
	loop->ops->close(loop);
	close(timer_fd);
	close(wake_fd);
}
