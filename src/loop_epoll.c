/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop that waits by epoll: for kernels and sandboxes without io_uring. Two
 * system calls a message (epoll_wait, read) where the ring needs one.
 *
 * Threads: the loop's only; no locks. A descriptor whose read is started again
 * from done() stays registered, so that nothing is paid for it; another read of
 * the descriptor that is started there replaces it. An event's data is
 * the completion that it calls; events of the batch under way whose watch or read
 * was stopped meanwhile are blanked.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop_private.h"
#include "util.h"

#define EPOLL_BATCH_MAX 64

struct loop_epoll {
	struct loop base;
	int epoll_fd;
	struct loop_completion wake;
	struct epoll_event events[EPOLL_BATCH_MAX];
	int event_count;	/* of the batch under way */
	/* The read whose done() runs, until it is started again; its fd. */
	const struct loop_completion *delivering;
	int delivering_fd;
};

static struct loop_epoll *epoll_of(struct loop *loop)
{
	return container_of(loop, struct loop_epoll, base);
}

static int epoll_add(struct loop_epoll *ep, int fd, uint32_t events,
		     struct loop_completion *completion)
{
	struct epoll_event event = { .events = events,
				     .data.ptr = completion };

	if (epoll_ctl(ep->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	return 0;
}

static void epoll_del(struct loop_epoll *ep, int fd,
		      const struct loop_completion *completion)
{
	int i;

	epoll_ctl(ep->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	for (i = 0; i < ep->event_count; i++) {
		if (ep->events[i].data.ptr == completion)
			ep->events[i].data.ptr = NULL;
	}
}

static void epoll_wake_ready(struct loop_completion *completion, int events)
{
	struct loop_epoll *ep = container_of(completion, struct loop_epoll,
					     wake);
	uint64_t count;

	(void)events;
	/* Level-triggered: if it fails, it comes again. */
	if (read(ep->base.wake_fd, &count, sizeof(count)) < 0)
		return;
}

int loop_epoll_watch_wake(struct loop *loop)
{
	struct loop_epoll *ep = epoll_of(loop);

	ep->wake.done = epoll_wake_ready;
	return epoll_add(ep, loop->wake_fd, EPOLLIN, &ep->wake);
}

/* A result that is known at once still comes from the loop. */
static void epoll_read_posted(struct loop_task *task)
{
	struct loop_read *rd = container_of(task, struct loop_read, task);

	rd->loop->callback_count--;	/* counted as a task already */
	loop_read_deliver(rd, rd->result);
}

static void epoll_read_post(struct loop_read *rd, int result)
{
	rd->result = result;
	rd->task.run = epoll_read_posted;
	loop_post(rd->loop, &rd->task);
}

static void epoll_read_ready(struct loop_completion *completion, int events)
{
	struct loop_read *rd = container_of(completion, struct loop_read,
					    poll_completion);
	struct loop_epoll *ep = epoll_of(rd->loop);
	ssize_t n;

	(void)events;
	if (!rd->active || rd->cancelled)
		return;
	n = read(rd->fd, rd->buffer, rd->size);
	if (n < 0) {
		n = -errno;
		/* Another loop was faster. */
		if (n == -EAGAIN)
			return;
	}
	/* It may be gone when done() returns. */
	ep->delivering = completion;
	ep->delivering_fd = rd->fd;
	rd->registered = false;
	loop_read_deliver(rd, n);
	if (ep->delivering)
		epoll_del(ep, ep->delivering_fd, completion);
	ep->delivering = NULL;
}

static void epoll_read_start(struct loop *loop, struct loop_read *rd)
{
	struct loop_epoll *ep = epoll_of(loop);
	int ret;

	rd->poll_completion.done = epoll_read_ready;
	rd->registered = true;
	if (ep->delivering && ep->delivering_fd == rd->fd) {
		const struct loop_completion *registered = ep->delivering;

		ep->delivering = NULL;
		if (registered == &rd->poll_completion)
			return;		/* the registration stays */
		/* EPOLL_CTL_MOD does not go with EPOLLEXCLUSIVE. */
		epoll_del(ep, rd->fd, registered);
	}
	ret = epoll_add(ep, rd->fd, EPOLLIN | EPOLLEXCLUSIVE,
			&rd->poll_completion);
	if (ret < 0) {
		rd->registered = false;
		rd->cancelled = true;
		epoll_read_post(rd, ret);
	}
}

static void epoll_read_cancel(struct loop *loop, struct loop_read *rd)
{
	epoll_del(epoll_of(loop), rd->fd, &rd->poll_completion);
	rd->registered = false;
	epoll_read_post(rd, -ECANCELED);
}

static void epoll_watch_ready(struct loop_completion *completion, int events)
{
	struct loop_watch *watch = container_of(completion, struct loop_watch,
						completion);

	(void)events;
	watch->loop->callback_count++;
	watch->ready(watch);
}

static int epoll_watch_start(struct loop *loop, struct loop_watch *watch)
{
	watch->completion.done = epoll_watch_ready;
	return epoll_add(epoll_of(loop), watch->fd, EPOLLIN,
			 &watch->completion);
}

static void epoll_watch_stop(struct loop *loop, struct loop_watch *watch)
{
	epoll_del(epoll_of(loop), watch->fd, &watch->completion);
}

/* The number of events or -errno. */
static int epoll_poll(struct loop_epoll *ep, int timeout_ms)
{
	int n = epoll_wait(ep->epoll_fd, ep->events, EPOLL_BATCH_MAX,
			   timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n;
}

static int epoll_loop_wait(struct loop *loop, bool sleep)
{
	struct loop_epoll *ep = epoll_of(loop);
	int i, n = 0;

	if (sleep && loop->poll_us) {
		uint64_t until = now_ns() + loop->poll_us * NSEC_PER_USEC;

		while (!n && !loop_disturbed(loop) && now_ns() < until)
			n = epoll_poll(ep, 0);
	}
	if (!n)
		n = epoll_poll(ep, sleep && !loop_disturbed(loop) ? -1 : 0);
	if (n < 0)
		return n;
	ep->event_count = n;
	for (i = 0; i < n; i++) {
		struct loop_completion *completion = ep->events[i].data.ptr;

		if (completion)
			completion->done(completion, (int)ep->events[i].events);
	}
	ep->event_count = 0;
	return 0;
}

static void epoll_loop_close(struct loop *loop)
{
	struct loop_epoll *ep = epoll_of(loop);

	close(ep->epoll_fd);
	free(ep);
}

const struct loop_ops loop_epoll_ops = {
	.close = epoll_loop_close,
	.wait = epoll_loop_wait,
	.read_start = epoll_read_start,
	.read_cancel = epoll_read_cancel,
	.watch_start = epoll_watch_start,
	.watch_stop = epoll_watch_stop,
};

int loop_epoll_open(struct loop **ret)
{
	struct loop_epoll *ep = calloc(1, sizeof(*ep));
	int err;

	if (!ep)
		return -ENOMEM;
	ep->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (ep->epoll_fd < 0) {
		err = -errno;
		free(ep);
		return err;
	}
	ep->base.ops = &loop_epoll_ops;
	*ret = &ep->base;
	return 0;
}
