/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How attributes, device numbers and timeouts look on the wire. No state, any
 * thread.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "ops.h"
#include "util.h"

uint32_t attr_encode_dev(uint32_t major, uint32_t minor)
{
	return (minor & 0xffU) | (major << 8) | ((minor & ~0xffU) << 12);
}

void attr_decode_dev(uint32_t dev, uint32_t *major, uint32_t *minor)
{
	*major = (dev & 0xfff00U) >> 8;
	*minor = (dev & 0xffU) | ((dev >> 12) & 0xfff00U);
}

void attr_from_statx(const struct statx *stx, struct fuse_attr *attr)
{
	*attr = (struct fuse_attr){
		.ino = stx->stx_ino,
		.size = stx->stx_size,
		.blocks = stx->stx_blocks,
		.atime = (uint64_t)stx->stx_atime.tv_sec,
		.mtime = (uint64_t)stx->stx_mtime.tv_sec,
		.ctime = (uint64_t)stx->stx_ctime.tv_sec,
		.atimensec = stx->stx_atime.tv_nsec,
		.mtimensec = stx->stx_mtime.tv_nsec,
		.ctimensec = stx->stx_ctime.tv_nsec,
		.mode = stx->stx_mode,
		.nlink = stx->stx_nlink,
		.uid = stx->stx_uid,
		.gid = stx->stx_gid,
		.rdev = attr_encode_dev(stx->stx_rdev_major,
					stx->stx_rdev_minor),
		.blksize = stx->stx_blksize,
	};
}

int attr_statx(int fd, struct statx *stx)
{
	if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, OPS_STATX_MASK,
		  stx))
		return -errno;
	return 0;
}

void timeout_split(uint64_t timeout_ns, uint64_t *seconds,
		   uint32_t *nanoseconds)
{
	*seconds = timeout_ns / NSEC_PER_SEC;
	*nanoseconds = (uint32_t)(timeout_ns % NSEC_PER_SEC);
}
