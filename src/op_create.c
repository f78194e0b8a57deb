/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CREATE and TMPFILE: a new file, made by the caller and opened in one go.
 * Queue's threads; no state of its own.
 *
 * CREATE only ever makes a file. If the name turns out to be taken, the client's
 * kernel believed it free and has checked nobody's permission to open what is
 * there (and it may be a FIFO): ESTALE has it look the name up again and then ask
 * with OPEN, or follow the symlink, or refuse.
 */
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "creds.h"
#include "inode.h"
#include "op_open.h"
#include "session.h"

/* What both messages say. */
struct creation {
	const struct fuse_create_in *in;
	struct wire_extensions extensions;
	const char *name;	/* NULL: a file without one */
};

static int create_file(struct request *req, const struct creation *creation,
		       int parent_fd)
{
	const struct fuse_create_in *in = creation->in;
	int flags = open_backing_flags(req, in->flags);
	struct creds_scope scope;
	struct caller caller;
	int error;
	int fd;

	if (creation->name)
		flags |= O_CREAT | O_EXCL | O_NOFOLLOW;
	else
		flags |= O_TMPFILE | (int)(in->flags & O_EXCL);
	caller_from_request(req, &creation->extensions, &caller);
	error = creds_enter_create(req->queue->session->config, &caller,
				   &scope);
	if (error)
		return error;
	creds_set_umask(in->umask);
	fd = openat(parent_fd, creation->name ? creation->name : ".", flags,
		    in->mode & 07777);
	if (fd < 0)
		fd = -errno;
	creds_leave(&scope);
	return fd;
}

/* The client's security label; a host without labels is fine. */
static int label_file(int fd, const struct wire_extensions *extensions)
{
	if (!extensions->secctx_name || !extensions->secctx_bytes)
		return 0;
	if (fsetxattr(fd, extensions->secctx_name, extensions->secctx_value,
		      extensions->secctx_bytes, 0) && errno != EOPNOTSUPP)
		return -errno;
	return 0;
}

/* Takes FD over. A file that was made stays whatever goes wrong later. */
static int create_finish(struct request *req, const struct creation *creation,
			 int fd)
{
	struct inode_table *inodes = req->queue->session->inodes;
	struct inode *inode;
	struct statx stx;
	int error;

	error = inode_lookup_fd(inodes, req->inode, creation->name, fd, &stx,
				&inode);
	if (error) {
		close(fd);
		return error;
	}
	error = open_finish(req, inode, fd, creation->in->flags,
			    &req->small.create.open);
	if (error) {
		inode_unlookup(inodes, inode, 1);
		return error;
	}
	req->looked_up = inode;
	entry_fill(req, inode, &stx, &req->small.create.entry);
	session_reply_small(req, sizeof(req->small.create));
	return 0;
}

static int create(struct request *req, const struct creation *creation)
{
	struct inode_table *inodes = req->queue->session->inodes;
	int parent_fd;
	int error;
	int fd;

	error = inode_fd(inodes, req->inode, &parent_fd);
	if (error)
		return error;
	fd = create_file(req, creation, parent_fd);
	if (fd == -EEXIST && !(creation->in->flags & O_EXCL))
		fd = -ESTALE;
	error = fd;
	if (fd < 0)
		goto out_put;
	error = label_file(fd, &creation->extensions);
	if (error) {
		if (creation->name && entry_is(parent_fd, creation->name, fd))
			unlinkat(parent_fd, creation->name, 0);
		close(fd);
		goto out_put;
	}
	error = create_finish(req, creation, fd);
out_put:
	inode_fd_put(inodes, req->inode);
	return error;
}

static int take_create(struct request *req, struct creation *ret)
{
	int error;

	*ret = (struct creation){ 0 };
	error = wire_take_extensions(&req->in, &req->args, &ret->extensions);
	if (error)
		return error;
	ret->in = wire_take(&req->args, sizeof(*ret->in));
	if (!ret->in)
		return -EINVAL;
	if ((ret->in->mode & S_IFMT) && !S_ISREG(ret->in->mode))
		return -EINVAL;
	return 0;
}

int op_create(struct request *req)
{
	struct creation creation;
	int error;

	error = take_create(req, &creation);
	if (!error)
		error = wire_take_name(&req->args, &creation.name);
	if (!error)
		error = args_end(&req->args);
	return error ? error : create(req, &creation);
}

int op_tmpfile(struct request *req)
{
	struct creation creation;
	const char *ignored;
	int error;

	error = take_create(req, &creation);
	/* A name is sent, but it means nothing. */
	if (!error)
		error = wire_take_string(&req->args, &ignored);
	if (!error)
		error = args_end(&req->args);
	return error ? error : create(req, &creation);
}
