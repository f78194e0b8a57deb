/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GETLK, SETLK and SETLKW: POSIX locks (lock_owner.h) and flock. Locks that are
 * free, or only asked about, and all unlocks are done on the queue's thread; a
 * lock that is not free parks, its buffer given back, on a thread of its own
 * (session->lock_waiters), so no waiting lock ever stands in an unlock's way.
 *
 * Deadlocks of POSIX locks (EDEADLK) are not looked for: the host does not for
 * OFD locks, and Linux's FUSE client does not either. An interrupt ends them.
 */
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "handle.h"
#include "inode.h"
#include "lock_owner.h"
#include "lock_wait.h"
#include "session.h"
#include "util.h"

/* A parked SETLKW; the request's own (op_private). */
struct lock_waiter {
	struct lock_wait wait;
	struct lock_owner *owner;	/* NULL: flock */
	int fd;
	struct flock host;		/* POSIX */
	int operation;			/* flock */
};

static bool is_flock(const struct fuse_lk_in *in)
{
	return in->lk_flags & FUSE_LK_FLOCK;
}

/* Takes the arguments to req->saved.lk, checks them, finds the handle. */
static int take_lock(struct request *req)
{
	struct session *session = req->queue->session;
	const struct fuse_lk_in *in = wire_take(&req->args, sizeof(*in));
	struct fuse_file_lock *lock = &req->saved.lk.lk;

	if (!in)
		return -EINVAL;
	req->saved.lk = *in;
	if (lock->type != F_RDLCK && lock->type != F_WRLCK &&
	    lock->type != F_UNLCK)
		return -EINVAL;
	if (!is_flock(in) && (lock->start > INT64_MAX || lock->end > INT64_MAX ||
			      lock->start > lock->end))
		return -EINVAL;
	return handle_get(session->handles, in->fh, HANDLE_FILE, req->inode,
			  &req->handle);
}

/* The wire's end is inclusive; the largest offset means to the end. */
static void host_lock(const struct fuse_file_lock *lock, struct flock *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->l_type = (short)lock->type;
	ret->l_whence = SEEK_SET;
	ret->l_start = (off_t)lock->start;
	if (lock->end < INT64_MAX)
		ret->l_len = (off_t)(lock->end - lock->start + 1);
}

static void wire_lock(const struct flock *host, struct fuse_file_lock *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->type = (uint32_t)host->l_type;
	if (host->l_type == F_UNLCK)
		return;
	ret->start = (uint64_t)host->l_start;
	ret->end = host->l_len ?
		(uint64_t)host->l_start + (uint64_t)host->l_len - 1 : INT64_MAX;
	if (host->l_pid > 0)
		ret->pid = (uint32_t)host->l_pid;
}

int op_getlk(struct request *req)
{
	struct inode_table *inodes = req->queue->session->inodes;
	struct fuse_lk_in *in = &req->saved.lk;
	struct fuse_file_lock *found = &req->small.lk.lk;
	struct lock_owner *owner;
	struct flock host;
	int error;

	error = take_lock(req);
	if (error)
		return error;
	if (is_flock(in) || in->lk.type == F_UNLCK)
		return -EINVAL;
	error = lock_owner_get(inodes, req->handle, in->owner, &owner);
	if (error)
		return error;
	host_lock(&in->lk, &host);
	error = fcntl(lock_owner_fd(owner), F_OFD_GETLK, &host) ? -errno : 0;
	lock_owner_put(inodes, req->inode, owner);
	if (error)
		return error;
	wire_lock(&host, found);
	/* The host knows no process for a lock of ours. */
	if (found->type != F_UNLCK && host.l_pid == -1)
		found->pid = lock_owner_pid(inodes, req->inode, in->owner, found);
	session_reply_small(req, sizeof(req->small.lk));
	return 0;
}

static int flock_operation(const struct fuse_lk_in *in)
{
	if (in->lk.type == F_UNLCK)
		return LOCK_UN;
	return in->lk.type == F_RDLCK ? LOCK_SH : LOCK_EX;
}

static int set_flock(struct request *req)
{
	int operation = flock_operation(&req->saved.lk) | LOCK_NB;

	return flock(req->handle->fd, operation) ? -errno : 0;
}

