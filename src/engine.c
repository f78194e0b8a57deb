/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all engines have in common: choosing one, continuing short transfers,
 * trying again after EINTR and EAGAIN, the backlog of a busy engine.
 *
 *   an operation is   until
 *   submitted         its engine answers: done, queued or busy
 *   in the backlog    the next flush, in the order of arrival
 *   queued            the engine calls io_op_finished()
 *   settled           result is set; the caller is told exactly once
 *
 * A transfer that ended either settles its operation or is followed by another.
 * Threads: the loop's only; no locks.
 */
#include <errno.h>
#include <string.h>

#include "engine.h"
#include "log.h"
#include "util.h"

static size_t io_op_remaining(const struct io_op *op)
{
	size_t bytes = 0;
	int i;

	for (i = 0; i < op->iov_count; i++)
		bytes += op->iov[i].iov_len;
	return bytes;
}

/* Steps over BYTES that were moved. */
static void io_op_advance(struct io_op *op, size_t bytes)
{
	op->moved_bytes += bytes;
	while (op->iov_count && bytes >= op->iov->iov_len) {
		bytes -= op->iov->iov_len;
		op->iov++;
		op->iov_count--;
	}
	if (op->iov_count) {
		op->iov->iov_base = (char *)op->iov->iov_base + bytes;
		op->iov->iov_len -= bytes;
	}
}

/* Whether RESULT, an error, is worth another try. */
static bool io_op_retry(struct io_op *op, ssize_t result)
{
	if (op->cancelled)
		return false;
	if (result != -EINTR &&
	    (result != -EAGAIN || (op->rw_flags & RWF_NOWAIT)))
		return false;
	return op->retry_count++ < IO_RETRY_MAX;
}

/* A transfer ended with RESULT: true if op->result is final now. */
static bool io_op_settle(struct io_op *op, ssize_t result)
{
	if (result < 0) {
		if (io_op_retry(op, result))
			return false;
		op->result = op->moved_bytes ? (ssize_t)op->moved_bytes :
					       result;
		return true;
	}
	if (op->kind == IO_FSYNC) {
		op->result = 0;
		return true;
	}
	op->retry_count = 0;
	io_op_advance(op, (size_t)result);
	op->result = (ssize_t)op->moved_bytes;
	if (!io_op_remaining(op))
		return true;
	if (result > 0 && !op->cancelled)
		return false;
	/* End of file; or a host that writes nothing and says no reason. */
	if (!op->moved_bytes && op->kind == IO_WRITE)
		op->result = -EIO;
	return true;
}

static void backlog_append(struct io_engine *engine, struct io_op *op)
{
	op->next = NULL;
	*engine->backlog_tail = op;
	engine->backlog_tail = &op->next;
}

static struct io_op *backlog_pop(struct io_engine *engine)
{
	struct io_op *op = engine->backlog_head;

	engine->backlog_head = op->next;
	if (!engine->backlog_head)
		engine->backlog_tail = &engine->backlog_head;
	return op;
}

/* Transfers until op is settled (IO_DONE), queued, or the engine is busy. */
static enum io_status io_op_transfer(struct io_op *op)
{
	struct io_engine *engine = op->engine;

	for (;;) {
		enum io_status status = engine->ops->submit(engine, op);

		if (status == IO_QUEUED)
			engine->in_flight++;
		if (status != IO_DONE)
			return status;
		if (io_op_settle(op, op->result))
			return IO_DONE;
	}
}

enum io_status engine_submit(struct io_engine *engine, struct io_op *op)
{
	op->engine = engine;
	op->moved_bytes = 0;
	op->retry_count = 0;
	op->cancelled = false;
	if (op->kind != IO_FSYNC && !io_op_remaining(op)) {
		op->result = 0;
		return IO_DONE;
	}
	/* Those that wait were first. */
	if (!engine->backlog_head) {
		enum io_status status = io_op_transfer(op);

		if (status != IO_BUSY)
			return status;
	}
	backlog_append(engine, op);
	return IO_QUEUED;
}

