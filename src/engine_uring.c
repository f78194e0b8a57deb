/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Backing I/O by the ring of the loop: operations go to the host together with
 * the loop's own, in the call that waits.
 *
 * An operation acts with its submitter's credentials. Those of IO_CREDS_PLAIN
 * name a personality, which is the loop's thread as it was while plain. It is
 * made once, when the engine opens, and only by a privileged server.
 *
 * Threads: the loop's only; no locks.
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <unistd.h>

#include "creds.h"
#include "engine.h"
#include "util.h"

/* In flight at once; fewer than the ring has room for completions. */
#define URING_OPS_MAX (8U * LOOP_RING_ENTRIES)
/* Writes that are not asked whether they would wait, after one could not say. */
#define URING_UNASKED_WRITES 1024U

struct engine_uring {
	struct io_engine base;
	int personality;	/* 0: none needed */
	unsigned int unasked_writes;	/* that are left */
	struct loop_completion ignored;
};

static struct engine_uring *uring_of(struct io_engine *engine)
{
	return container_of(engine, struct engine_uring, base);
}

static void uring_op_done(struct loop_completion *completion, int result)
{
	io_op_finished(container_of(completion, struct io_op, completion),
		       result);
}

static void uring_ignored(struct loop_completion *completion, int result)
{
	(void)completion;
	(void)result;
}

static void uring_prep(struct io_uring_sqe *sqe, struct io_op *op)
{
	uint64_t position = io_op_position(op);
	const struct iovec *iov = op->iov;
	unsigned int count = (unsigned int)op->iov_count;

	switch (op->kind) {
	case IO_READ:
		if (count == 1)
			io_uring_prep_read(sqe, op->fd, iov->iov_base,
					   (unsigned int)iov->iov_len,
					   position);
		else
			io_uring_prep_readv(sqe, op->fd, iov, count, position);
		sqe->rw_flags = op->rw_flags;
		break;
	case IO_WRITE:
		if (count == 1)
			io_uring_prep_write(sqe, op->fd, iov->iov_base,
					    (unsigned int)iov->iov_len,
					    position);
		else
			io_uring_prep_writev(sqe, op->fd, iov, count, position);
		sqe->rw_flags = op->rw_flags;
		break;
	case IO_FSYNC:
		io_uring_prep_fsync(sqe, op->fd,
				    op->datasync ? IORING_FSYNC_DATASYNC : 0);
		break;
	}
}

/*
 * ext4 cannot say whether a buffered write would wait (EOPNOTSUPP), and io_uring
 * hands every such write to a kernel thread, at twice the cost of writing here: then
 * the loop's thread is throttled like any other writer. Other files may be on a
 * file system that can say it, so it is asked again now and then.
 */
static ssize_t uring_write_now(struct engine_uring *eu, struct io_op *op)
{
	ssize_t n;

	if (eu->unasked_writes) {
		eu->unasked_writes--;
		return io_op_perform(op);
	}
	n = io_op_perform_now(op);
	if (n != -EOPNOTSUPP)
		return n;
	eu->unasked_writes = URING_UNASKED_WRITES;
	return io_op_perform(op);
}

/* Data that is, or only goes, to the page cache moves at once. */
static bool uring_done_now(struct engine_uring *eu, struct io_op *op)
{
	ssize_t n;

	if (op->direct || op->kind == IO_FSYNC || io_op_syncs(op))
		return false;
	n = op->kind == IO_WRITE ? uring_write_now(eu, op) :
				   io_op_perform_now(op);
	if (n == -EAGAIN || n == -EOPNOTSUPP || n == -EINTR)
		return false;
	op->result = n;
	return true;
}

static enum io_status engine_uring_submit(struct io_engine *engine,
					  struct io_op *op)
{
	struct engine_uring *eu = uring_of(engine);
	struct io_uring_sqe *sqe;

	if (uring_done_now(eu, op))
		return IO_DONE;
	if (engine->in_flight >= URING_OPS_MAX)
		return IO_BUSY;
	op->completion.done = uring_op_done;
	sqe = loop_sqe(engine->loop, &op->completion);
	uring_prep(sqe, op);
	if (op->kind == IO_WRITE && op->creds == IO_CREDS_PLAIN)
		sqe->personality = (uint16_t)eu->personality;
	io_uring_sqe_set_data(sqe, &op->completion);
	return IO_QUEUED;
}

/* The loop submits before it waits. */
static int engine_uring_flush(struct io_engine *engine)
{
	(void)engine;
	return 0;
}

static int engine_uring_cancel(struct io_engine *engine, struct io_op *op)
{
	struct engine_uring *eu = uring_of(engine);
	struct io_uring_sqe *sqe = loop_sqe(engine->loop, &eu->ignored);

	io_uring_prep_cancel(sqe, &op->completion, 0);
	io_uring_sqe_set_data(sqe, &eu->ignored);
	return 0;
}

static int uring_make_personality(struct io_uring *ring)
{
	struct creds_scope scope;
	int ret;

	if (geteuid() != 0)
		return 0;
	ret = creds_enter_io(IO_CREDS_PLAIN, &scope);
	if (ret < 0)
		return ret;
	ret = io_uring_register_personality(ring);
	creds_leave(&scope);
	return ret;
}

static int engine_uring_open(const struct config *config, struct loop *loop,
			     struct io_engine **ret)
{
	struct engine_uring *eu;
	struct io_uring *ring = loop_ring(loop);
	int err;

	(void)config;
	if (!ring)
		return -ENOSYS;
	eu = calloc(1, sizeof(*eu));
	if (!eu)
		return -ENOMEM;
	err = uring_make_personality(ring);
	if (err < 0) {
		free(eu);
		return err;
	}
	eu->personality = err;
	eu->ignored.done = uring_ignored;
	io_engine_init(&eu->base, &engine_uring_ops, loop);
	*ret = &eu->base;
	return 0;
}

static void engine_uring_close(struct io_engine *engine)
{
	struct engine_uring *eu = uring_of(engine);

	if (eu->personality)
		io_uring_unregister_personality(loop_ring(engine->loop),
						eu->personality);
	free(eu);
}

const struct io_engine_ops engine_uring_ops = {
	.name = "uring",
	.flags = 0,
	.open = engine_uring_open,
	.submit = engine_uring_submit,
	.flush = engine_uring_flush,
	.cancel = engine_uring_cancel,
	.close = engine_uring_close,
};