static int set_posix(struct request *req)
{
	struct inode_table *inodes = req->queue->session->inodes;
	const struct fuse_lk_in *in = &req->saved.lk;
	struct lock_owner *owner;
	int error;

	if (in->lk.type == F_UNLCK) {
		owner = lock_owner_find(inodes, req->inode, in->owner);
		if (!owner)
			return 0;
	} else {
		error = lock_owner_get(inodes, req->handle, in->owner, &owner);
		if (error)
			return error;
	}
	error = lock_owner_set(inodes, req->inode, owner, &in->lk);
	lock_owner_put(inodes, req->inode, owner);
	return error;
}

/* Without waiting. -EAGAIN: not free. */
static int set_now(struct request *req)
{
	return is_flock(&req->saved.lk) ? set_flock(req) : set_posix(req);
}

int op_setlk(struct request *req)
{
	int error;

	error = take_lock(req);
	if (error)
		return error;
	error = set_now(req);
	if (error)
		return error;
	session_reply_error(req, 0);
	return 0;
}

/* The call that waits. */
static int wait_call(void *arg)
{
	struct lock_waiter *waiter = arg;

	if (!waiter->owner)
		return flock(waiter->fd, waiter->operation) ? -errno : 0;
	return fcntl(waiter->fd, F_OFD_SETLKW, &waiter->host) ? -errno : 0;
}

static void waiter_free(struct request *req)
{
	struct lock_waiter *waiter = req->op_private;

	if (waiter->owner)
		lock_owner_put(req->queue->session->inodes, req->inode,
			       waiter->owner);
	lock_wait_destroy(&waiter->wait);
	free(waiter);
	req->op_private = NULL;
	atomic_fetch_sub(&req->queue->session->lock_waiter_count, 1);
}

/* Any thread, under the in-flight lock. */
static void waiter_interrupt(struct request *req)
{
	struct lock_waiter *waiter = req->op_private;

	lock_wait_interrupt(&waiter->wait);
}

/* A thread of session->lock_waiters. */
static void waiter_run(struct work *work)
{
	struct request *req = container_of(work, struct request, work);
	struct session *session = req->queue->session;
	struct lock_waiter *waiter = req->op_private;
	int result;

	result = lock_wait_run(&waiter->wait, wait_call, waiter);
	/* From here on nobody looks at the waiter any more. */
	inflight_interruptible(session->inflight, req, NULL);
	if (!result && waiter->owner)
		lock_owner_got(session->inodes, req->inode, waiter->owner,
			       &req->saved.lk.lk);
	waiter_free(req);
	session_reply_error(req, result);
}

static int waiter_create(struct request *req)
{
	struct session *session = req->queue->session;
	const struct fuse_lk_in *in = &req->saved.lk;
	struct lock_waiter *waiter;
	int error;

	error = -ENOLCK;
	if (atomic_fetch_add(&session->lock_waiter_count, 1) >=
	    SESSION_LOCK_WAITERS_MAX)
		goto out_count;
	error = -ENOMEM;
	waiter = calloc(1, sizeof(*waiter));
	if (!waiter)
		goto out_count;
	if (is_flock(in)) {
		waiter->fd = req->handle->fd;
		waiter->operation = flock_operation(in);
	} else {
		error = lock_owner_get(session->inodes, req->handle, in->owner,
				       &waiter->owner);
		if (error)
			goto out_free;
		waiter->fd = lock_owner_fd(waiter->owner);
		host_lock(&in->lk, &waiter->host);
	}
	lock_wait_init(&waiter->wait);
	req->op_private = waiter;
	return 0;

out_free:
	free(waiter);
out_count:
	atomic_fetch_sub(&session->lock_waiter_count, 1);
	return error;
}

int op_setlkw(struct request *req)
{
	struct session *session = req->queue->session;
	int error;

	error = take_lock(req);
	if (error)
		return error;
	error = set_now(req);
	if (!error) {
		session_reply_error(req, 0);
		return 0;
	}
	if (error != -EAGAIN)
		return error;
	error = waiter_create(req);
	if (error)
		return error;
	request_drop_buffer(req);
	error = inflight_interruptible(session->inflight, req, waiter_interrupt);
	if (error) {
		inflight_interruptible(session->inflight, req, NULL);
		waiter_free(req);
		return error;
	}
	work_init(&req->work, waiter_run);
	workqueue_queue(session->lock_waiters, &req->work);
	return 0;
}
