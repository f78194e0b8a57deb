/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FALLOCATE, LSEEK and both COPY_FILE_RANGEs. Allocation and copying can take
 * long: they hold their range of the file and run on session->blocking_calls, and
 * the reply goes out from there. The rest is the queue's thread.
 *
 * The client's kernel does not say here that suid and sgid bits must go, so it is
 * looked up whether the caller could keep them.
 */
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "creds.h"
#include "handle.h"
#include "op_wait.h"
#include "session.h"

/* A COPY_FILE_RANGE's other file; the request's own (op_private). */
struct copy {
	struct inode *inode;
	struct handle *handle;
};

/* The largest count that fuse_write_out and Linux's own calls can name. */
#define COPY_BYTES_MAX 0x7ffff000U

static enum io_creds space_creds(const struct request *req)
{
	struct caller caller;

	caller_from_request(req, NULL, &caller);
	if (caller.uid != 0 || !caller_capable(&caller, CAP_FSETID))
		return IO_CREDS_PLAIN;
	return IO_CREDS_SERVER;
}

static void fallocate_work(struct work *work)
{
	struct request *req = container_of(work, struct request, work);
	const struct fuse_fallocate_in *in = &req->saved.fallocate;
	struct creds_scope scope;
	int error;

	error = creds_enter_io(space_creds(req), &scope);
	if (error)
		goto out_reply;
	do {
		error = fallocate(req->handle->fd, (int)in->mode,
				  (off_t)in->offset, (off_t)in->length) ?
			-errno : 0;
	} while (error == -EINTR);
	creds_leave(&scope);
out_reply:
	writeback_end(&req->inode->writeback, &req->writeback);
	session_reply_error(req, error);
}

static void fallocate_granted(struct writeback_op *op)
{
	struct request *req = request_of_writeback(op);

	work_init(&req->work, fallocate_work);
	workqueue_queue(req->queue->session->blocking_calls, &req->work);
}

int op_fallocate(struct request *req)
{
	const struct fuse_fallocate_in *in = wire_take(&req->args, sizeof(*in));
	const uint32_t in_place = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE |
				  FALLOC_FL_ZERO_RANGE;
	uint64_t end;
	int error;

	if (!in || in->offset > INT64_MAX || in->length > INT64_MAX ||
	    in->length == 0 || in->mode > INT32_MAX)
		return -EINVAL;
	if (in->length > INT64_MAX - in->offset)
		return -EFBIG;
	error = handle_get(req->queue->session->handles, in->fh, HANDLE_FILE,
			   req->inode, &req->handle);
	if (error)
		return error;
	req->saved.fallocate = *in;
	in = &req->saved.fallocate;
	/* Other modes move what follows. */
	end = (in->mode & ~in_place) ? OP_RANGE_MAX : in->offset + in->length;
	return request_when_clear(req, WRITEBACK_HOLD, in->offset, end,
				  fallocate_granted);
}

static void lseek_granted(struct writeback_op *op)
{
	struct request *req = request_of_writeback(op);
	const struct fuse_lseek_in *in = &req->saved.lseek;
	off_t found;

	/* Moves the descriptor's position too, which nothing of ours uses. */
	found = lseek(req->handle->fd, (off_t)in->offset, (int)in->whence);
	if (found < 0) {
		session_reply_error(req, -errno);
		return;
	}
	req->small.lseek.offset = (uint64_t)found;
	session_reply_small(req, sizeof(req->small.lseek));
}

int op_lseek(struct request *req)
{
	const struct fuse_lseek_in *in = wire_take(&req->args, sizeof(*in));
	int error;

	/*
	 * Linux asks without writing its dirty pages first: what it still holds
	 * would look like a hole, and copies of it would be empty. On ENOSYS it
	 * takes everything for data and never asks again.
	 */
	if (session_has(req->queue->session, FUSE_WRITEBACK_CACHE))
		return -ENOSYS;
	if (!in || in->offset > INT64_MAX ||
	    (in->whence != SEEK_DATA && in->whence != SEEK_HOLE))
		return -EINVAL;
	error = handle_get(req->queue->session->handles, in->fh, HANDLE_FILE,
			   req->inode, &req->handle);
	if (error)
		return error;
	req->saved.lseek = *in;
	return request_when_clear(req, WRITEBACK_PASS, in->offset, OP_RANGE_MAX,
				  lseek_granted);
}

static void copy_free(struct request *req)
{
	struct session *session = req->queue->session;
	struct copy *copy = req->op_private;

	if (copy->handle)
		handle_put(session->handles, copy->handle);
	if (copy->inode)
		inode_put(session->inodes, copy->inode);
	free(copy);
	req->op_private = NULL;
}

