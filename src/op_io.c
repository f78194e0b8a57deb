/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * READ, WRITE and FSYNC: wait for what is in flight on the same bytes, then the
 * engine moves data between the host's file and the transport's own memory.
 *
 * Everything here runs on the queue's thread, but for io_interrupted() (any
 * thread, under the in-flight lock) and fsync where the engine would block.
 *
 * An INTERRUPT cancels I/O only for a caller who is being killed: any signal
 * sends one, and no program expects EINTR of a regular file.
 */
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "creds_caller.h"
#include "handle.h"
#include "op_wait.h"
#include "session.h"
#include "stats.h"

/* Of req->op_state. CANCEL_POSTED: under the in-flight lock. */
#define CANCEL_POSTED	(1U << 0)
/* Of req->result; the queue's thread only. */
#define CANCEL_RAN	(1 << 0)
#define IO_ENDED	(1 << 1)

static void io_end(struct request *req);

/* The loop's turn to look at an interrupt. */
static void io_cancel_run(struct loop_task *task)
{
	struct request *req = container_of(task, struct request, task);
	struct caller caller;

	req->result |= CANCEL_RAN;
	if (req->result & IO_ENDED) {
		io_end(req);
		return;
	}
	caller_from_request(req, NULL, &caller);
	if (caller_dying(&caller))
		engine_cancel(req->queue->engine, &req->io);
}

static void io_interrupted(struct request *req)
{
	if (req->op_state & CANCEL_POSTED)
		return;
	req->op_state |= CANCEL_POSTED;
	req->task.run = io_cancel_run;
	loop_post(req->queue->loop, &req->task);
}

static void io_done(struct io_op *op)
{
	struct request *req = container_of(op, struct request, io);
	struct session *session = req->queue->session;

	inflight_interruptible(session->inflight, req, NULL);
	req->result |= IO_ENDED;
	/* A task of ours that is still posted needs the request once more. */
	if ((req->op_state & CANCEL_POSTED) && !(req->result & CANCEL_RAN))
		return;
	io_end(req);
}

static void io_start(struct request *req)
{
	struct session *session = req->queue->session;

	req->io.done = io_done;
	if (engine_submit(req->queue->engine, &req->io) == IO_DONE) {
		io_end(req);
		return;
	}
	/* An interrupt that came before this finds nobody: it has no hurry. */
	inflight_interruptible(session->inflight, req, io_interrupted);
}

static void read_end(struct request *req)
{
	if (req->io.result < 0) {
		session_reply_error(req, (int)req->io.result);
		return;
	}
	atomic_fetch_add_explicit(&req->queue->stats->bytes_read,
				  (unsigned long long)req->io.result,
				  memory_order_relaxed);
	session_reply_data(req, (size_t)req->io.result);
}

static void write_end(struct request *req)
{
	/* Before the reply: a held reply must not hold up other writes. */
	writeback_end(&req->inode->writeback, &req->writeback);
	if (req->io.result < 0) {
		session_reply_error(req, (int)req->io.result);
		return;
	}
	atomic_fetch_add_explicit(&req->queue->stats->bytes_written,
				  (unsigned long long)req->io.result,
				  memory_order_relaxed);
	memset(&req->small.write, 0, sizeof(req->small.write));
	req->small.write.size = (uint32_t)req->io.result;
	session_reply_small(req, sizeof(req->small.write));
}

static void io_end(struct request *req)
{
	if (req->io.result == -ECANCELED)
		req->io.result = -EINTR;
	if (req->io.kind == IO_READ)
		read_end(req);
	else if (req->io.kind == IO_WRITE)
		write_end(req);
	else
		session_reply_error(req, (int)req->io.result);
}

/*
 * The first BYTES bytes of IOV as req->io's own vector, because engines advance
 * it. -EINVAL: there are not so many, or in too many pieces.
 */
static int io_vector(struct request *req, const struct iovec *iov, int count,
		     size_t bytes)
{
	int used = 0;

	for (int i = 0; i < count && bytes > 0; i++) {
		if (used == (int)ARRAY_SIZE(req->io_iov))
			return -EINVAL;
		req->io_iov[used] = iov[i];
		if (iov[i].iov_len > bytes)
			req->io_iov[used].iov_len = bytes;
		bytes -= req->io_iov[used].iov_len;
		used++;
	}
	if (bytes > 0)
		return -EINVAL;
	req->io.iov = req->io_iov;
	req->io.iov_count = used;
	return 0;
}

static int check_range(uint64_t offset, uint64_t bytes)
{
	if (offset > INT64_MAX || bytes > INT64_MAX - offset)
		return -EINVAL;
	return 0;
}

static void read_granted(struct writeback_op *op)
{
	struct request *req = request_of_writeback(op);
	struct session *session = req->queue->session;
	const struct fuse_read_in *in = &req->saved.read;
	int fd;

	req->io.direct = (in->flags & O_DIRECT) != 0;
	fd = handle_io_fd(session->handles, req->handle, req->io.direct);
	if (fd < 0) {
		session_reply_error(req, fd);
		return;
	}
	req->io.kind = IO_READ;
	req->io.creds = IO_CREDS_SERVER;
	req->io.fd = fd;
	req->io.offset = in->offset;
	io_start(req);
}

