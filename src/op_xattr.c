/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended attributes. The calls go through /proc/self/fd/N: an O_PATH fd cannot
 * be given to fgetxattr(2), and its magic link is the object itself, a symlink
 * included. Queue's threads; no state.
 *
 * Who may see and change what in trusted.* and security.* was Linux's decision in
 * the client; only the list is ours to weed.
 */
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "creds.h"
#include "inode.h"
#include "ops.h"
#include "session.h"
#include "util.h"

/* Linux's limits of a value and of a list are the same. */
#define XATTR_BYTES_MAX 65536U

#define TRUSTED_PREFIX "trusted."
#define ACL_ACCESS_NAME "system.posix_acl_access"

/* One call on the inode's object, as the caller where that counts. */
struct xattr_call {
	ssize_t (*call)(const char *path, const struct xattr_call *call);
	const char *name;
	const void *value;
	void *buffer;
	size_t bytes;
	int flags;
};

static ssize_t call_set(const char *path, const struct xattr_call *call)
{
	return setxattr(path, call->name, call->value, call->bytes,
			call->flags);
}

static ssize_t call_get(const char *path, const struct xattr_call *call)
{
	return getxattr(path, call->name, call->buffer, call->bytes);
}

static ssize_t call_list(const char *path, const struct xattr_call *call)
{
	return listxattr(path, call->buffer, call->bytes);
}

static ssize_t call_remove(const char *path, const struct xattr_call *call)
{
	return removexattr(path, call->name);
}

/* Of the inode behind FD: the call's result, or -errno. */
static ssize_t run_on_fd(struct request *req, int fd,
			 const struct xattr_call *call)
{
	char path[INODE_PROC_PATH_MAX];
	struct creds_scope scope;
	struct caller caller;
	ssize_t result;
	int err;

	caller_of(req, &caller);
	inode_proc_path(fd, path);
	err = creds_enter_checked(req->queue->session->config, &caller, &scope);
	if (err)
		return err;
	result = call->call(path, call);
	if (result < 0)
		result = -errno;
	creds_leave(&scope);
	return result;
}

static ssize_t run(struct request *req, const struct xattr_call *call)
{
	struct inode_table *inodes = req->queue->session->inodes;
	ssize_t result;
	int err, fd;

	err = inode_fd(inodes, req->inode, &fd);
	if (err)
		return err;
	result = run_on_fd(req, fd, call);
	inode_fd_put(inodes, req->inode);
	return result;
}

static bool is_off(const struct request *req)
{
	return !req->queue->session->config->xattr;
}

/*
 * The host lets us keep S_ISGID with a new ACL, but the caller is outside the
 * group and must not.
 */
static int kill_sgid(struct request *req)
{
	struct inode_table *inodes = req->queue->session->inodes;
	char path[INODE_PROC_PATH_MAX];
	struct stat st;
	int err, fd;

	err = inode_fd(inodes, req->inode, &fd);
	if (err)
		return err;
	if (fstat(fd, &st))
		err = -errno;
	else if ((st.st_mode & S_ISGID) &&
		 chmod(inode_proc_path(fd, path),
		       st.st_mode & 07777 & ~(mode_t)S_ISGID))
		err = -errno;
	inode_fd_put(inodes, req->inode);
	return err;
}

int op_setxattr(struct request *req)
{
	bool extended = session_has(req->queue->session, FUSE_SETXATTR_EXT);
	struct xattr_call call = { .call = call_set };
	const struct fuse_setxattr_in *in;
	bool kill = false;
	ssize_t result;

	if (is_off(req))
		return -ENOSYS;
	/* Of the short form only size and flags are there. */
	in = wire_take(&req->args, extended ? sizeof(*in) :
					      FUSE_COMPAT_SETXATTR_IN_SIZE);
	if (!in || wire_take_string(&req->args, &call.name) ||
	    req->args.left != in->size)
		return -EINVAL;
	call.value = req->args.next;
	call.bytes = in->size;
	call.flags = (int)in->flags;
	if (extended && strcmp(call.name, ACL_ACCESS_NAME) == 0)
		kill = in->setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID;
	result = run(req, &call);
	if (!result && kill)
		result = kill_sgid(req);
	if (!result)
		session_reply_error(req, 0);
	return (int)result;
}

