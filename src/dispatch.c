/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The opcode table: see dispatch.h. A new operation is a handler and a row.
 */
#include "dispatch.h"

#include <errno.h>

#include "inode.h"
#include "ops.h"
#include "session.h"
#include "stats.h"
#include "util.h"

/* Rows with more after the fixed part, and rows without. */
#define N OP_NEEDS_INODE
#define X (OP_NEEDS_INODE | OP_EXACT)

static const struct operation operations[] = {
	[FUSE_LOOKUP] = { "LOOKUP", 1, N, op_lookup },
	[FUSE_FORGET] = { "FORGET", sizeof(struct fuse_forget_in),
			  OP_NO_REPLY | OP_EXACT, op_forget },
	[FUSE_GETATTR] = { "GETATTR", sizeof(struct fuse_getattr_in), X,
			   op_getattr },
	[FUSE_SETATTR] = { "SETATTR", sizeof(struct fuse_setattr_in), X,
			   op_setattr },
	[FUSE_READLINK] = { "READLINK", 0, X, op_readlink },
	[FUSE_SYMLINK] = { "SYMLINK", 2, N, op_symlink },
	[FUSE_MKNOD] = { "MKNOD", sizeof(struct fuse_mknod_in) + 1, N,
			 op_mknod },
	[FUSE_MKDIR] = { "MKDIR", sizeof(struct fuse_mkdir_in) + 1, N,
			 op_mkdir },
	[FUSE_UNLINK] = { "UNLINK", 1, N, op_unlink },
	[FUSE_RMDIR] = { "RMDIR", 1, N, op_rmdir },
	[FUSE_RENAME] = { "RENAME", sizeof(struct fuse_rename_in) + 2, N,
			  op_rename },
	[FUSE_LINK] = { "LINK", sizeof(struct fuse_link_in) + 1, N, op_link },
	[FUSE_OPEN] = { "OPEN", sizeof(struct fuse_open_in), X, op_open },
	[FUSE_READ] = { "READ", sizeof(struct fuse_read_in), X, op_read },
	[FUSE_WRITE] = { "WRITE", sizeof(struct fuse_write_in),
			 N | OP_DATA_IN, op_write },
	[FUSE_STATFS] = { "STATFS", 0, X, op_statfs },
	[FUSE_RELEASE] = { "RELEASE", sizeof(struct fuse_release_in), X,
			   op_release },
	[FUSE_FSYNC] = { "FSYNC", sizeof(struct fuse_fsync_in), X, op_fsync },
	[FUSE_SETXATTR] = { "SETXATTR", FUSE_COMPAT_SETXATTR_IN_SIZE + 1, N,
			    op_setxattr },
	[FUSE_GETXATTR] = { "GETXATTR", sizeof(struct fuse_getxattr_in) + 1, N,
			    op_getxattr },
	[FUSE_LISTXATTR] = { "LISTXATTR", sizeof(struct fuse_getxattr_in), X,
			     op_listxattr },
	[FUSE_REMOVEXATTR] = { "REMOVEXATTR", 1, N, op_removexattr },
	[FUSE_FLUSH] = { "FLUSH", sizeof(struct fuse_flush_in), X, op_flush },
	[FUSE_INIT] = { "INIT", 0, OP_BEFORE_INIT, op_init },
	[FUSE_OPENDIR] = { "OPENDIR", sizeof(struct fuse_open_in), X,
			   op_opendir },
	[FUSE_READDIR] = { "READDIR", sizeof(struct fuse_read_in), X,
			   op_readdir },
	[FUSE_RELEASEDIR] = { "RELEASEDIR", sizeof(struct fuse_release_in), X,
			      op_releasedir },
	[FUSE_FSYNCDIR] = { "FSYNCDIR", sizeof(struct fuse_fsync_in), X,
			    op_fsyncdir },
	[FUSE_GETLK] = { "GETLK", sizeof(struct fuse_lk_in), X, op_getlk },
	[FUSE_SETLK] = { "SETLK", sizeof(struct fuse_lk_in), X, op_setlk },
	[FUSE_SETLKW] = { "SETLKW", sizeof(struct fuse_lk_in), X, op_setlkw },
	[FUSE_ACCESS] = { "ACCESS", sizeof(struct fuse_access_in), X,
			  op_access },
	[FUSE_CREATE] = { "CREATE", sizeof(struct fuse_create_in) + 1, N,
			  op_create },
	[FUSE_INTERRUPT] = { "INTERRUPT", sizeof(struct fuse_interrupt_in),
			     OP_NO_REPLY | OP_EXACT, op_interrupt },
	[FUSE_DESTROY] = { "DESTROY", 0, OP_EXACT, op_destroy },
	[FUSE_IOCTL] = { "IOCTL", sizeof(struct fuse_ioctl_in), N, op_ioctl },
	[FUSE_BATCH_FORGET] = { "BATCH_FORGET",
				sizeof(struct fuse_batch_forget_in),
				OP_NO_REPLY, op_batch_forget },
	[FUSE_FALLOCATE] = { "FALLOCATE", sizeof(struct fuse_fallocate_in), X,
			     op_fallocate },
	[FUSE_READDIRPLUS] = { "READDIRPLUS", sizeof(struct fuse_read_in), X,
			       op_readdirplus },
	[FUSE_RENAME2] = { "RENAME2", sizeof(struct fuse_rename2_in) + 2, N,
			   op_rename2 },
	[FUSE_LSEEK] = { "LSEEK", sizeof(struct fuse_lseek_in), X, op_lseek },
	[FUSE_COPY_FILE_RANGE] = { "COPY_FILE_RANGE",
				   sizeof(struct fuse_copy_file_range_in), X,
				   op_copy_file_range },
	[FUSE_SYNCFS] = { "SYNCFS", sizeof(struct fuse_syncfs_in), X,
			  op_syncfs },
	[FUSE_TMPFILE] = { "TMPFILE", sizeof(struct fuse_create_in) + 1, N,
			   op_tmpfile },
	[FUSE_STATX] = { "STATX", sizeof(struct fuse_statx_in), X, op_statx },
	[FUSE_COPY_FILE_RANGE_64] = { "COPY_FILE_RANGE_64",
				      sizeof(struct fuse_copy_file_range_in),
				      X, op_copy_file_range_64 },
};

