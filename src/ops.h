/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The handlers, by family. Each is called as dispatch.h says: on the queue's
 * thread, with req->args holding at least the operation's in_min bytes.
 */
#ifndef FERRYFS_OPS_H
#define FERRYFS_OPS_H

#include <errno.h>
#include <linux/stat.h>
#include <stdint.h>

#include "request.h"

struct caller;
struct inode;
struct statx;

/* op_name.c */
int op_lookup(struct request *req);
int op_forget(struct request *req);
int op_batch_forget(struct request *req);
int op_symlink(struct request *req);
int op_readlink(struct request *req);
int op_mknod(struct request *req);
int op_mkdir(struct request *req);
int op_unlink(struct request *req);
int op_rmdir(struct request *req);
int op_link(struct request *req);
/* op_rename.c */
int op_rename(struct request *req);
int op_rename2(struct request *req);
/* op_attr.c, op_setattr.c */
int op_getattr(struct request *req);
int op_statx(struct request *req);
int op_setattr(struct request *req);
int op_access(struct request *req);
/* op_file.c */
int op_open(struct request *req);
int op_create(struct request *req);
int op_tmpfile(struct request *req);
int op_flush(struct request *req);
int op_release(struct request *req);
/* op_io.c */
int op_read(struct request *req);
int op_write(struct request *req);
int op_fsync(struct request *req);
/* op_space.c */
int op_fallocate(struct request *req);
int op_lseek(struct request *req);
int op_copy_file_range(struct request *req);
int op_copy_file_range_64(struct request *req);
/* op_dir.c */
int op_opendir(struct request *req);
int op_readdir(struct request *req);
int op_readdirplus(struct request *req);
int op_releasedir(struct request *req);
int op_fsyncdir(struct request *req);
/* op_xattr.c */
int op_setxattr(struct request *req);
int op_getxattr(struct request *req);
int op_listxattr(struct request *req);
int op_removexattr(struct request *req);
/* op_lock.c */
int op_getlk(struct request *req);
int op_setlk(struct request *req);
int op_setlkw(struct request *req);
/* op_ioctl.c */
int op_ioctl(struct request *req);
/* op_misc.c */
int op_statfs(struct request *req);
int op_syncfs(struct request *req);
int op_interrupt(struct request *req);
int op_destroy(struct request *req);

/* Shared by the families; attr.c and op_attr.c. */

/* What fuse_attr holds of STX; STX has STATX_BASIC_STATS. */
void attr_from_statx(const struct statx *stx, struct fuse_attr *attr);

/* Device numbers as FUSE has them: Linux's own 32-bit coding. */
uint32_t attr_encode_dev(uint32_t major, uint32_t minor);
void attr_decode_dev(uint32_t dev, uint32_t *major, uint32_t *minor);

/* The mask that our statx calls ask for. */
#define OPS_STATX_MASK \
	(STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID)

/* Attributes of what FD stands for, O_PATH or not. 0 or -errno. */
int attr_statx(int fd, struct statx *stx);

/* Fills an entry reply for INODE, whose lookup count the caller has raised. */
void entry_fill(struct request *req, struct inode *inode,
		const struct statx *stx, struct fuse_entry_out *entry);

/* Splits a timeout of the configuration for the wire. */
void timeout_split(uint64_t timeout_ns, uint64_t *seconds,
		   uint32_t *nanoseconds);

/* Who asks, for requests without extensions. op_attr.c */
void caller_of(const struct request *req, struct caller *ret);

/* WIRE_MALFORMED if anything is left of the message's arguments. */
static inline int args_end(const struct wire_args *args)
{
	return args->left ? WIRE_MALFORMED : 0;
}

/* Copies to and from the room for the reply's data. op_out.c */
void out_write(const struct request *req, size_t at, const void *data,
	       size_t bytes);
void out_read(const struct request *req, size_t at, void *data, size_t bytes);

/* Whether PARENT_FD's entry NAME still is the object behind FD. op_name.c */
bool entry_is(int parent_fd, const char *name, int fd);

/*
 * A READDIRPLUS reply of BYTES data bytes did not reach the client: takes back
 * the lookups in it. op_readdir.c
 */
void readdirplus_unlookup(struct request *req, size_t bytes);

#endif
