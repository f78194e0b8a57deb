/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A decorator of any engine that fails, shortens, delays or reorders transfers by
 * rule: for tests and fault drills. It counts the transfers that are submitted to
 * it, for each rule those of the rule's kind, from 1.
 *
 * Each transfer becomes an operation of its own for the engine below, with its
 * own iovec, so that what that one moves is seen here as one transfer.
 *
 *   a transfer is   until
 *   delayed         its timer fires
 *   held            another one has ended, or none is left that could
 *   below           the engine below is done with it
 *
 * Threads: the loop's only; no locks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "util.h"

struct fault_state {
	struct fault_rule rule;
	uint64_t seen;		/* transfers of the rule's kind so far */
};

struct engine_fault {
	struct io_engine base;
	struct io_engine *next;
	struct fault_transfer *held;	/* one at most */
	unsigned int running;		/* delayed or below */
	unsigned int rule_count;
	struct fault_state rules[];
};

enum fault_place { FAULT_DELAYED, FAULT_HELD, FAULT_BELOW };

struct fault_transfer {
	struct io_op op;		/* as the engine below sees it */
	struct io_op *outer;
	struct engine_fault *ef;
	enum fault_place place;
	struct loop_timer timer;
	struct iovec iov[];
};

static struct engine_fault *fault_of(struct io_engine *engine)
{
	return container_of(engine, struct engine_fault, base);
}

static void fault_run(struct fault_transfer *transfer);

/* Nothing is held any more: what was goes on. */
static void fault_release_held(struct engine_fault *ef)
{
	struct fault_transfer *transfer = ef->held;

	if (!transfer)
		return;
	ef->held = NULL;
	ef->running++;
	fault_run(transfer);
}

static void fault_finish(struct fault_transfer *transfer, ssize_t result)
{
	struct engine_fault *ef = transfer->ef;
	struct io_op *outer = transfer->outer;

	ef->running--;
	outer->private = NULL;
	free(transfer);
	io_op_finished(outer, result);
	fault_release_held(ef);
}

static void fault_below_done(struct io_op *op)
{
	fault_finish(container_of(op, struct fault_transfer, op), op->result);
}

/* Hands a delayed or held transfer to the engine below. */
static void fault_run(struct fault_transfer *transfer)
{
	transfer->place = FAULT_BELOW;
	if (engine_submit(transfer->ef->next, &transfer->op) == IO_DONE)
		fault_finish(transfer, transfer->op.result);
}

static void fault_delay_over(struct loop_timer *timer)
{
	fault_run(container_of(timer, struct fault_transfer, timer));
}

/* The rule that this transfer meets first; every rule counts it. */
static const struct fault_rule *fault_match(struct engine_fault *ef,
					    const struct io_op *op)
{
	const struct fault_rule *found = NULL;
	unsigned int i;

	for (i = 0; i < ef->rule_count; i++) {
		struct fault_state *state = &ef->rules[i];
		const struct fault_rule *rule = &state->rule;

		if (!rule->any_kind && rule->kind != op->kind)
			continue;
		state->seen++;
		if (!found && (state->seen == rule->nth ||
			       (rule->persistent && state->seen > rule->nth)))
			found = rule;
	}
	return found;
}

/* Cuts the transfer to BYTES, but never to nothing: that would be an end. */
static void fault_shorten(struct io_op *op, size_t bytes)
{
	int i;

	if (!bytes)
		bytes = 1;
	for (i = 0; i < op->iov_count && bytes; i++) {
		if (op->iov[i].iov_len > bytes)
			op->iov[i].iov_len = bytes;
		bytes -= op->iov[i].iov_len;
	}
	op->iov_count = i;
}

static struct fault_transfer *fault_transfer_new(struct engine_fault *ef,
						 struct io_op *outer)
{
	size_t count = outer->kind == IO_FSYNC ? 0 : (size_t)outer->iov_count;
	struct fault_transfer *transfer;

