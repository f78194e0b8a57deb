/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * READDIR and READDIRPLUS. A handle reads ahead with getdents64 into its buffer;
 * what does not fit a reply waits there for the next request, which continues
 * without a seek if it asks for the offset where the last one ended.
 *
 * Queue's threads, one at a time for a handle: handle->dir_lock, which is taken
 * before any lock of the inode table.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "creds.h"
#include "handle.h"
#include "inode.h"
#include "ops.h"
#include "session.h"
#include "util.h"

#define DIR_BUFFER_BYTES (32U << 10)

/* What getdents64(2) gives. */
struct host_dirent {
	uint64_t ino;
	int64_t next_offset;
	uint16_t record_bytes;
	uint8_t type;
	char name[];
};

/* A reply being filled. */
struct listing {
	struct request *req;
	struct handle *handle;
	bool plus;
	bool may_search;	/* the caller: attributes are its to see */
	size_t max_bytes;
	size_t used_bytes;
};

/* Makes the handle stand at OFFSET. */
static int seek_to(struct handle *handle, uint64_t offset)
{
	/* The beginning is always read anew: rewinddir(3) promises that. */
	if (offset == handle->dir_offset && (offset || !handle->dir_filled))
		return 0;
	if (offset > INT64_MAX)
		return -EINVAL;
	if (lseek(handle->fd, (off_t)offset, SEEK_SET) < 0)
		return -errno;
	handle->dir_next = 0;
	handle->dir_filled = 0;
	handle->dir_offset = offset;
	return 0;
}

/* 1: there is an entry at dir_next. 0: the end. */
static int fill_buffer(struct handle *handle)
{
	long got;

	if (handle->dir_next < handle->dir_filled)
		return 1;
	if (!handle->dir_buffer) {
		handle->dir_buffer = malloc(DIR_BUFFER_BYTES);
		if (!handle->dir_buffer)
			return -ENOMEM;
	}
	got = syscall(SYS_getdents64, handle->fd, handle->dir_buffer,
		      DIR_BUFFER_BYTES);
	if (got < 0)
		return -errno;
	handle->dir_next = 0;
	handle->dir_filled = (size_t)got;
	return got > 0;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' &&
	       (!name[1] || (name[1] == '.' && !name[2]));
}

/*
 * Entry and attributes of HOST in *entry. nodeid 0 where there is none to give:
 * Linux then looks the name up when it is wanted. 0; -ENOENT: it is gone.
 */
static int fill_entry(struct listing *listing, const struct host_dirent *host,
		      struct fuse_entry_out *entry)
{
	struct request *req = listing->req;
	struct inode *inode;
	struct statx stx;
	int err = -EACCES;

	if (!is_dots(host->name) && listing->may_search) {
		err = inode_lookup(req->queue->session->inodes, req->inode,
				   listing->handle->fd, host->name, &stx,
				   &inode);
		if (err == -ENOENT)
			return err;
	}
	*entry = (struct fuse_entry_out){ 0 };
	if (!err) {
		entry_fill(req, inode, &stx, entry);
		return 0;
	}
	entry->attr.ino = host->ino;
	entry->attr.mode = (uint32_t)host->type << 12;
	return 0;
}

/* 1: HOST is in the reply, or gone. 0: no room. */
static int add_entry(struct listing *listing, const struct host_dirent *host)
{
	size_t name_bytes = strlen(host->name);
	size_t head = listing->plus ? sizeof(struct fuse_entry_out) : 0;
	size_t bytes = head + FUSE_NAME_OFFSET + name_bytes;
	size_t at = listing->used_bytes;
	struct fuse_dirent dirent = {
		.ino = host->ino,
		.off = (uint64_t)host->next_offset,
		.namelen = (uint32_t)name_bytes,
		.type = host->type,
	};
	static const uint8_t zeros[sizeof(uint64_t)];
	struct fuse_entry_out entry;

	if (FUSE_DIRENT_ALIGN(bytes) > listing->max_bytes - at)
		return 0;
	if (listing->plus) {
		if (fill_entry(listing, host, &entry))
			return 1;
		out_write(listing->req, at, &entry, sizeof(entry));
	}
	out_write(listing->req, at + head, &dirent, FUSE_NAME_OFFSET);
	out_write(listing->req, at + head + FUSE_NAME_OFFSET, host->name,
		  name_bytes);
	out_write(listing->req, at + bytes, zeros,
		  FUSE_DIRENT_ALIGN(bytes) - bytes);
	listing->used_bytes += FUSE_DIRENT_ALIGN(bytes);
	return 1;
}

/* Lists from the handle's position. dir_lock is held. */
static int list_locked(struct listing *listing)
{
	struct handle *handle = listing->handle;
	const struct host_dirent *host;
	int more;

	for (;;) {
		more = fill_buffer(handle);
		if (more <= 0)
			break;
		host = (const void *)(handle->dir_buffer + handle->dir_next);
		if (!add_entry(listing, host)) {
			/* As getdents(2) has it: too small for even one. */
			more = -EINVAL;
			break;
		}
		handle->dir_next += host->record_bytes;
		handle->dir_offset = (uint64_t)host->next_offset;
	}
	return listing->used_bytes ? 0 : more;
}

/* Where permissions are ours, names are for readers, attributes for searchers. */
static bool caller_may_search(struct request *req, int fd)
{
	const struct config *config = req->queue->session->config;
	struct creds_scope scope;
	struct caller caller;
	bool may;

	caller_of(req, &caller);
	if (!caller_is_checked(config, &caller))
		return true;
	if (creds_enter_checked(config, &caller, &scope))
		return false;
	may = faccessat(fd, "", X_OK, AT_EACCESS | AT_EMPTY_PATH) == 0;
	creds_leave(&scope);
	return may;
}

static int read_directory(struct request *req, bool plus)
{
	const struct fuse_read_in *in = wire_take(&req->args, sizeof(*in));
	struct listing listing = { .req = req, .plus = plus };
	int err;

	if (!in)
		return -EINVAL;
	/* The room for the reply may be where the message was. */
	req->saved.read = *in;
	in = &req->saved.read;
	err = handle_get(req->queue->session->handles, in->fh,
			 HANDLE_DIRECTORY, req->inode, &req->handle);
	if (err)
		return err;
	listing.handle = req->handle;
	listing.max_bytes = min_u64(in->size, req->out_max);
	if (plus)
		listing.may_search = caller_may_search(req, req->handle->fd);
	pthread_mutex_lock(&req->handle->dir_lock);
	err = seek_to(req->handle, in->offset);
	if (!err)
		err = list_locked(&listing);
	pthread_mutex_unlock(&req->handle->dir_lock);
	if (err)
		return err;
	session_reply_data(req, listing.used_bytes);
	return 0;
}

int op_readdir(struct request *req)
{
	return read_directory(req, false);
}

int op_readdirplus(struct request *req)
{
	return read_directory(req, true);
}

void readdirplus_unlookup(struct request *req, size_t bytes)
{
	struct inode_table *inodes = req->queue->session->inodes;
	size_t head = sizeof(struct fuse_entry_out) + FUSE_NAME_OFFSET;
	struct fuse_entry_out entry;
	struct fuse_dirent dirent;
	size_t at = 0;

	while (bytes - at >= head) {
		out_read(req, at, &entry, sizeof(entry));
		out_read(req, at + sizeof(entry), &dirent, FUSE_NAME_OFFSET);
		if (entry.nodeid)
			inode_forget(inodes, entry.nodeid, 1);
		at += FUSE_DIRENT_ALIGN(head + dirent.namelen);
		if (at > bytes)
			break;
	}
}
