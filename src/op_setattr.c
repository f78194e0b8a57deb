/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SETATTR. Each FATTR_ bit is the system call of its own, in the order mode,
 * owner, size, times (a new size touches mtime). Truncation holds what it cuts
 * off in the inode's writeback, so it waits for writes in flight there and later
 * ones wait for it. Queue's threads; no state.
 *
 * FATTR_CTIME is not for a passthrough: the host's ctime cannot be set.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include "creds.h"
#include "handle.h"
#include "inode.h"
#include "op_wait.h"
#include "ops.h"
#include "session.h"
#include "util.h"

#define FATTR_OWNER (FATTR_UID | FATTR_GID)
#define FATTR_TIMES \
	(FATTR_ATIME | FATTR_MTIME | FATTR_ATIME_NOW | FATTR_MTIME_NOW)
#define FATTR_CHANGES (FATTR_MODE | FATTR_OWNER | FATTR_SIZE | FATTR_TIMES)

static int set_mode(int fd, mode_t mode)
{
	char path[INODE_PROC_PATH_MAX];

	/* A symlink's magic link is the symlink: EOPNOTSUPP, as it should be. */
	return chmod(inode_proc_path(fd, path), mode & 07777) ? -errno : 0;
}

static int set_owner(int fd, const struct fuse_setattr_in *in)
{
	uid_t uid = in->valid & FATTR_UID ? in->uid : (uid_t)-1;
	gid_t gid = in->valid & FATTR_GID ? in->gid : (gid_t)-1;

	return fchownat(fd, "", uid, gid, AT_EMPTY_PATH) ? -errno : 0;
}

static struct timespec time_of(uint32_t valid, uint32_t set, uint32_t now,
			       uint64_t sec, uint32_t nsec)
{
	/* Linux sends NOW together with the plain bit. */
	if (valid & now)
		return (struct timespec){ .tv_nsec = UTIME_NOW };
	if (valid & set)
		return (struct timespec){ .tv_sec = (time_t)sec,
					  .tv_nsec = nsec };
	return (struct timespec){ .tv_nsec = UTIME_OMIT };
}

static int set_times(int fd, const struct fuse_setattr_in *in)
{
	struct timespec times[2];

	if (in->atimensec >= NSEC_PER_SEC || in->mtimensec >= NSEC_PER_SEC)
		return -EINVAL;
	times[0] = time_of(in->valid, FATTR_ATIME, FATTR_ATIME_NOW, in->atime,
			   in->atimensec);
	times[1] = time_of(in->valid, FATTR_MTIME, FATTR_MTIME_NOW, in->mtime,
			   in->mtimensec);
	return utimensat(fd, "", times, AT_EMPTY_PATH) ? -errno : 0;
}

/* What comes before the size; also opens the file for truncation if need be. */
static int set_before_size(struct request *req, int fd, int *size_fd)
{
	const struct fuse_setattr_in *in = &req->saved.setattr;
	int err = 0;

	if (in->valid & FATTR_MODE)
		err = set_mode(fd, in->mode);
	if (!err && (in->valid & FATTR_OWNER))
		err = set_owner(fd, in);
	if (err || !(in->valid & FATTR_SIZE) || req->handle)
		return err;
	err = inode_open(req->queue->session->inodes, req->inode, O_WRONLY);
	if (err < 0)
		return err;
	*size_fd = err;
	return 0;
}

static int set_size(struct request *req, int fd)
{
	const struct fuse_setattr_in *in = &req->saved.setattr;
	struct creds_scope scope;
	int err;

	err = creds_enter_io(in->valid & FATTR_KILL_SUIDGID ?
				     IO_CREDS_PLAIN : IO_CREDS_SERVER,
			     &scope);
	if (err)
		return err;
	if (ftruncate(fd, (off_t)in->size))
		err = -errno;
	creds_leave(&scope);
	return err;
}

/*
 * With the write-back cache the client keeps mtime for who writes: it comes with a
 * truncation, or alone with the file that was written to. Whoever may write may
 * have that done, owner or not.
 */
static bool times_of_writer(const struct request *req)
{
	const struct fuse_setattr_in *in = &req->saved.setattr;
	const uint32_t others = FATTR_MODE | FATTR_OWNER | FATTR_ATIME;

	if (!session_has(req->queue->session, FUSE_WRITEBACK_CACHE))
		return false;
	if (in->valid & FATTR_SIZE)
		return true;
	return req->handle && !(in->valid & others) &&
	       (req->handle->flags & O_ACCMODE) != O_RDONLY;
}

