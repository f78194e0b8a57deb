/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OPEN, FLUSH and RELEASE. CREATE and TMPFILE are in op_create.c.
 *
 * The backing file is opened without O_APPEND and O_DIRECT: with the writeback
 * cache any handle may carry any page, so each WRITE says for itself (op_io.c).
 * Queue's threads; no state of its own but the inode's content_hash.
 */
#include "op_open.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "creds.h"
#include "handle.h"
#include "inode.h"
#include "lock_owner.h"
#include "op_wait.h"
#include "ops.h"
#include "session.h"

/*
 * Kernels stamp files with a clock that ticks at most this slowly: a file that
 * was changed within the last tick may change again and keep its times.
 */
#define STAMP_TICK_NS (10 * NSEC_PER_MSEC)

int open_backing_flags(const struct request *req, uint32_t flags)
{
	int access = flags & O_ACCMODE;

	/* The kernel reads the rest of a page that is partly written. */
	if (access == O_WRONLY &&
	    session_has(req->queue->session, FUSE_WRITEBACK_CACHE))
		access = O_RDWR;
	return access | (int)(flags & O_NOATIME) | O_CLOEXEC;
}

static bool stamp_is_settled(const struct timespec *stamp)
{
	struct timespec now;
	int64_t age_ns;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec - stamp->tv_sec > 1)
		return true;
	if (now.tv_sec < stamp->tv_sec)
		return false;
	age_ns = (int64_t)(now.tv_sec - stamp->tv_sec) * (int64_t)NSEC_PER_SEC +
		 (now.tv_nsec - stamp->tv_nsec);
	return age_ns > (int64_t)STAMP_TICK_NS;
}

/* What stands for the content of FD's file; 0: cannot be told. */
static uint64_t content_hash(int fd)
{
	struct stat st;
	int64_t key[5];
	uint64_t hash;

	if (fstat(fd, &st) || !stamp_is_settled(&st.st_ctim))
		return 0;
	key[0] = st.st_size;
	key[1] = st.st_mtim.tv_sec;
	key[2] = st.st_mtim.tv_nsec;
	key[3] = st.st_ctim.tv_sec;
	key[4] = st.st_ctim.tv_nsec;
	hash = XXH3_64bits(key, sizeof(key));
	return hash ? hash : 1;
}

/* Close-to-open: the client's pages stay if the file is as it was last time. */
static bool content_unchanged(struct inode *inode, int fd)
{
	uint64_t hash = content_hash(fd);
	uint64_t before = atomic_exchange(&inode->content_hash, hash);

	return hash != 0 && hash == before;
}

static uint32_t open_reply_flags(const struct request *req, struct inode *inode,
				 int fd)
{
	switch (req->queue->session->config->cache) {
	case CACHE_NONE:
		return FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES;
	case CACHE_ALWAYS:
		return FOPEN_KEEP_CACHE;
	case CACHE_AUTO:
		break;
	}
	return content_unchanged(inode, fd) ? FOPEN_KEEP_CACHE : 0;
}

int open_finish(struct request *req, struct inode *inode, int fd,
		uint32_t flags, struct fuse_open_out *out)
{
	struct handle_table *handles = req->queue->session->handles;
	struct handle *handle;
	int error;

	memset(out, 0, sizeof(*out));
	out->open_flags = open_reply_flags(req, inode, fd);
	error = handle_open(handles, HANDLE_FILE, inode, fd, (int)flags,
			    &handle);
	if (error)
		return error;
	handle->caller_privileged = req->in.uid == 0;
	/* A host without O_DIRECT says so at open(2). */
	if (flags & O_DIRECT) {
		error = handle_io_fd(handles, handle, true);
		if (error < 0) {
			handle_release(handles, handle);
			return error;
		}
	}
	out->fh = handle_fh(handle);
	return 0;
}

/* Opens req->inode as the caller where its permissions are ours to check. */
static int open_as_caller(struct request *req, int flags)
{
	struct session *session = req->queue->session;
	const struct config *config = session->config;
	struct creds_scope scope;
	struct caller caller;
	int error, fd, held;

	caller_from_request(req, NULL, &caller);
	if (!caller_is_checked(config, &caller))
		return inode_open_unchecked(session->inodes, req->inode, flags);
	error = inode_fd(session->inodes, req->inode, &held);
	if (error)
		return error;
	error = creds_enter_checked(config, &caller, &scope);
	if (error)
		goto out_put;
	fd = inode_open(session->inodes, req->inode, flags);
	creds_leave(&scope);
	error = fd;
out_put:
	inode_fd_put(session->inodes, req->inode);
	return error;
}

/* An fd for IN without its O_TRUNC, or -errno. */
static int open_backing(struct request *req, const struct fuse_open_in *in)
{
	int flags = open_backing_flags(req, in->flags);
	int fd = open_as_caller(req, flags);

	/* Write only is less than we wanted, but all that was asked for. */
	if (fd == -EACCES && (in->flags & O_ACCMODE) == O_WRONLY &&
	    (flags & O_ACCMODE) == O_RDWR)
		fd = open_as_caller(req, (flags & ~O_ACCMODE) | O_WRONLY);
	/* A file with the append-only attribute opens in no other way. */
	if (fd == -EPERM && (in->flags & O_APPEND))
		fd = open_as_caller(req, flags | O_APPEND);
	return fd;
}