int op_read(struct request *req)
{
	struct session *session = req->queue->session;
	const struct fuse_read_in *in = wire_take(&req->args, sizeof(*in));
	int error;

	if (!in || in->size > req->out_max)
		return -EINVAL;
	error = check_range(in->offset, in->size);
	if (error)
		return error;
	error = handle_get(session->handles, in->fh, HANDLE_FILE, req->inode,
			   &req->handle);
	if (error)
		return error;
	/* The reply's data may overwrite the message. */
	req->saved.read = *in;
	in = &req->saved.read;
	if (in->size == 0) {
		session_reply_data(req, 0);
		return 0;
	}
	error = io_vector(req, req->out_iov, req->out_iov_count, in->size);
	if (error)
		return error;
	/* The client's kernel may release user pages when this completes. */
	req->completion.may_block = (in->flags & O_DIRECT) &&
				    session_has(session, FUSE_ASYNC_DIO);
	return request_when_clear(req, WRITEBACK_PASS, in->offset,
				  in->offset + in->size, read_granted);
}

static bool write_appends(const struct request *req,
			  const struct fuse_write_in *in)
{
	/* With the writeback cache the kernel knows where the end is. */
	return (in->flags & O_APPEND) && !(in->write_flags & FUSE_WRITE_CACHE) &&
	       !session_has(req->queue->session, FUSE_WRITEBACK_CACHE);
}

/* Cached pages carry nobody's identity: that of the handle's opener counts. */
static enum io_creds write_creds(const struct request *req,
				 const struct fuse_write_in *in)
{
	bool privileged = (in->write_flags & FUSE_WRITE_CACHE) ?
		req->handle->caller_privileged : req->in.uid == 0;

	if (!privileged || (in->write_flags & FUSE_WRITE_KILL_SUIDGID))
		return IO_CREDS_PLAIN;
	return IO_CREDS_SERVER;
}

static int write_rw_flags(const struct request *req,
			  const struct fuse_write_in *in)
{
	int flags = write_appends(req, in) ? RWF_APPEND : 0;

	/* Of cached pages an fsync follows where it matters. */
	if (in->write_flags & FUSE_WRITE_CACHE)
		return flags;
	if ((in->flags & O_SYNC) == O_SYNC)
		flags |= RWF_SYNC;
	else if (in->flags & O_DSYNC)
		flags |= RWF_DSYNC;
	return flags;
}

static void write_granted(struct writeback_op *op)
{
	struct request *req = request_of_writeback(op);
	struct session *session = req->queue->session;
	const struct fuse_write_in *in = &req->saved.write;
	int fd;

	req->io.direct = (in->flags & O_DIRECT) &&
			 !(in->write_flags & FUSE_WRITE_CACHE);
	fd = handle_io_fd(session->handles, req->handle, req->io.direct);
	if (fd < 0) {
		writeback_end(&req->inode->writeback, op);
		session_reply_error(req, fd);
		return;
	}
	req->io.kind = IO_WRITE;
	req->io.creds = write_creds(req, in);
	req->io.fd = fd;
	req->io.offset = in->offset;
	req->io.rw_flags = write_rw_flags(req, in);
	io_start(req);
}

int op_write(struct request *req)
{
	struct session *session = req->queue->session;
	const struct fuse_write_in *in = wire_take(&req->args, sizeof(*in));
	size_t bytes = 0;
	int error;

	for (int i = 0; i < req->in_iov_count; i++)
		bytes += req->in_iov[i].iov_len;
	if (!in || in->size != bytes)
		return -EINVAL;
	error = check_range(in->offset, in->size);
	if (error)
		return error;
	error = handle_get(session->handles, in->fh, HANDLE_FILE, req->inode,
			   &req->handle);
	if (error)
		return error;
	if (in->size == 0) {
		memset(&req->small.write, 0, sizeof(req->small.write));
		session_reply_small(req, sizeof(req->small.write));
		return 0;
	}
	error = io_vector(req, req->in_iov, req->in_iov_count, in->size);
	if (error)
		return error;
	req->saved.write = *in;
	in = &req->saved.write;
	if (write_appends(req, in))
		return request_when_clear(req, WRITEBACK_HOLD, 0, OP_RANGE_MAX,
					  write_granted);
	return request_when_clear(req, WRITEBACK_HOLD, in->offset,
				  in->offset + in->size, write_granted);
}

static void fsync_work(struct work *work)
{
	struct request *req = container_of(work, struct request, work);
	int fd = req->handle->fd;
	int result;

	do {
		result = req->io.datasync ? fdatasync(fd) : fsync(fd);
	} while (result && errno == EINTR);
	session_reply_error(req, result ? -errno : 0);
}

static void fsync_granted(struct writeback_op *op)
{
	struct request *req = request_of_writeback(op);
	struct queue *queue = req->queue;

	req->io.kind = IO_FSYNC;
	req->io.fd = req->handle->fd;
	req->io.datasync = req->saved.fsync.fsync_flags & FUSE_FSYNC_FDATASYNC;
	if (queue->engine->ops->flags & IO_SYNC) {
		/* This engine would hold up the queue for a disk flush. */
		work_init(&req->work, fsync_work);
		workqueue_queue(queue->session->blocking_calls, &req->work);
		return;
	}
	io_start(req);
}

int op_fsync(struct request *req)
{
	struct session *session = req->queue->session;
	const struct fuse_fsync_in *in = wire_take(&req->args, sizeof(*in));
	int error;

	if (!in)
		return -EINVAL;
	error = handle_get(session->handles, in->fh, HANDLE_FILE, req->inode,
			   &req->handle);
	if (error)
		return error;
	req->saved.fsync = *in;
	return request_when_clear(req, WRITEBACK_PASS, 0, OP_RANGE_MAX,
				  fsync_granted);
}