#undef N
#undef X

const struct operation *dispatch_operation(uint32_t opcode)
{
	if (opcode >= ARRAY_SIZE(operations) || !operations[opcode].handler)
		return NULL;
	return &operations[opcode];
}

/* A handler, or dispatch itself, has an error for the client. */
static void answer_error(struct request *req, const struct operation *operation,
			 int err)
{
	if (err == WIRE_MALFORMED) {
		atomic_fetch_add_explicit(&req->queue->stats->malformed, 1,
					  memory_order_relaxed);
		err = -EINVAL;
	}
	if (operation && (operation->flags & OP_NO_REPLY))
		session_reply_none(req);
	else
		session_reply_error(req, err);
}

static int check_state(const struct request *req,
		       const struct operation *operation)
{
	struct session *session = req->queue->session;

	if (operation->flags & OP_BEFORE_INIT)
		return 0;
	return atomic_load(&session->state) == SESSION_NEW ? -EIO : 0;
}

static int check_size(const struct request *req,
		      const struct operation *operation)
{
	size_t left = req->args.left;

	if (left < operation->in_min ||
	    ((operation->flags & OP_EXACT) && left > operation->in_min))
		return WIRE_MALFORMED;
	return 0;
}

/* A bulk message's data, unless the transport has put it aside already. */
static void split_data(struct request *req, size_t head_bytes)
{
	if (req->in_iov_count)
		return;
	req->in_one.iov_base = (void *)(req->args.next + head_bytes);
	req->in_one.iov_len = req->args.left - head_bytes;
	req->in_iov = &req->in_one;
	req->in_iov_count = 1;
	req->args.left = head_bytes;
}

void dispatch(struct request *req)
{
	const struct operation *operation = dispatch_operation(req->in.opcode);
	struct session *session = req->queue->session;
	int err;

	if (!operation) {
		/* The client does not ask again. */
		atomic_fetch_add(&req->queue->stats->unknown, 1);
		session_reply_error(req, -ENOSYS);
		return;
	}
	err = check_state(req, operation);
	if (err)
		goto out_error;
	err = check_size(req, operation);
	if (err)
		goto out_error;
	if (operation->flags & OP_DATA_IN)
		split_data(req, operation->in_min);
	if (operation->flags & OP_NEEDS_INODE) {
		err = inode_get(session->inodes, req->in.nodeid, &req->inode);
		if (err)
			goto out_error;
	}
	err = operation->handler(req);
	if (!err)
		return;

out_error:
	answer_error(req, operation, err);
}