	transfer = calloc(1, sizeof(*transfer) +
				     count * sizeof(transfer->iov[0]));
	if (!transfer)
		return NULL;
	transfer->ef = ef;
	transfer->outer = outer;
	transfer->op.kind = outer->kind;
	transfer->op.creds = outer->creds;
	transfer->op.fd = outer->fd;
	transfer->op.iov = transfer->iov;
	transfer->op.iov_count = (int)count;
	transfer->op.offset = io_op_position(outer);
	transfer->op.rw_flags = outer->rw_flags;
	transfer->op.datasync = outer->datasync;
	transfer->op.done = fault_below_done;
	if (count)
		memcpy(transfer->iov, outer->iov,
		       count * sizeof(transfer->iov[0]));
	outer->private = transfer;
	return transfer;
}

static enum io_status fault_start(struct engine_fault *ef,
				  struct fault_transfer *transfer)
{
	struct io_op *outer = transfer->outer;

	transfer->place = FAULT_BELOW;
	if (engine_submit(ef->next, &transfer->op) != IO_DONE) {
		ef->running++;
		return IO_QUEUED;
	}
	outer->result = transfer->op.result;
	outer->private = NULL;
	free(transfer);
	return IO_DONE;
}

static enum io_status engine_fault_submit(struct io_engine *engine,
					  struct io_op *op)
{
	struct engine_fault *ef = fault_of(engine);
	const struct fault_rule *rule = fault_match(ef, op);
	struct fault_transfer *transfer;

	if (rule && rule->action == FAULT_ERROR) {
		op->result = -rule->error;
		return IO_DONE;
	}
	transfer = fault_transfer_new(ef, op);
	if (!transfer) {
		op->result = -ENOMEM;
		return IO_DONE;
	}
	if (!rule)
		return fault_start(ef, transfer);
	switch (rule->action) {
	case FAULT_SHORT:
		fault_shorten(&transfer->op, rule->short_bytes);
		break;
	case FAULT_DELAY:
		ef->running++;
		transfer->place = FAULT_DELAYED;
		transfer->timer.deadline_ns = now_ns() + rule->delay_ns;
		transfer->timer.fire = fault_delay_over;
		loop_timer_start(engine->loop, &transfer->timer);
		return IO_QUEUED;
	case FAULT_REORDER:
		if (ef->held)
			break;
		transfer->place = FAULT_HELD;
		ef->held = transfer;
		return IO_QUEUED;
	case FAULT_ERROR:
		break;
	}
	return fault_start(ef, transfer);
}

/* Nobody comes whom the held one could let pass. */
static int engine_fault_flush(struct io_engine *engine)
{
	struct engine_fault *ef = fault_of(engine);

	if (!ef->running)
		fault_release_held(ef);
	return 0;
}

static void fault_cancelled(struct loop_task *task)
{
	struct io_op *op = container_of(task, struct io_op, task);

	fault_finish(container_of(op, struct fault_transfer, op), -ECANCELED);
}

static int engine_fault_cancel(struct io_engine *engine, struct io_op *op)
{
	struct engine_fault *ef = fault_of(engine);
	struct fault_transfer *transfer = op->private;

	switch (transfer->place) {
	case FAULT_BELOW:
		engine_cancel(ef->next, &transfer->op);
		return 0;
	case FAULT_HELD:
		ef->held = NULL;
		ef->running++;
		break;
	case FAULT_DELAYED:
		loop_timer_stop(engine->loop, &transfer->timer);
		break;
	}
	transfer->op.task.run = fault_cancelled;
	loop_post(engine->loop, &transfer->op.task);
	return 0;
}

static void engine_fault_close(struct io_engine *engine)
{
	struct engine_fault *ef = fault_of(engine);

	engine_close(ef->next);
	free(ef);
}

static const struct io_engine_ops engine_fault_ops = {
	.name = "fault",
	.flags = 0,
	.submit = engine_fault_submit,
	.flush = engine_fault_flush,
	.cancel = engine_fault_cancel,
	.close = engine_fault_close,
};

int engine_fault_wrap(struct io_engine *next, const struct fault_rule *rules,
		      unsigned int rule_count, struct io_engine **ret)
{
	struct engine_fault *ef;
	unsigned int i;

	ef = calloc(1, sizeof(*ef) + rule_count * sizeof(ef->rules[0]));
	if (!ef)
		return -ENOMEM;
	ef->next = next;
	ef->rule_count = rule_count;
	for (i = 0; i < rule_count; i++)
		ef->rules[i].rule = rules[i];
	io_engine_init(&ef->base, &engine_fault_ops, next->loop);
	*ret = &ef->base;
	return 0;
}