static void copy_reply(struct request *req, ssize_t result)
{
	copy_free(req);
	if (result < 0) {
		session_reply_error(req, (int)result);
	} else if (req->in.opcode == FUSE_COPY_FILE_RANGE_64) {
		req->small.copy_file_range.bytes_copied = (uint64_t)result;
		session_reply_small(req, sizeof(req->small.copy_file_range));
	} else {
		memset(&req->small.write, 0, sizeof(req->small.write));
		req->small.write.size = (uint32_t)result;
		session_reply_small(req, sizeof(req->small.write));
	}
}

static ssize_t copy_range(struct request *req, const struct copy *copy)
{
	const struct fuse_copy_file_range_in *in = &req->saved.copy_file_range;
	off_t from = (off_t)in->off_in;
	off_t to = (off_t)in->off_out;
	ssize_t copied;

	do {
		copied = copy_file_range(req->handle->fd, &from,
					 copy->handle->fd, &to,
					 (size_t)in->len, 0);
	} while (copied < 0 && errno == EINTR);
	return copied < 0 ? -errno : copied;
}

static void copy_work(struct work *work)
{
	struct request *req = container_of(work, struct request, work);
	struct copy *copy = req->op_private;
	struct creds_scope scope;
	ssize_t result;

	result = creds_enter_io(space_creds(req), &scope);
	if (!result) {
		result = copy_range(req, copy);
		creds_leave(&scope);
	}
	writeback_end(&copy->inode->writeback, &req->writeback);
	copy_reply(req, result);
}

static void copy_target_granted(struct writeback_op *op)
{
	struct request *req = request_of_writeback(op);

	work_init(&req->work, copy_work);
	workqueue_queue(req->queue->session->blocking_calls, &req->work);
}

/* The source is clear: now the target, by the same writeback_op. */
static void copy_source_granted(struct writeback_op *op)
{
	struct request *req = request_of_writeback(op);
	const struct fuse_copy_file_range_in *in = &req->saved.copy_file_range;
	struct copy *copy = req->op_private;
	int result;

	op->kind = WRITEBACK_HOLD;
	op->range.start = in->off_out;
	op->range.end = in->off_out + in->len;
	op->granted = copy_target_granted;
	result = writeback_begin(&copy->inode->writeback, op);
	if (result < 0)
		copy_reply(req, result);
	else if (result > 0)
		copy_target_granted(op);
}

static int copy_check(struct fuse_copy_file_range_in *in)
{
	if (in->flags || in->off_in > INT64_MAX || in->off_out > INT64_MAX)
		return -EINVAL;
	if (in->len > COPY_BYTES_MAX)
		in->len = COPY_BYTES_MAX;
	if (in->len > INT64_MAX - in->off_in)
		return -EOVERFLOW;
	if (in->len > INT64_MAX - in->off_out)
		return -EFBIG;
	return 0;
}

/* Both files of the request. */
static int copy_open(struct request *req)
{
	const struct fuse_copy_file_range_in *in = &req->saved.copy_file_range;
	struct session *session = req->queue->session;
	struct copy *copy;
	int error;

	error = handle_get(session->handles, in->fh_in, HANDLE_FILE, req->inode,
			   &req->handle);
	if (error)
		return error;
	copy = calloc(1, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	req->op_private = copy;
	error = inode_get(session->inodes, in->nodeid_out, &copy->inode);
	if (error)
		goto out_free;
	error = handle_get(session->handles, in->fh_out, HANDLE_FILE,
			   copy->inode, &copy->handle);
	if (error)
		goto out_free;
	return 0;

out_free:
	copy_free(req);
	return error;
}

int op_copy_file_range(struct request *req)
{
	const struct fuse_copy_file_range_in *message =
		wire_take(&req->args, sizeof(*message));
	struct fuse_copy_file_range_in *in = &req->saved.copy_file_range;
	int error;

	if (!message)
		return -EINVAL;
	*in = *message;
	error = copy_check(in);
	if (error)
		return error;
	error = copy_open(req);
	if (error)
		return error;
	if (in->len == 0) {
		copy_reply(req, 0);
		return 0;
	}
	error = request_when_clear(req, WRITEBACK_PASS, in->off_in,
				   in->off_in + in->len, copy_source_granted);
	if (error)
		copy_free(req);
	return error;
}

/* The same message; only the reply has a wider count. */
int op_copy_file_range_64(struct request *req)
{
	return op_copy_file_range(req);
}