static int set_times_as(struct request *req, int fd,
			const struct caller *caller)
{
	const struct config *config = req->queue->session->config;
	struct creds_scope scope;
	int err;

	if (times_of_writer(req))
		return set_times(fd, &req->saved.setattr);
	err = creds_enter_checked(config, caller, &scope);
	if (err)
		return err;
	err = set_times(fd, &req->saved.setattr);
	creds_leave(&scope);
	return err;
}

/*
 * Linux sends a SETATTR without any change for chown(path, -1, -1), and to have
 * suid and sgid killed: on the host that is one and the same, for the owner to do.
 * Writing kills them for others, too, but says so in the WRITE.
 */
static int set_nothing(struct request *req, int fd)
{
	struct caller caller;
	struct stat st;

	caller_of(req, &caller);
	if (req->queue->session->config->privileged) {
		if (fstat(fd, &st))
			return -errno;
		if (caller.uid != st.st_uid &&
		    !caller_capable(&caller, CAP_FOWNER))
			return 0;
	}
	return set_owner(fd, &req->saved.setattr);
}

static int set_all(struct request *req, int fd)
{
	const struct config *config = req->queue->session->config;
	const struct fuse_setattr_in *in = &req->saved.setattr;
	struct creds_scope scope;
	struct caller caller;
	int size_fd = -1;
	int err;

	if (!(in->valid & FATTR_CHANGES))
		return set_nothing(req, fd);
	caller_of(req, &caller);
	err = creds_enter_checked(config, &caller, &scope);
	if (err)
		return err;
	err = set_before_size(req, fd, &size_fd);
	creds_leave(&scope);
	if (!err && (in->valid & FATTR_SIZE))
		err = set_size(req, req->handle ? req->handle->fd : size_fd);
	if (size_fd >= 0)
		close(size_fd);
	if (!err && (in->valid & FATTR_TIMES))
		err = set_times_as(req, fd, &caller);
	return err;
}

/* -errno: nothing was answered. */
static int setattr_now(struct request *req)
{
	struct session *session = req->queue->session;
	struct fuse_attr_out *out = &req->small.attr;
	struct statx stx;
	int err, fd;

	err = inode_fd(session->inodes, req->inode, &fd);
	if (err)
		return err;
	err = set_all(req, fd);
	if (!err)
		err = attr_statx(fd, &stx);
	inode_fd_put(session->inodes, req->inode);
	if (err)
		return err;
	*out = (struct fuse_attr_out){ 0 };
	timeout_split(session->config->attr_timeout_ns, &out->attr_valid,
		      &out->attr_valid_nsec);
	attr_from_statx(&stx, &out->attr);
	return 0;
}

static void reply_attr(struct request *req, int err)
{
	if (err)
		session_reply_error(req, err);
	else
		session_reply_small(req, sizeof(req->small.attr));
}

/* The range is ours: do it, and give the range back before the reply. */
static void setattr_granted(struct writeback_op *op)
{
	struct request *req = request_of_writeback(op);
	int err = setattr_now(req);

	writeback_end(&req->inode->writeback, op);
	reply_attr(req, err);
}

int op_setattr(struct request *req)
{
	const struct fuse_setattr_in *in = wire_take(&req->args, sizeof(*in));
	int err;

	if (!in)
		return -EINVAL;
	req->saved.setattr = *in;
	in = &req->saved.setattr;
	if ((in->valid & FATTR_SIZE) && in->size > INT64_MAX)
		return -EINVAL;
	/* Whether it was opened for writing matters to these two only. */
	if ((in->valid & (FATTR_SIZE | FATTR_MTIME)) &&
	    (in->valid & FATTR_FH)) {
		err = handle_get(req->queue->session->handles, in->fh,
				 HANDLE_FILE, req->inode, &req->handle);
		if (err)
			return err;
	}
	if (in->valid & FATTR_SIZE)
		return request_when_clear(req, WRITEBACK_HOLD, in->size,
					  OP_RANGE_MAX, setattr_granted);
	err = setattr_now(req);
	if (!err)
		reply_attr(req, 0);
	return err;
}
