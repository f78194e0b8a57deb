/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Open directories: OPENDIR, RELEASEDIR, FSYNCDIR. Reading them is in
 * op_readdir.c. Queue's threads; fsync runs on the session's threads for blocking
 * calls and comes back to the queue's loop for the reply.
 */
#include <fcntl.h>
#include <unistd.h>

#include "creds.h"
#include "handle.h"
#include "inode.h"
#include "ops.h"
#include "session.h"
#include "util.h"

/* An fd of the directory for reading, opened as the caller where that counts. */
static int open_directory(struct request *req, int flags)
{
	struct session *session = req->queue->session;
	struct creds_scope scope;
	struct caller caller;
	int fd, path_fd;

	caller_of(req, &caller);
	/* Held, so that opening it needs no reopening with the caller's ids. */
	fd = inode_fd(session->inodes, req->inode, &path_fd);
	if (fd)
		return fd;
	fd = creds_enter_checked(session->config, &caller, &scope);
	if (fd)
		goto out_put;
	fd = inode_open(session->inodes, req->inode,
			O_RDONLY | O_DIRECTORY | (flags & O_NOATIME));
	creds_leave(&scope);
out_put:
	inode_fd_put(session->inodes, req->inode);
	return fd;
}

int op_opendir(struct request *req)
{
	const struct fuse_open_in *in = wire_take(&req->args, sizeof(*in));
	struct session *session = req->queue->session;
	struct fuse_open_out *out = &req->small.open;
	struct handle *handle;
	int err, fd, flags;

	if (!in)
		return -EINVAL;
	flags = (int)in->flags;
	fd = open_directory(req, flags);
	if (fd < 0)
		return fd;
	err = handle_open(session->handles, HANDLE_DIRECTORY, req->inode, fd,
			  flags, &handle);
	if (err)
		return err;
	*out = (struct fuse_open_out){ .fh = handle_fh(handle) };
	/*
	 * A cached listing is dropped only when the client sees a new mtime,
	 * which takes as long as the attributes live: only where nothing is
	 * expected to change behind its back.
	 */
	if (session->config->cache == CACHE_ALWAYS)
		out->open_flags = FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE;
	session_reply_small(req, sizeof(*out));
	return 0;
}

int op_releasedir(struct request *req)
{
	const struct fuse_release_in *in = wire_take(&req->args, sizeof(*in));
	struct session *session = req->queue->session;
	int err;

	if (!in)
		return -EINVAL;
	err = handle_get(session->handles, in->fh, HANDLE_DIRECTORY, req->inode,
			 &req->handle);
	if (err)
		return err;
	handle_release(session->handles, req->handle);
	session_reply_error(req, 0);
	return 0;
}

static void fsyncdir_reply(struct loop_task *task)
{
	struct request *req = container_of(task, struct request, task);

	session_reply_error(req, req->result);
}

static void fsyncdir_run(struct work *work)
{
	struct request *req = container_of(work, struct request, work);
	int fd = req->handle->fd;
	bool data_only = req->saved.fsync.fsync_flags & FUSE_FSYNC_FDATASYNC;

	req->result = (data_only ? fdatasync(fd) : fsync(fd)) ? -errno : 0;
	loop_post(req->queue->loop, &req->task);
}

int op_fsyncdir(struct request *req)
{
	const struct fuse_fsync_in *in = wire_take(&req->args, sizeof(*in));
	struct session *session = req->queue->session;
	int err;

	if (!in)
		return -EINVAL;
	req->saved.fsync = *in;
	err = handle_get(session->handles, in->fh, HANDLE_DIRECTORY, req->inode,
			 &req->handle);
	if (err)
		return err;
	req->task.run = fsyncdir_reply;
	work_init(&req->work, fsyncdir_run);
	workqueue_queue(session->blocking_calls, &req->work);
	return 0;
}
