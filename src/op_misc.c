/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * STATFS, SYNCFS, INTERRUPT and DESTROY. Queue's threads; syncfs runs on the
 * session's threads for blocking calls.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "inode.h"
#include "ops.h"
#include "session.h"
#include "stats.h"
#include "util.h"

int op_statfs(struct request *req)
{
	struct inode_table *inodes = req->queue->session->inodes;
	struct statfs host;
	int err, fd;

	err = inode_fd(inodes, req->inode, &fd);
	if (err)
		return err;
	if (fstatfs(fd, &host))
		err = -errno;
	inode_fd_put(inodes, req->inode);
	if (err)
		return err;
	req->small.statfs.st = (struct fuse_kstatfs){
		.blocks = host.f_blocks,
		.bfree = host.f_bfree,
		.bavail = host.f_bavail,
		.files = host.f_files,
		.ffree = host.f_ffree,
		.bsize = (uint32_t)host.f_bsize,
		.namelen = (uint32_t)host.f_namelen,
		.frsize = (uint32_t)host.f_frsize,
	};
	session_reply_small(req, sizeof(req->small.statfs));
	return 0;
}

static void syncfs_reply(struct loop_task *task)
{
	struct request *req = container_of(task, struct request, task);

	session_reply_error(req, req->result);
}

/* req->result brings the descriptor and takes the outcome away. */
static void syncfs_run(struct work *work)
{
	struct request *req = container_of(work, struct request, work);
	int fd = req->result;

	req->result = syncfs(fd) ? -errno : 0;
	close(fd);
	loop_post(req->queue->loop, &req->task);
}

int op_syncfs(struct request *req)
{
	const struct fuse_syncfs_in *in = wire_take(&req->args, sizeof(*in));
	struct session *session = req->queue->session;
	int fd;

	if (!in)
		return -EINVAL;
	fd = inode_open(session->inodes, req->inode, O_RDONLY);
	if (fd < 0)
		return fd;
	req->result = fd;
	req->task.run = syncfs_reply;
	work_init(&req->work, syncfs_run);
	workqueue_queue(session->blocking_calls, &req->work);
	return 0;
}

/*
 * Answered only when the request is not known (yet): EAGAIN makes Linux send the
 * interrupt again as long as it waits itself.
 */
int op_interrupt(struct request *req)
{
	const struct fuse_interrupt_in *in =
		wire_take(&req->args, sizeof(*in));

	if (!in)
		return -EINVAL;
	atomic_fetch_add_explicit(&req->queue->stats->interrupts, 1,
				  memory_order_relaxed);
	inflight_interrupt(req->queue->session->inflight, in->unique);
	session_reply_none(req);
	return 0;
}

int op_destroy(struct request *req)
{
	session_reply_error(req, 0);
	return 0;
}
