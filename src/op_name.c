/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What works on names: LOOKUP and FORGET, making and removing entries, READLINK.
 * Queue's threads; no state of its own.
 *
 * Names were validated (no slash, no "." or ".."), directories are fds, and
 * symlinks are never followed, so nothing here can leave the source. Renaming is
 * in op_rename.c, LOOKUP of ".." in op_parent.c.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "creds.h"
#include "inode.h"
#include "op_parent.h"
#include "ops.h"
#include "session.h"
#include "util.h"

static void reply_entry(struct request *req, struct inode *inode,
			const struct statx *stx)
{
	req->looked_up = inode;
	entry_fill(req, inode, stx, &req->small.entry);
	session_reply_small(req, sizeof(req->small.entry));
}

/* Tells the client that it may remember that there is no such name. */
static void reply_negative(struct request *req, uint64_t timeout_ns)
{
	struct fuse_entry_out *entry = &req->small.entry;

	*entry = (struct fuse_entry_out){ 0 };
	timeout_split(timeout_ns, &entry->entry_valid,
		      &entry->entry_valid_nsec);
	session_reply_small(req, sizeof(*entry));
}

/* Where permissions are ours: may the caller search FD? */
static int check_search(struct request *req, int fd)
{
	const struct config *config = req->queue->session->config;
	struct creds_scope scope;
	struct caller caller;
	int err;

	caller_of(req, &caller);
	if (!caller_is_checked(config, &caller))
		return 0;
	err = creds_enter_checked(config, &caller, &scope);
	if (err)
		return err;
	if (faccessat(fd, "", X_OK, AT_EACCESS | AT_EMPTY_PATH))
		err = -errno;
	creds_leave(&scope);
	return err;
}

static int lookup_name(struct request *req, int fd, const char *name,
		       struct statx *stx, struct inode **ret)
{
	struct session *session = req->queue->session;

	if (strcmp(name, ".") == 0)
		return parent_lookup_self(session->inodes, req->inode, fd, stx,
					  ret);
	if (strcmp(name, "..") == 0)
		return parent_lookup(session->inodes, req->inode, fd, stx, ret);
	return inode_lookup(session->inodes, req->inode, fd, name, stx, ret);
}

int op_lookup(struct request *req)
{
	struct session *session = req->queue->session;
	uint64_t negative_ns = session->config->negative_timeout_ns;
	struct inode *inode;
	struct statx stx;
	const char *name;
	int err, fd;

	if (session_has(session, FUSE_EXPORT_SUPPORT))
		err = wire_take_lookup_name(&req->args, &name);
	else
		err = wire_take_name(&req->args, &name);
	if (!err)
		err = args_end(&req->args);
	if (err)
		return err;
	err = inode_fd(session->inodes, req->inode, &fd);
	if (err)
		return err;
	err = check_search(req, fd);
	if (!err)
		err = lookup_name(req, fd, name, &stx, &inode);
	inode_fd_put(session->inodes, req->inode);
	if (!err)
		reply_entry(req, inode, &stx);
	else if (err == -ENOENT && negative_ns > 0) {
		reply_negative(req, negative_ns);
		err = 0;
	}
	return err;
}

int op_forget(struct request *req)
{
	const struct fuse_forget_in *in = wire_take(&req->args, sizeof(*in));
	int err;

	if (!in)
		return -EINVAL;
	err = inode_forget(req->queue->session->inodes, req->in.nodeid,
			   in->nlookup);
	if (err)
		return err;
	session_reply_none(req);
	return 0;
}

int op_batch_forget(struct request *req)
{
	const struct fuse_batch_forget_in *in =
		wire_take(&req->args, sizeof(*in));
	const struct fuse_forget_one *one;
	int first_err = 0;
	uint32_t i;

	if (!in || req->args.left != in->count * (uint64_t)sizeof(*one))
		return -EINVAL;
	for (i = 0; i < in->count; i++) {
		int err;

		one = wire_take(&req->args, sizeof(*one));
		err = inode_forget(req->queue->session->inodes, one->nodeid,
				   one->nlookup);
		if (err && !first_err)
			first_err = err;
	}
	if (first_err)
		return first_err;
	session_reply_none(req);
	return 0;
}

/* An entry that is to be made. */
struct creation {
	const char *name;
	mode_t mode;		/* type and permissions; not for symlinks */
	mode_t umask;
	dev_t rdev;
	const char *target;	/* of a symlink, else NULL */
	struct wire_extensions extensions;
};