/*
 * O_TRUNC: by a descriptor, so that it happens after every check, and with the
 * caller's power over suid and sgid bits, not ours.
 */
static int open_truncate(struct request *req, const struct fuse_open_in *in,
			 int fd)
{
	bool kill = in->open_flags & FUSE_OPEN_KILL_SUIDGID;
	struct creds_scope scope;
	int writable = fd;
	int error;

	if ((in->flags & O_ACCMODE) == O_RDONLY) {
		writable = open_as_caller(req, O_WRONLY | O_CLOEXEC);
		if (writable < 0)
			return writable;
	}
	error = creds_enter_io(kill ? IO_CREDS_PLAIN : IO_CREDS_SERVER, &scope);
	if (error)
		goto out_close;
	if (ftruncate(writable, 0))
		error = -errno;
	creds_leave(&scope);
out_close:
	if (writable != fd)
		close(writable);
	return error;
}

static int open_now(struct request *req, const struct fuse_open_in *in)
{
	int error;
	int fd;

	fd = open_backing(req, in);
	if (fd < 0)
		return fd;
	if (in->flags & O_TRUNC) {
		error = open_truncate(req, in, fd);
		if (error) {
			close(fd);
			return error;
		}
	}
	return open_finish(req, req->inode, fd, in->flags, &req->small.open);
}

static void open_reply(struct request *req, int error)
{
	if (error)
		session_reply_error(req, error);
	else
		session_reply_small(req, sizeof(req->small.open));
}

static void open_truncate_granted(struct writeback_op *op)
{
	struct request *req = request_of_writeback(op);
	int error = open_now(req, &req->saved.open);

	writeback_end(&req->inode->writeback, op);
	open_reply(req, error);
}

int op_open(struct request *req)
{
	const struct fuse_open_in *in = wire_take(&req->args, sizeof(*in));

	if (!in)
		return -EINVAL;
	req->saved.open = *in;
	if (in->flags & O_TRUNC)
		return request_when_clear(req, WRITEBACK_HOLD, 0, OP_RANGE_MAX,
					  open_truncate_granted);
	open_reply(req, open_now(req, &req->saved.open));
	return 0;
}

static void flush_granted(struct writeback_op *op)
{
	struct request *req = request_of_writeback(op);
	struct session *session = req->queue->session;
	int error = 0;
	int copy = -1;

	/* Closing any descriptor of the file gives up all locks of the owner. */
	lock_owner_release(session->inodes, req->inode,
			   req->saved.flush.lock_owner);
	/* What the host reports of writing at close(2): quota and network. */
	if ((req->handle->flags & O_ACCMODE) != O_RDONLY) {
		copy = fcntl(req->handle->fd, F_DUPFD_CLOEXEC, 0);
		if (copy < 0)
			error = -errno;
	}
	if (copy >= 0 && close(copy) && errno != EINTR)
		error = -errno;
	session_reply_error(req, error);
}

int op_flush(struct request *req)
{
	struct session *session = req->queue->session;
	const struct fuse_flush_in *in = wire_take(&req->args, sizeof(*in));
	int error;

	if (!in)
		return -EINVAL;
	error = handle_get(session->handles, in->fh, HANDLE_FILE, req->inode,
			   &req->handle);
	if (error)
		return error;
	req->saved.flush = *in;
	return request_when_clear(req, WRITEBACK_PASS, 0, OP_RANGE_MAX,
				  flush_granted);
}

static void release_granted(struct writeback_op *op)
{
	struct request *req = request_of_writeback(op);
	struct handle_table *handles = req->queue->session->handles;

	/* Also where another request still keeps the file open. */
	if (req->saved.release.release_flags & FUSE_RELEASE_FLOCK_UNLOCK)
		flock(req->handle->fd, LOCK_UN);
	lock_owners_release_fh(req->queue->session->inodes, req->inode,
			       req->saved.release.fh);
	handle_release(handles, req->handle);
	/* Closed before the client hears of it. */
	handle_put(handles, req->handle);
	req->handle = NULL;
	session_reply_error(req, 0);
}

int op_release(struct request *req)
{
	struct session *session = req->queue->session;
	const struct fuse_release_in *in = wire_take(&req->args, sizeof(*in));
	int error;

	if (!in)
		return -EINVAL;
	error = handle_get(session->handles, in->fh, HANDLE_FILE, req->inode,
			   &req->handle);
	if (error)
		return error;
	req->saved.release = *in;
	error = request_when_clear(req, WRITEBACK_PASS, 0, OP_RANGE_MAX,
				   release_granted);
	/* The client asks only once. */
	if (error)
		release_granted(&req->writeback);
	return 0;
}
