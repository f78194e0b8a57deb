/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Backing I/O by Linux AIO, for where io_uring is forbidden. Files opened
 * O_DIRECT are truly asynchronous: their operations are collected, submitted
 * together when the loop flushes, and their ends come by an eventfd that the
 * loop watches. For other files the kernel's AIO would block in the submission:
 * reads that the page cache can answer are done at once (RWF_NOWAIT), the rest
 * goes to a few threads.
 *
 * Threads: the loop's, and the workqueue's. No locks. Credentials: a direct write
 * takes its submitter's, so that plain ones are submitted while plain.
 */
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "creds.h"
#include "engine.h"
#include "util.h"

/* Direct operations of one loop in flight, also the largest batch. */
#define AIO_SLOTS_MAX 256U
#define AIO_WORKERS 4U
#define AIO_EVENTS_BATCH 64

struct aio_slot {
	struct iocb iocb;
	struct io_op *op;
	struct aio_slot *next;	/* while free */
};

struct engine_aio {
	struct io_engine base;
	io_context_t context;
	int event_fd;
	struct loop_watch watch;
	struct workqueue *workers;
	struct aio_slot *free;
	unsigned int at_host;	/* direct operations that the kernel has */
	unsigned int batch_count;
	struct iocb *batch[AIO_SLOTS_MAX];
	struct aio_slot slots[AIO_SLOTS_MAX];
};

static struct engine_aio *aio_of(struct io_engine *engine)
{
	return container_of(engine, struct engine_aio, base);
}

static struct aio_slot *slot_of(struct iocb *iocb)
{
	return container_of(iocb, struct aio_slot, iocb);
}

static void aio_slot_put(struct engine_aio *ea, struct aio_slot *slot)
{
	slot->next = ea->free;
	ea->free = slot;
}

static void aio_slot_finish(struct engine_aio *ea, struct aio_slot *slot,
			    ssize_t result)
{
	struct io_op *op = slot->op;

	aio_slot_put(ea, slot);
	io_op_finished(op, result);
}

static bool aio_is_direct(const struct io_op *op)
{
	int flags;

	if (op->kind == IO_FSYNC)
		return false;
	flags = fcntl(op->fd, F_GETFL);
	return flags >= 0 && (flags & O_DIRECT);
}

static void aio_prep(struct engine_aio *ea, struct aio_slot *slot)
{
	struct io_op *op = slot->op;

	if (op->kind == IO_READ)
		io_prep_preadv(&slot->iocb, op->fd, op->iov, op->iov_count,
			       (long long)io_op_position(op));
	else
		io_prep_pwritev(&slot->iocb, op->fd, op->iov, op->iov_count,
				(long long)io_op_position(op));
	slot->iocb.data = slot;
	slot->iocb.aio_rw_flags = (unsigned int)op->rw_flags;
	io_set_eventfd(&slot->iocb, ea->event_fd);
}

/* What the page cache has at hand. False: it would block, or cannot tell. */
static bool aio_read_cached(struct io_op *op)
{
	ssize_t n = io_op_perform_now(op);

	if (n == -EAGAIN || n == -EOPNOTSUPP || n == -EINTR)
		return false;
	op->result = n;
	return true;
}

static enum io_status engine_aio_submit(struct io_engine *engine,
					struct io_op *op)
{
	struct engine_aio *ea = aio_of(engine);
	struct aio_slot *slot;

	if (!aio_is_direct(op)) {
		if (op->kind == IO_READ && aio_read_cached(op))
			return IO_DONE;
		return io_op_offload(ea->workers, op);
	}
	slot = ea->free;
	if (!slot)
		return IO_BUSY;
	ea->free = slot->next;
	slot->op = op;
	aio_prep(ea, slot);
	ea->batch[ea->batch_count++] = &slot->iocb;
	return IO_QUEUED;
}

static bool aio_is_plain(struct iocb *iocb)
{
	const struct io_op *op = slot_of(iocb)->op;

	return op->kind == IO_WRITE && op->creds == IO_CREDS_PLAIN;
}

/* Submits COUNT of them that have the same credentials: how many, or -errno. */
static int aio_submit_alike(struct engine_aio *ea, struct iocb **iocbs,
			    unsigned int count)
{
	bool plain = aio_is_plain(iocbs[0]);
	struct creds_scope scope;
	int ret;

	if (plain) {
		ret = creds_enter_io(IO_CREDS_PLAIN, &scope);
		if (ret < 0)
			return ret;
	}
	ret = io_submit(ea->context, (long)count, iocbs);
	if (plain)
		creds_leave(&scope);
	if (ret > 0)
		ea->at_host += (unsigned int)ret;
	return ret;
}

