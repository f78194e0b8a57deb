/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FUSE protocol 7.38 to 7.45 for build machines whose <linux/fuse.h> is older than
 * the kernel they run on. Numbers and layouts are those of the kernel's
 * include/uapi/linux/fuse.h; each part goes away where the header has it.
 */
#ifndef FERRYFS_WIRE_COMPAT_H
#define FERRYFS_WIRE_COMPAT_H

#include <linux/fuse.h>
#include <stdint.h>

#ifndef FUSE_CREATE_SUPP_GROUP
#define FUSE_CREATE_SUPP_GROUP	(1ULL << 34)
#endif
#ifndef FUSE_HAS_EXPIRE_ONLY
#define FUSE_HAS_EXPIRE_ONLY	(1ULL << 35)
#endif

/*
 * An extension of a message: size includes this head; a type up to 31 is a count
 * of security contexts. Debian's 7.38 has no supplementary groups (type 32).
 */
struct wire_ext_header {
	uint32_t size;
	uint32_t type;
};

#define WIRE_EXT_SECCTX_MAX	31U
#define WIRE_EXT_GROUPS		32U

#if FUSE_KERNEL_MINOR_VERSION < 39
#define FUSE_DIRECT_IO_ALLOW_MMAP (1ULL << 36)
#define FUSE_STATX		52

struct fuse_sx_time {
	int64_t tv_sec;
	uint32_t tv_nsec;
	int32_t reserved;
};

struct fuse_statx {
	uint32_t mask;
	uint32_t blksize;
	uint64_t attributes;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint16_t mode;
	uint16_t spare0[1];
	uint64_t ino;
	uint64_t size;
	uint64_t blocks;
	uint64_t attributes_mask;
	struct fuse_sx_time atime;
	struct fuse_sx_time btime;
	struct fuse_sx_time ctime;
	struct fuse_sx_time mtime;
	uint32_t rdev_major;
	uint32_t rdev_minor;
	uint32_t dev_major;
	uint32_t dev_minor;
	uint64_t spare2[14];
};

struct fuse_statx_in {
	uint32_t getattr_flags;
	uint32_t reserved;
	uint64_t fh;
	uint32_t sx_flags;
	uint32_t sx_mask;
};

struct fuse_statx_out {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec;
	uint32_t flags;
	uint64_t spare[2];
	struct fuse_statx stat;
};
#endif

#if FUSE_KERNEL_MINOR_VERSION < 40
#define FUSE_PASSTHROUGH	(1ULL << 37)
#define FUSE_NO_EXPORT_SUPPORT	(1ULL << 38)
#define FUSE_HAS_RESEND		(1ULL << 39)
#define FUSE_UNIQUE_RESEND	(1ULL << 63)
#endif

#if FUSE_KERNEL_MINOR_VERSION < 41
#define FUSE_ALLOW_IDMAP	(1ULL << 40)
#endif

#if FUSE_KERNEL_MINOR_VERSION < 42
#define FUSE_OVER_IO_URING	(1ULL << 41)
#endif

#if FUSE_KERNEL_MINOR_VERSION < 43
#define FUSE_REQUEST_TIMEOUT	(1ULL << 42)
#endif

#if FUSE_KERNEL_MINOR_VERSION < 45
#define FUSE_COPY_FILE_RANGE_64	53

struct fuse_copy_file_range_out {
	uint64_t bytes_copied;
};
#endif

/* Length of the extensions in 8-byte units: in_header.total_extlen of 7.38. */
static inline uint16_t wire_total_extlen(const struct fuse_in_header *header)
{
	return header->total_extlen;
}

#endif