/* Also from flushes, which the loop does not count by itself. */
static void io_op_tell(struct io_op *op)
{
	loop_ran_callback(op->engine->loop);
	op->done(op);
}

void io_op_finished(struct io_op *op, ssize_t result)
{
	op->engine->in_flight--;
	if (!io_op_settle(op, result)) {
		enum io_status status = io_op_transfer(op);

		if (status == IO_QUEUED)
			return;
		if (status == IO_BUSY) {
			backlog_append(op->engine, op);
			return;
		}
	}
	io_op_tell(op);
}

/* Before the loop sleeps: what waited, then the engine's own batch. */
static void engine_flush(struct loop_flush *flush)
{
	struct io_engine *engine = container_of(flush, struct io_engine,
						loop_flush);

	while (engine->backlog_head) {
		struct io_op *op = backlog_pop(engine);
		enum io_status status = io_op_transfer(op);

		if (status == IO_BUSY) {
			op->next = engine->backlog_head;
			if (!op->next)
				engine->backlog_tail = &op->next;
			engine->backlog_head = op;
			break;
		}
		if (status == IO_DONE)
			io_op_tell(op);
	}
	if (engine->ops->flush)
		engine->ops->flush(engine);
}

/* done() never runs inside engine_cancel(). */
static void cancelled_in_backlog(struct loop_task *task)
{
	struct io_op *op = container_of(task, struct io_op, task);

	op->done(op);
}

/* Takes op out of the backlog; false if it is not there. */
static bool backlog_remove(struct io_engine *engine, struct io_op *op)
{
	struct io_op **link;

	for (link = &engine->backlog_head; *link; link = &(*link)->next) {
		if (*link != op)
			continue;
		*link = op->next;
		if (!*link)
			engine->backlog_tail = link;
		return true;
	}
	return false;
}

void engine_cancel(struct io_engine *engine, struct io_op *op)
{
	if (op->cancelled)
		return;
	op->cancelled = true;
	if (backlog_remove(engine, op)) {
		op->result = op->moved_bytes ? (ssize_t)op->moved_bytes :
					       -ECANCELED;
		op->task.run = cancelled_in_backlog;
		loop_post(engine->loop, &op->task);
		return;
	}
	if (engine->ops->cancel)
		engine->ops->cancel(engine, op);
}

void io_engine_init(struct io_engine *engine, const struct io_engine_ops *ops,
		    struct loop *loop)
{
	engine->ops = ops;
	engine->loop = loop;
	engine->in_flight = 0;
	engine->backlog_head = NULL;
	engine->backlog_tail = &engine->backlog_head;
	engine->loop_flush.flush = engine_flush;
	loop_add_flush(loop, &engine->loop_flush);
}

/* In the order of preference: ENGINE_AUTO takes the first that opens. */
static const struct {
	enum engine_kind kind;
	const struct io_engine_ops *ops;
} engine_table[] = {
	{ ENGINE_URING, &engine_uring_ops },
	{ ENGINE_AIO, &engine_aio_ops },
	{ ENGINE_SYNC, &engine_sync_ops },
};

int engine_open(const struct config *config, struct loop *loop,
		struct io_engine **ret)
{
	int err = -EINVAL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(engine_table); i++) {
		const struct io_engine_ops *ops = engine_table[i].ops;

		if (config->engine != ENGINE_AUTO &&
		    config->engine != engine_table[i].kind)
			continue;
		err = ops->open(config, loop, ret);
		if (err == 0 || config->engine != ENGINE_AUTO)
			return err;
		log_info("engine %s is not to be had here (%s)", ops->name,
			 strerror(-err));
	}
	return err;
}

void engine_close(struct io_engine *engine)
{
	loop_remove_flush(engine->loop, &engine->loop_flush);
	engine->ops->close(engine);
}
