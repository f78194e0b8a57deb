/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop that waits by io_uring. One io_uring_enter() submits the engine's
 * operations and the reads that were started again, and waits: a message costs
 * that one call besides its reply.
 *
 * A read of a message source is two linked entries: POLL_ADD with EPOLLEXCLUSIVE,
 * so that one message wakes one loop, then READ. The poll reports only its
 * failure (CQE_SKIP_SUCCESS; the read then reports nothing), hence exactly one
 * completion for both, and the wait is not ended by the poll before the read
 * has run. A kernel without that feature gets the epoll loop.
 *
 * Threads: the loop's only (the ring is SINGLE_ISSUER); no locks.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "log.h"
#include "loop_private.h"
#include "util.h"

/* Completions that may wait in the ring; the engine keeps below that. */
#define URING_CQ_ENTRIES (16U * LOOP_RING_ENTRIES)
/* Full submission queue: attempts to empty it. */
#define URING_SUBMIT_TRIES_MAX 1000

/*
 * What a watch's poll points to: it outlives the watch until the ring has let
 * go of it.
 */
struct uring_node {
	struct loop_completion completion;
	struct loop_watch *watch;	/* NULL: stopped */
	struct loop *loop;
	struct uring_node *next;
};

struct loop_uring {
	struct loop base;
	struct io_uring ring;
	struct loop_completion wake;
	uint64_t wake_count;
	struct loop_completion ignored;
	struct uring_node *nodes;
};

static struct loop_uring *uring_of(struct loop *loop)
{
	return container_of(loop, struct loop_uring, base);
}

struct io_uring *loop_uring_ring(struct loop *loop)
{
	return &uring_of(loop)->ring;
}

/* Makes room for COUNT entries that must be submitted together. */
static void uring_reserve(struct loop_uring *lu, unsigned int count)
{
	int tries;

	for (tries = 0; tries < URING_SUBMIT_TRIES_MAX; tries++) {
		if (io_uring_sq_space_left(&lu->ring) >= count)
			return;
		/* EAGAIN, EBUSY: the kernel is short of memory for a moment. */
		if (io_uring_submit(&lu->ring) < 0)
			io_uring_get_events(&lu->ring);
	}
	log_error("io_uring takes no more operations");
	abort();
}

struct io_uring_sqe *loop_sqe(struct loop *loop,
			      struct loop_completion *completion)
{
	struct loop_uring *lu = uring_of(loop);
	struct io_uring_sqe *sqe;

	uring_reserve(lu, 1);
	sqe = io_uring_get_sqe(&lu->ring);
	io_uring_sqe_set_data(sqe, completion);
	return sqe;
}

/*
 * liburing's io_uring_prep_*() clear user_data in some versions and leave it in
 * others: set it after them.
 */
static void uring_cancel(struct loop_uring *lu, const void *user_data)
{
	struct io_uring_sqe *sqe = loop_sqe(&lu->base, &lu->ignored);

	io_uring_prep_cancel(sqe, (void *)(uintptr_t)user_data, 0);
	io_uring_sqe_set_data(sqe, &lu->ignored);
}

/* Its own completions are none of the user's callbacks. */
static void uring_ignored(struct loop_completion *completion, int result)
{
	struct loop_uring *lu = container_of(completion, struct loop_uring,
					     ignored);

	(void)result;
	lu->base.callback_count--;
}

static void uring_wake_arm(struct loop_uring *lu)
{
	struct io_uring_sqe *sqe = loop_sqe(&lu->base, &lu->wake);

	io_uring_prep_read(sqe, lu->base.wake_fd, &lu->wake_count,
			   sizeof(lu->wake_count), 0);
	io_uring_sqe_set_data(sqe, &lu->wake);
}

static void uring_wake_done(struct loop_completion *completion, int result)
{
	struct loop_uring *lu = container_of(completion, struct loop_uring,
					     wake);

	(void)result;
	lu->base.callback_count--;
	uring_wake_arm(lu);
}

int loop_uring_watch_wake(struct loop *loop)
{
	struct loop_uring *lu = uring_of(loop);

	lu->wake.done = uring_wake_done;
	uring_wake_arm(lu);
	return 0;
}

static void uring_read_arm(struct loop_uring *lu, struct loop_read *rd)
{
	struct io_uring_sqe *sqe;

	uring_reserve(lu, 2);	/* a link does not span two submissions */
	sqe = io_uring_get_sqe(&lu->ring);
	io_uring_prep_poll_add(sqe, rd->fd, POLLIN | EPOLLEXCLUSIVE);
	io_uring_sqe_set_data(sqe, &rd->poll_completion);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS);

	sqe = io_uring_get_sqe(&lu->ring);
	io_uring_prep_read(sqe, rd->fd, rd->buffer, (unsigned int)rd->size, 0);
	io_uring_sqe_set_data(sqe, &rd->read_completion);
}

/* The read ran, or was cancelled while it waited after losing a race. */
static void uring_read_done(struct loop_completion *completion, int result)
{
	struct loop_read *rd = container_of(completion, struct loop_read,
					    read_completion);

	rd->loop->callback_count--;
	if (result == -EAGAIN && !rd->cancelled) {
		uring_read_arm(uring_of(rd->loop), rd);
		return;
	}
	loop_read_deliver(rd, result == -EAGAIN ? -ECANCELED : result);
}

/* Only failures come here, and then the read reports nothing. */
static void uring_poll_failed(struct loop_completion *completion, int result)
{
	struct loop_read *rd = container_of(completion, struct loop_read,
					    poll_completion);

	rd->loop->callback_count--;
	loop_read_deliver(rd, rd->cancelled ? -ECANCELED : result);
}