int op_removexattr(struct request *req)
{
	struct xattr_call call = { .call = call_remove };
	int result;

	if (is_off(req))
		return -ENOSYS;
	if (wire_take_string(&req->args, &call.name) || args_end(&req->args))
		return WIRE_MALFORMED;
	result = (int)run(req, &call);
	if (!result)
		session_reply_error(req, 0);
	return result;
}

static void reply_size(struct request *req, size_t bytes)
{
	req->small.getxattr = (struct fuse_getxattr_out){
		.size = (uint32_t)bytes,
	};
	session_reply_small(req, sizeof(req->small.getxattr));
}

int op_getxattr(struct request *req)
{
	const struct fuse_getxattr_in *in = wire_take(&req->args, sizeof(*in));
	struct xattr_call call = { .call = call_get };
	uint8_t *bounce = NULL;
	ssize_t result;

	if (is_off(req))
		return -ENOSYS;
	if (!in || wire_take_string(&req->args, &call.name) ||
	    args_end(&req->args))
		return WIRE_MALFORMED;
	call.bytes = min_u64(min_u64(in->size, req->out_max), XATTR_BYTES_MAX);
	/* The host copies the name in before it writes the value over it. */
	if (req->out_iov_count && req->out_iov[0].iov_len >= call.bytes) {
		call.buffer = req->out_iov[0].iov_base;
	} else if (call.bytes) {
		bounce = malloc(call.bytes);
		if (!bounce)
			return -ENOMEM;
		call.buffer = bounce;
	}
	result = run(req, &call);
	if (result >= 0 && call.bytes) {
		if (bounce)
			out_write(req, 0, bounce, (size_t)result);
		session_reply_data(req, (size_t)result);
	} else if (result >= 0) {
		reply_size(req, (size_t)result);
	}
	free(bounce);
	return result < 0 ? (int)result : 0;
}

/*
 * The host gives root's list, with names that an ordinary caller would not see.
 * Returns the bytes that remain.
 */
static size_t weed_list(struct request *req, char *list, size_t bytes)
{
	size_t from, length, to = 0;
	bool asked = false, may = true;
	struct caller caller;

	if (!req->queue->session->config->privileged)
		return bytes;
	for (from = 0; from < bytes; from += length) {
		length = strnlen(list + from, bytes - from - 1) + 1;
		if (strncmp(list + from, TRUSTED_PREFIX,
			    strlen(TRUSTED_PREFIX)) == 0) {
			if (!asked) {
				caller_of(req, &caller);
				may = caller_capable(&caller, CAP_SYS_ADMIN);
				asked = true;
			}
			if (!may)
				continue;
		}
		memmove(list + to, list + from, length);
		to += length;
	}
	return to;
}

static int reply_list(struct request *req, uint32_t size, char *list,
		      size_t bytes)
{
	bytes = weed_list(req, list, bytes);
	if (!size) {
		reply_size(req, bytes);
		return 0;
	}
	if (bytes > size || bytes > req->out_max)
		return -ERANGE;
	out_write(req, 0, list, bytes);
	session_reply_data(req, bytes);
	return 0;
}

int op_listxattr(struct request *req)
{
	const struct fuse_getxattr_in *in = wire_take(&req->args, sizeof(*in));
	char small[PATH_MAX];
	struct xattr_call call = {
		.call = call_list,
		.buffer = small,
		.bytes = sizeof(small),
	};
	char *large = NULL;
	ssize_t result;
	uint32_t size;
	int err;

	if (is_off(req))
		return -ENOSYS;
	if (!in)
		return -EINVAL;
	size = in->size;
	result = run(req, &call);
	if (result == -ERANGE) {
		large = malloc(XATTR_BYTES_MAX);
		if (!large)
			return -ENOMEM;
		call.buffer = large;
		call.bytes = XATTR_BYTES_MAX;
		result = run(req, &call);
	}
	err = (int)result;
	if (result >= 0)
		err = reply_list(req, size, call.buffer, (size_t)result);
	free(large);
	return err;
}