static int make(int parent_fd, const struct creation *creation)
{
	int result;

	if (creation->target)
		result = symlinkat(creation->target, parent_fd, creation->name);
	else if (S_ISDIR(creation->mode))
		result = mkdirat(parent_fd, creation->name,
				 creation->mode & 07777);
	else
		result = mknodat(parent_fd, creation->name, creation->mode,
				 creation->rdev);
	return result ? -errno : 0;
}

bool entry_is(int parent_fd, const char *name, int fd)
{
	struct stat is, was;

	return fstat(fd, &was) == 0 &&
	       fstatat(parent_fd, name, &is, AT_SYMLINK_NOFOLLOW) == 0 &&
	       is.st_dev == was.st_dev && is.st_ino == was.st_ino;
}

/*
 * Whoever may write to the directory can have put something else in the place of
 * what CALLER made: the label is only for what can be that.
 */
static bool made_by(int fd, const struct creation *creation,
		    const struct config *config, const struct caller *caller)
{
	mode_t type = creation->target ? S_IFLNK : creation->mode & S_IFMT;
	struct stat st;

	if (fstat(fd, &st))
		return false;
	/* To mknod(2) no type is a file's. */
	if ((st.st_mode & S_IFMT) != (type ? type : S_IFREG))
		return false;
	if (!S_ISDIR(st.st_mode) && st.st_nlink != 1)
		return false;
	return !config->privileged || st.st_uid == caller->uid;
}

/*
 * Gives the entry, just made by us, its security context. A host that refuses the
 * label gets the entry taken away again; one that has no labels is fine. 0 or
 * -errno; -ESTALE: the entry is another's by now, and was left alone.
 */
static int label_entry(struct request *req, int parent_fd,
		       const struct creation *creation,
		       const struct caller *caller)
{
	const struct wire_extensions *extensions = &creation->extensions;
	char path[INODE_PROC_PATH_MAX];
	int err = 0, fd;

	if (!extensions->secctx_name || !extensions->secctx_bytes)
		return 0;
	fd = openat(parent_fd, creation->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!made_by(fd, creation, req->queue->session->config, caller)) {
		close(fd);
		return -ESTALE;
	}
	if (setxattr(inode_proc_path(fd, path), extensions->secctx_name,
		     extensions->secctx_value, extensions->secctx_bytes, 0))
		err = -errno;
	if (err == -EOPNOTSUPP)
		err = 0;
	if (err && entry_is(parent_fd, creation->name, fd))
		unlinkat(parent_fd, creation->name,
			 S_ISDIR(creation->mode) ? AT_REMOVEDIR : 0);
	close(fd);
	return err;
}

/* Makes the entry as the caller and replies with it. */
static int create_entry(struct request *req, const struct creation *creation)
{
	struct inode_table *inodes = req->queue->session->inodes;
	struct creds_scope scope;
	struct caller caller;
	struct inode *inode;
	struct statx stx;
	int err, fd;

	caller_from_request(req, &creation->extensions, &caller);
	err = inode_fd(inodes, req->inode, &fd);
	if (err)
		return err;
	err = creds_enter_create(req->queue->session->config, &caller, &scope);
	if (err)
		goto out_put;
	creds_set_umask(creation->umask);
	err = make(fd, creation);
	creds_leave(&scope);
	if (err)
		goto out_put;
	err = label_entry(req, fd, creation, &caller);
	if (err)
		goto out_put;
	/* If this fails the entry stays: it may be another's by now. */
	err = inode_lookup(inodes, req->inode, fd, creation->name, &stx,
			   &inode);
out_put:
	inode_fd_put(inodes, req->inode);
	if (!err)
		reply_entry(req, inode, &stx);
	return err;
}

int op_mknod(struct request *req)
{
	const struct fuse_mknod_in *in = wire_take(&req->args, sizeof(*in));
	struct creation creation = { 0 };
	uint32_t major, minor;
	int err;

	if (!in)
		return -EINVAL;
	err = wire_take_extensions(&req->in, &req->args, &creation.extensions);
	if (!err)
		err = wire_take_name(&req->args, &creation.name);
	if (!err)
		err = args_end(&req->args);
	if (err)
		return err;
	/* mknod(2) makes no directories; here that would be MKDIR. */
	if (S_ISDIR(in->mode))
		return -EPERM;
	attr_decode_dev(in->rdev, &major, &minor);
	creation.mode = in->mode;
	creation.umask = in->umask;
	creation.rdev = makedev(major, minor);
	return create_entry(req, &creation);
}

int op_mkdir(struct request *req)
{
	const struct fuse_mkdir_in *in = wire_take(&req->args, sizeof(*in));
	struct creation creation = { 0 };
	int err;

	if (!in)
		return -EINVAL;
	err = wire_take_extensions(&req->in, &req->args, &creation.extensions);
	if (!err)
		err = wire_take_name(&req->args, &creation.name);
	if (!err)
		err = args_end(&req->args);
	if (err)
		return err;
	creation.mode = S_IFDIR | (in->mode & 07777);
	creation.umask = in->umask;
	return create_entry(req, &creation);
}