/* The kernel is short of iocbs and none of ours will bring relief. */
static void aio_offload_all(struct engine_aio *ea, struct iocb **iocbs,
			    unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct aio_slot *slot = slot_of(iocbs[i]);
		struct io_op *op = slot->op;

		aio_slot_put(ea, slot);
		io_op_offload(ea->workers, op);
	}
}

/* The batch is taken first: what fails at once may lead to new operations. */
static int engine_aio_flush(struct io_engine *engine)
{
	struct engine_aio *ea = aio_of(engine);
	struct iocb *batch[AIO_SLOTS_MAX];
	unsigned int count = ea->batch_count, i, end;
	int n;

	memcpy(batch, ea->batch, count * sizeof(batch[0]));
	ea->batch_count = 0;
	for (i = 0; i < count; i += (unsigned int)n) {
		for (end = i + 1; end < count; end++) {
			if (aio_is_plain(batch[end]) != aio_is_plain(batch[i]))
				break;
		}
		n = aio_submit_alike(ea, batch + i, end - i);
		if (n > 0)
			continue;
		if (n == -EAGAIN && ea->at_host) {
			/* Again when some have ended: before newer ones. */
			memmove(ea->batch + (count - i), ea->batch,
				ea->batch_count * sizeof(batch[0]));
			memcpy(ea->batch, batch + i,
			       (count - i) * sizeof(batch[0]));
			ea->batch_count += count - i;
			return 0;
		}
		if (n == -EAGAIN) {
			aio_offload_all(ea, batch + i, count - i);
			return 0;
		}
		/* The error is the first one's; the others were not tried. */
		aio_slot_finish(ea, slot_of(batch[i]), n ? n : -EIO);
		n = 1;
	}
	return 0;
}

static void aio_events_ready(struct loop_watch *watch)
{
	struct engine_aio *ea = container_of(watch, struct engine_aio, watch);
	struct io_event events[AIO_EVENTS_BATCH];
	struct timespec now = { 0 };
	uint64_t count;
	int i, n;

	/* First, so that an end that comes meanwhile is announced again. */
	if (read(ea->event_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	do {
		n = io_getevents(ea->context, 0, AIO_EVENTS_BATCH, events,
				 &now);
		for (i = 0; i < n; i++) {
			ea->at_host--;
			/* res is an unsigned long that holds -errno, too. */
			aio_slot_finish(ea, events[i].data,
					(ssize_t)events[i].res);
		}
	} while (n == AIO_EVENTS_BATCH || n == -EINTR);
}

static int engine_aio_open(const struct config *config, struct loop *loop,
			   struct io_engine **ret)
{
	struct engine_aio *ea = calloc(1, sizeof(*ea));
	unsigned int i;
	int err;

	(void)config;
	if (!ea)
		return -ENOMEM;
	for (i = 0; i < AIO_SLOTS_MAX; i++)
		aio_slot_put(ea, &ea->slots[i]);
	err = io_setup(AIO_SLOTS_MAX, &ea->context);
	if (err)
		goto out_free;
	ea->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ea->event_fd < 0) {
		err = -errno;
		goto out_destroy_context;
	}
	err = workqueue_create("ferryfs-aio", AIO_WORKERS, &ea->workers);
	if (err)
		goto out_close;
	ea->watch.fd = ea->event_fd;
	ea->watch.ready = aio_events_ready;
	err = loop_watch_start(loop, &ea->watch);
	if (err)
		goto out_destroy_workers;
	io_engine_init(&ea->base, &engine_aio_ops, loop);
	*ret = &ea->base;
	return 0;

out_destroy_workers:
	workqueue_destroy(ea->workers);
out_close:
	close(ea->event_fd);
out_destroy_context:
	io_destroy(ea->context);
out_free:
	free(ea);
	return err;
}

static void engine_aio_close(struct io_engine *engine)
{
	struct engine_aio *ea = aio_of(engine);

	loop_watch_stop(engine->loop, &ea->watch);
	workqueue_destroy(ea->workers);
	close(ea->event_fd);
	io_destroy(ea->context);
	free(ea);
}

const struct io_engine_ops engine_aio_ops = {
	.name = "aio",
	.flags = 0,
	.open = engine_aio_open,
	.submit = engine_aio_submit,
	.flush = engine_aio_flush,
	.close = engine_aio_close,
};