static void uring_read_start(struct loop *loop, struct loop_read *rd)
{
	rd->poll_completion.done = uring_poll_failed;
	rd->read_completion.done = uring_read_done;
	uring_read_arm(uring_of(loop), rd);
}

/* Whichever of the two waits. */
static void uring_read_cancel(struct loop *loop, struct loop_read *rd)
{
	uring_cancel(uring_of(loop), &rd->poll_completion);
	uring_cancel(uring_of(loop), &rd->read_completion);
}

static void uring_node_arm(struct loop_uring *lu, struct uring_node *node)
{
	struct io_uring_sqe *sqe = loop_sqe(&lu->base, &node->completion);

	io_uring_prep_poll_add(sqe, node->watch->fd, POLLIN);
	io_uring_sqe_set_data(sqe, &node->completion);
}

static void uring_node_free(struct loop_uring *lu, struct uring_node *node)
{
	struct uring_node **link = &lu->nodes;

	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	free(node);
}

static void uring_node_done(struct loop_completion *completion, int result)
{
	struct uring_node *node = container_of(completion, struct uring_node,
					       completion);
	struct loop_uring *lu = uring_of(node->loop);

	if (node->watch && result >= 0)
		node->watch->ready(node->watch);
	else
		lu->base.callback_count--;
	if (node->watch)
		uring_node_arm(lu, node);
	else
		uring_node_free(lu, node);
}

static int uring_watch_start(struct loop *loop, struct loop_watch *watch)
{
	struct loop_uring *lu = uring_of(loop);
	struct uring_node *node = calloc(1, sizeof(*node));

	if (!node)
		return -ENOMEM;
	node->completion.done = uring_node_done;
	node->watch = watch;
	node->loop = loop;
	node->next = lu->nodes;
	lu->nodes = node;
	watch->node = node;
	uring_node_arm(lu, node);
	return 0;
}

/* From ready(): no poll is armed and the cancel finds nothing. */
static void uring_watch_stop(struct loop *loop, struct loop_watch *watch)
{
	struct uring_node *node = watch->node;

	node->watch = NULL;
	uring_cancel(uring_of(loop), &node->completion);
}

/* Spins for completions; they come only when the kernel is asked. */
static void uring_spin(struct loop_uring *lu)
{
	uint64_t until = now_ns() + lu->base.poll_us * NSEC_PER_USEC;

	while (!io_uring_cq_ready(&lu->ring) && !loop_disturbed(&lu->base) &&
	       now_ns() < until) {
		if (io_uring_submit_and_get_events(&lu->ring) < 0)
			return;
	}
}

static int uring_loop_wait(struct loop *loop, bool sleep)
{
	struct loop_uring *lu = uring_of(loop);
	struct io_uring_cqe *cqe;
	int ret = 0;

	if (sleep && loop->poll_us) {
		uring_spin(lu);
		sleep = !loop_disturbed(loop);
	}
	if (sleep && !io_uring_cq_ready(&lu->ring))
		ret = io_uring_submit_and_wait(&lu->ring, 1);
	else
		ret = io_uring_submit_and_get_events(&lu->ring);
	/* EAGAIN, EBUSY: completions first, then it goes on. */
	if (ret < 0 && ret != -EINTR && ret != -EAGAIN && ret != -EBUSY)
		return ret;

	while (io_uring_peek_cqe(&lu->ring, &cqe) == 0) {
		struct loop_completion *completion = io_uring_cqe_get_data(cqe);
		int result = cqe->res;

		/* First: callbacks may submit. */
		io_uring_cqe_seen(&lu->ring, cqe);
		loop->callback_count++;
		completion->done(completion, result);
	}
	return 0;
}

static void uring_loop_close(struct loop *loop)
{
	struct loop_uring *lu = uring_of(loop);

	io_uring_queue_exit(&lu->ring);
	while (lu->nodes)
		uring_node_free(lu, lu->nodes);
	free(lu);
}

const struct loop_ops loop_uring_ops = {
	.close = uring_loop_close,
	.wait = uring_loop_wait,
	.read_start = uring_read_start,
	.read_cancel = uring_read_cancel,
	.watch_start = uring_watch_start,
	.watch_stop = uring_watch_stop,
};

/* The best set-up that the kernel knows: 6.1, 5.19, before. 0 or -errno. */
static int uring_setup(struct io_uring *ring)
{
	static const unsigned int flags[] = {
		IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
			IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN,
		0,
	};
	const unsigned int needed = IORING_FEAT_NODROP | IORING_FEAT_FAST_POLL |
				    IORING_FEAT_CQE_SKIP;
	unsigned int i;
	int ret = -EINVAL;

	for (i = 0; ret == -EINVAL && i < ARRAY_SIZE(flags); i++) {
		struct io_uring_params params = {
			.flags = flags[i] | IORING_SETUP_CQSIZE |
				 IORING_SETUP_CLAMP,
			.cq_entries = URING_CQ_ENTRIES,
		};

		ret = io_uring_queue_init_params(LOOP_RING_ENTRIES, ring,
						 &params);
		if (ret == 0 && (params.features & needed) != needed) {
			io_uring_queue_exit(ring);
			return -ENOSYS;
		}
	}
	return ret;
}

int loop_uring_open(struct loop **ret)
{
	struct loop_uring *lu = calloc(1, sizeof(*lu));
	int err;

	if (!lu)
		return -ENOMEM;
	err = uring_setup(&lu->ring);
	if (err) {
		free(lu);
		return err;
	}
	/* Saves a descriptor lookup a call; works without. */
	io_uring_register_ring_fd(&lu->ring);
	lu->ignored.done = uring_ignored;
	lu->base.ops = &loop_uring_ops;
	*ret = &lu->base;
	return 0;
}