int op_symlink(struct request *req)
{
	struct creation creation = { 0 };
	int err;

	err = wire_take_extensions(&req->in, &req->args, &creation.extensions);
	if (!err)
		err = wire_take_name(&req->args, &creation.name);
	if (!err)
		err = wire_take_string(&req->args, &creation.target);
	if (!err)
		err = args_end(&req->args);
	if (err)
		return err;
	return create_entry(req, &creation);
}

static int remove_entry(struct request *req, int flags)
{
	struct session *session = req->queue->session;
	struct creds_scope scope;
	struct caller caller;
	const char *name;
	int err, fd;

	err = wire_take_name(&req->args, &name);
	if (!err)
		err = args_end(&req->args);
	if (err)
		return err;
	caller_of(req, &caller);
	err = inode_fd(session->inodes, req->inode, &fd);
	if (err)
		return err;
	inode_before_unlink(session->inodes, req->inode, fd, name);
	err = creds_enter_checked(session->config, &caller, &scope);
	if (err)
		goto out_put;
	if (unlinkat(fd, name, flags))
		err = -errno;
	creds_leave(&scope);
out_put:
	if (err)
		inode_unlink_failed(session->inodes, req->inode, fd, name);
	inode_fd_put(session->inodes, req->inode);
	if (!err)
		session_reply_error(req, 0);
	return err;
}

int op_unlink(struct request *req)
{
	return remove_entry(req, 0);
}

int op_rmdir(struct request *req)
{
	return remove_entry(req, AT_REMOVEDIR);
}

/*
 * By descriptor that takes CAP_DAC_READ_SEARCH, and ENOENT says so where it is
 * missing; /proc's link to the descriptor does without, for symlinks as well.
 */
static int link_fd(int fd, int parent_fd, const char *name)
{
	char path[INODE_PROC_PATH_MAX];

	if (linkat(fd, "", parent_fd, name, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	if (linkat(AT_FDCWD, inode_proc_path(fd, path), parent_fd, name,
		   AT_SYMLINK_FOLLOW))
		return -errno;
	return 0;
}

static int link_inode(struct request *req, struct inode *old, int parent_fd,
		      const char *name)
{
	struct session *session = req->queue->session;
	struct creds_scope scope;
	struct caller caller;
	int err, fd;

	caller_of(req, &caller);
	err = inode_fd(session->inodes, old, &fd);
	if (err)
		return err;
	err = creds_enter_checked(session->config, &caller, &scope);
	if (err)
		goto out_put;
	err = link_fd(fd, parent_fd, name);
	creds_leave(&scope);
out_put:
	inode_fd_put(session->inodes, old);
	return err;
}

int op_link(struct request *req)
{
	const struct fuse_link_in *in = wire_take(&req->args, sizeof(*in));
	struct inode_table *inodes = req->queue->session->inodes;
	struct inode *old, *inode;
	struct statx stx;
	const char *name;
	int err, fd;

	if (!in)
		return -EINVAL;
	err = wire_take_name(&req->args, &name);
	if (!err)
		err = args_end(&req->args);
	if (!err)
		err = inode_get(inodes, in->oldnodeid, &old);
	if (err)
		return err;
	err = inode_fd(inodes, req->inode, &fd);
	if (err)
		goto out_put_old;
	err = link_inode(req, old, fd, name);
	if (!err)
		err = inode_lookup(inodes, req->inode, fd, name, &stx, &inode);
	inode_fd_put(inodes, req->inode);
out_put_old:
	inode_put(inodes, old);
	if (!err)
		reply_entry(req, inode, &stx);
	return err;
}

int op_readlink(struct request *req)
{
	struct inode_table *inodes = req->queue->session->inodes;
	char target[PATH_MAX];
	ssize_t bytes;
	int err, fd;

	err = inode_fd(inodes, req->inode, &fd);
	if (err)
		return err;
	bytes = readlinkat(fd, "", target, sizeof(target));
	if (bytes < 0)
		/* By descriptor ENOENT means that it is no symlink. */
		err = errno == ENOENT ? -EINVAL : -errno;
	inode_fd_put(inodes, req->inode);
	if (err)
		return err;
	if ((size_t)bytes > req->out_max)
		return -ENAMETOOLONG;
	out_write(req, 0, target, (size_t)bytes);
	session_reply_data(req, (size_t)bytes);
	return 0;
}
