/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RENAME and RENAME2. The host's renameat2 does the work and decides; the inode
 * table is told before (a target may lose its last link) and after (names by
 * which inodes are reopened). Queue's threads; no state.
 */
#include <stdio.h>

#include "creds.h"
#include "inode.h"
#include "ops.h"
#include "session.h"

#define RENAME_FLAGS (RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)

struct renaming {
	struct inode *old_parent, *new_parent;
	int old_fd, new_fd;
	const char *old_name, *new_name;
	uint32_t flags;
};

static int rename_as_caller(struct request *req, const struct renaming *r)
{
	const struct config *config = req->queue->session->config;
	struct creds_scope scope;
	struct caller caller;
	int err;

	caller_of(req, &caller);
	/* What takes the old name's place is made by the caller. */
	if (r->flags & RENAME_WHITEOUT)
		err = creds_enter_create(config, &caller, &scope);
	else
		err = creds_enter_checked(config, &caller, &scope);
	if (err)
		return err;
	if (renameat2(r->old_fd, r->old_name, r->new_fd, r->new_name, r->flags))
		err = -errno;
	creds_leave(&scope);
	return err;
}

static int rename_fds(struct request *req, const struct renaming *r)
{
	struct inode_table *inodes = req->queue->session->inodes;
	/* With these two the target keeps its link. */
	bool replaces = !(r->flags & (RENAME_EXCHANGE | RENAME_NOREPLACE));
	int err;

	if (replaces)
		inode_before_unlink(inodes, r->new_parent, r->new_fd,
				    r->new_name);
	err = rename_as_caller(req, r);
	if (err && replaces)
		inode_unlink_failed(inodes, r->new_parent, r->new_fd,
				    r->new_name);
	if (err)
		return err;
	inode_renamed(inodes, r->old_parent, r->old_name, r->new_parent,
		      r->new_fd, r->new_name);
	if (r->flags & RENAME_EXCHANGE)
		inode_renamed(inodes, r->new_parent, r->new_name, r->old_parent,
			      r->old_fd, r->old_name);
	return 0;
}

static int rename_entry(struct request *req, uint64_t newdir, uint32_t flags)
{
	struct inode_table *inodes = req->queue->session->inodes;
	struct renaming r = { .old_parent = req->inode, .flags = flags };
	int err;

	err = wire_take_name(&req->args, &r.old_name);
	if (!err)
		err = wire_take_name(&req->args, &r.new_name);
	if (!err)
		err = args_end(&req->args);
	if (err)
		return err;
	if (flags & ~(uint32_t)RENAME_FLAGS)
		return -EINVAL;
	err = inode_get(inodes, newdir, &r.new_parent);
	if (err)
		return err;
	err = inode_fd(inodes, r.old_parent, &r.old_fd);
	if (err)
		goto out_put;
	err = inode_fd(inodes, r.new_parent, &r.new_fd);
	if (err)
		goto out_put_old_fd;
	err = rename_fds(req, &r);
	inode_fd_put(inodes, r.new_parent);
out_put_old_fd:
	inode_fd_put(inodes, r.old_parent);
out_put:
	inode_put(inodes, r.new_parent);
	if (!err)
		session_reply_error(req, 0);
	return err;
}

int op_rename(struct request *req)
{
	const struct fuse_rename_in *in = wire_take(&req->args, sizeof(*in));

	return in ? rename_entry(req, in->newdir, 0) : -EINVAL;
}

int op_rename2(struct request *req)
{
	const struct fuse_rename2_in *in = wire_take(&req->args, sizeof(*in));

	return in ? rename_entry(req, in->newdir, in->flags) : -EINVAL;
}
