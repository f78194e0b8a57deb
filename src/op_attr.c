/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GETATTR, STATX and ACCESS, and what replies with attributes share. Queue's
 * threads; no state. Nothing is remembered here: attributes are the host's at the
 * time of asking.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "creds.h"
#include "handle.h"
#include "inode.h"
#include "ops.h"
#include "session.h"
#include "util.h"

/* What a fuse_statx has room for. */
#define WIRE_STATX_MASK (STATX_BASIC_STATS | STATX_BTIME)

void entry_fill(struct request *req, struct inode *inode,
		const struct statx *stx, struct fuse_entry_out *entry)
{
	const struct config *config = req->queue->session->config;

	/* A nodeid is never given out twice: it needs no generation more. */
	entry->nodeid = inode_nodeid(inode);
	entry->generation = 0;
	timeout_split(config->entry_timeout_ns, &entry->entry_valid,
		      &entry->entry_valid_nsec);
	timeout_split(config->attr_timeout_ns, &entry->attr_valid,
		      &entry->attr_valid_nsec);
	attr_from_statx(stx, &entry->attr);
}

void caller_of(const struct request *req, struct caller *ret)
{
	caller_from_request(req, NULL, ret);
}

/* statx of the open file FH if the client names one, else of the inode. */
static int statx_request(struct request *req, bool by_handle, uint64_t fh,
			 int flags, uint32_t mask, struct statx *stx)
{
	struct session *session = req->queue->session;
	int err, fd;

	if (by_handle) {
		err = handle_get(session->handles, fh, HANDLE_FILE, req->inode,
				 &req->handle);
		if (err)
			return err;
		fd = req->handle->fd;
	} else {
		err = inode_fd(session->inodes, req->inode, &fd);
		if (err)
			return err;
	}
	if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | flags, mask,
		  stx))
		err = -errno;
	if (!by_handle)
		inode_fd_put(session->inodes, req->inode);
	return err;
}

int op_getattr(struct request *req)
{
	const struct fuse_getattr_in *in = wire_take(&req->args, sizeof(*in));
	struct fuse_attr_out *out = &req->small.attr;
	struct statx stx;
	int err;

	if (!in)
		return -EINVAL;
	err = statx_request(req, in->getattr_flags & FUSE_GETATTR_FH, in->fh,
			    0, STATX_BASIC_STATS, &stx);
	if (err)
		return err;
	*out = (struct fuse_attr_out){ 0 };
	timeout_split(req->queue->session->config->attr_timeout_ns,
		      &out->attr_valid, &out->attr_valid_nsec);
	attr_from_statx(&stx, &out->attr);
	session_reply_small(req, sizeof(*out));
	return 0;
}

static struct fuse_sx_time sx_time(const struct statx_timestamp *from)
{
	return (struct fuse_sx_time){ .tv_sec = from->tv_sec,
				      .tv_nsec = from->tv_nsec };
}

static void wire_statx_from(const struct statx *stx, struct fuse_statx *out)
{
	*out = (struct fuse_statx){
		.mask = stx->stx_mask & WIRE_STATX_MASK,
		.blksize = stx->stx_blksize,
		.attributes = stx->stx_attributes,
		.nlink = stx->stx_nlink,
		.uid = stx->stx_uid,
		.gid = stx->stx_gid,
		.mode = stx->stx_mode,
		.ino = stx->stx_ino,
		.size = stx->stx_size,
		.blocks = stx->stx_blocks,
		.attributes_mask = stx->stx_attributes_mask,
		.atime = sx_time(&stx->stx_atime),
		.btime = sx_time(&stx->stx_btime),
		.ctime = sx_time(&stx->stx_ctime),
		.mtime = sx_time(&stx->stx_mtime),
		.rdev_major = stx->stx_rdev_major,
		.rdev_minor = stx->stx_rdev_minor,
		.dev_major = stx->stx_dev_major,
		.dev_minor = stx->stx_dev_minor,
	};
}

int op_statx(struct request *req)
{
	const struct fuse_statx_in *in = wire_take(&req->args, sizeof(*in));
	struct fuse_statx_out *out = &req->small.statx;
	struct statx stx;
	int err;

	if (!in)
		return -EINVAL;
	/* Linux takes the basic ones as fresh whatever it had asked for. */
	err = statx_request(req, in->getattr_flags & FUSE_GETATTR_FH, in->fh,
			    (int)(in->sx_flags & AT_STATX_SYNC_TYPE),
			    (in->sx_mask & WIRE_STATX_MASK) | STATX_BASIC_STATS,
			    &stx);
	if (err)
		return err;
	*out = (struct fuse_statx_out){ 0 };
	timeout_split(req->queue->session->config->attr_timeout_ns,
		      &out->attr_valid, &out->attr_valid_nsec);
	wire_statx_from(&stx, &out->stat);
	session_reply_small(req, sizeof(*out));
	return 0;
}

/* Comes only where the client leaves permissions to us. */
int op_access(struct request *req)
{
	const struct fuse_access_in *in = wire_take(&req->args, sizeof(*in));
	struct session *session = req->queue->session;
	struct creds_scope scope;
	struct caller caller;
	int err, fd;

	if (!in || (in->mask & ~7U))
		return -EINVAL;
	caller_of(req, &caller);
	err = inode_fd(session->inodes, req->inode, &fd);
	if (err)
		return err;
	err = creds_enter_checked(session->config, &caller, &scope);
	if (err)
		goto out_put;
	if (faccessat(fd, "", (int)in->mask, AT_EACCESS | AT_EMPTY_PATH))
		err = -errno;
	creds_leave(&scope);
out_put:
	inode_fd_put(session->inodes, req->inode);
	if (!err)
		session_reply_error(req, 0);
	return err;
}
