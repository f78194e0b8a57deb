/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Backing I/O by plain system calls: reads and writes on the loop's own thread,
 * fsyncs and writes that include one in a bounded workqueue, because they take
 * long and others wait for the loop. Also what the other engines use to do a
 * transfer on some thread.
 *
 * Threads: the loop's, and the workqueue's; an operation belongs to one
 * of them at a time, and loop_post() brings it back. No locks.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "creds.h"
#include "engine.h"
#include "util.h"

/* Fsyncs of one loop at once. */
#define SYNC_FSYNC_THREADS 4U

struct engine_sync {
	struct io_engine base;
	struct workqueue *fsyncs;
};

static ssize_t sync_write(struct io_op *op)
{
	struct creds_scope scope;
	bool plain = op->creds == IO_CREDS_PLAIN;
	ssize_t n;

	if (plain) {
		int err = creds_enter_io(IO_CREDS_PLAIN, &scope);

		if (err < 0)
			return err;
	}
	n = pwritev2(op->fd, op->iov, op->iov_count,
		     (off_t)io_op_position(op), op->rw_flags);
	if (n < 0)
		n = -errno;
	if (plain)
		creds_leave(&scope);
	return n;
}

ssize_t io_op_perform(struct io_op *op)
{
	ssize_t n = -EINVAL;

	switch (op->kind) {
	case IO_READ:
		n = preadv2(op->fd, op->iov, op->iov_count,
			    (off_t)io_op_position(op), op->rw_flags);
		break;
	case IO_WRITE:
		return sync_write(op);
	case IO_FSYNC:
		n = op->datasync ? fdatasync(op->fd) : fsync(op->fd);
		break;
	}
	return n < 0 ? -errno : n;
}

ssize_t io_op_perform_now(struct io_op *op)
{
	int rw_flags = op->rw_flags;
	ssize_t n;

	op->rw_flags |= RWF_NOWAIT;
	n = io_op_perform(op);
	op->rw_flags = rw_flags;
	return n;
}

/* Back on the loop's thread. */
static void offload_finished(struct loop_task *task)
{
	struct io_op *op = container_of(task, struct io_op, task);

	io_op_finished(op, op->result);
}

/* On a thread of the workqueue. */
static void offload_run(struct work *work)
{
	struct io_op *op = container_of(work, struct io_op, work);

	op->result = io_op_perform(op);
	op->task.run = offload_finished;
	loop_post(op->engine->loop, &op->task);
}

enum io_status io_op_offload(struct workqueue *queue, struct io_op *op)
{
	work_init(&op->work, offload_run);
	workqueue_queue(queue, &op->work);
	return IO_QUEUED;
}

static enum io_status engine_sync_submit(struct io_engine *engine,
					 struct io_op *op)
{
	struct engine_sync *es = container_of(engine, struct engine_sync, base);

	if (op->kind == IO_FSYNC || io_op_syncs(op))
		return io_op_offload(es->fsyncs, op);
	op->result = io_op_perform(op);
	return IO_DONE;
}

static int engine_sync_open(const struct config *config, struct loop *loop,
			    struct io_engine **ret)
{
	struct engine_sync *es = calloc(1, sizeof(*es));
	int err;

	(void)config;
	if (!es)
		return -ENOMEM;
	err = workqueue_create("ferryfs-fsync", SYNC_FSYNC_THREADS,
			       &es->fsyncs);
	if (err) {
		free(es);
		return err;
	}
	io_engine_init(&es->base, &engine_sync_ops, loop);
	*ret = &es->base;
	return 0;
}

static void engine_sync_close(struct io_engine *engine)
{
	struct engine_sync *es = container_of(engine, struct engine_sync, base);

	workqueue_destroy(es->fsyncs);
	free(es);
}

const struct io_engine_ops engine_sync_ops = {
	.name = "sync",
	.flags = IO_SYNC,
	.open = engine_sync_open,
	.submit = engine_sync_submit,
	.close = engine_sync_close,
};
