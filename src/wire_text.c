/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FUSE messages as text, for -d, logs and statistics. Any thread.
 */
#include <stdio.h>
#include <string.h>

#include "util.h"
#include "wire.h"

static const char *const opcode_names[] = {
	[FUSE_LOOKUP] = "LOOKUP",
	[FUSE_FORGET] = "FORGET",
	[FUSE_GETATTR] = "GETATTR",
	[FUSE_SETATTR] = "SETATTR",
	[FUSE_READLINK] = "READLINK",
	[FUSE_SYMLINK] = "SYMLINK",
	[FUSE_MKNOD] = "MKNOD",
	[FUSE_MKDIR] = "MKDIR",
	[FUSE_UNLINK] = "UNLINK",
	[FUSE_RMDIR] = "RMDIR",
	[FUSE_RENAME] = "RENAME",
	[FUSE_LINK] = "LINK",
	[FUSE_OPEN] = "OPEN",
	[FUSE_READ] = "READ",
	[FUSE_WRITE] = "WRITE",
	[FUSE_STATFS] = "STATFS",
	[FUSE_RELEASE] = "RELEASE",
	[FUSE_FSYNC] = "FSYNC",
	[FUSE_SETXATTR] = "SETXATTR",
	[FUSE_GETXATTR] = "GETXATTR",
	[FUSE_LISTXATTR] = "LISTXATTR",
	[FUSE_REMOVEXATTR] = "REMOVEXATTR",
	[FUSE_FLUSH] = "FLUSH",
	[FUSE_INIT] = "INIT",
	[FUSE_OPENDIR] = "OPENDIR",
	[FUSE_READDIR] = "READDIR",
	[FUSE_RELEASEDIR] = "RELEASEDIR",
	[FUSE_FSYNCDIR] = "FSYNCDIR",
	[FUSE_GETLK] = "GETLK",
	[FUSE_SETLK] = "SETLK",
	[FUSE_SETLKW] = "SETLKW",
	[FUSE_ACCESS] = "ACCESS",
	[FUSE_CREATE] = "CREATE",
	[FUSE_INTERRUPT] = "INTERRUPT",
	[FUSE_BMAP] = "BMAP",
	[FUSE_DESTROY] = "DESTROY",
	[FUSE_IOCTL] = "IOCTL",
	[FUSE_POLL] = "POLL",
	[FUSE_NOTIFY_REPLY] = "NOTIFY_REPLY",
	[FUSE_BATCH_FORGET] = "BATCH_FORGET",
	[FUSE_FALLOCATE] = "FALLOCATE",
	[FUSE_READDIRPLUS] = "READDIRPLUS",
	[FUSE_RENAME2] = "RENAME2",
	[FUSE_LSEEK] = "LSEEK",
	[FUSE_COPY_FILE_RANGE] = "COPY_FILE_RANGE",
	[FUSE_SETUPMAPPING] = "SETUPMAPPING",
	[FUSE_REMOVEMAPPING] = "REMOVEMAPPING",
	[FUSE_SYNCFS] = "SYNCFS",
	[FUSE_TMPFILE] = "TMPFILE",
	[FUSE_STATX] = "STATX",
	[FUSE_COPY_FILE_RANGE_64] = "COPY_FILE_RANGE_64",
};

const char *wire_opcode_name(uint32_t opcode)
{
	static _Thread_local char unknown[16];

	if (opcode < ARRAY_SIZE(opcode_names) && opcode_names[opcode])
		return opcode_names[opcode];
	snprintf(unknown, sizeof(unknown), "op%u", opcode);
	return unknown;
}

/* Opcodes whose arguments hold a name, and what stands before it. */
static const struct {
	uint32_t opcode;
	size_t skip;
} named_opcodes[] = {
	{ FUSE_LOOKUP, 0 },
	{ FUSE_UNLINK, 0 },
	{ FUSE_RMDIR, 0 },
	{ FUSE_SYMLINK, 0 },
	{ FUSE_REMOVEXATTR, 0 },
	{ FUSE_MKNOD, sizeof(struct fuse_mknod_in) },
	{ FUSE_MKDIR, sizeof(struct fuse_mkdir_in) },
	{ FUSE_RENAME, sizeof(struct fuse_rename_in) },
	{ FUSE_RENAME2, sizeof(struct fuse_rename2_in) },
	{ FUSE_LINK, sizeof(struct fuse_link_in) },
	{ FUSE_CREATE, sizeof(struct fuse_create_in) },
	{ FUSE_TMPFILE, sizeof(struct fuse_create_in) },
	{ FUSE_GETXATTR, sizeof(struct fuse_getxattr_in) },
};

static int name_text(uint32_t opcode, struct wire_args args, char *buffer,
		     size_t bytes)
{
	const char *name;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(named_opcodes); i++) {
		if (named_opcodes[i].opcode != opcode)
			continue;
		if (!wire_take(&args, named_opcodes[i].skip) ||
		    wire_take_string(&args, &name))
			return 0;
		return snprintf(buffer, bytes, " name=\"%.255s\"", name);
	}
	return 0;
}

static int io_text(uint32_t opcode, struct wire_args args, char *buffer,
		   size_t bytes)
{
	/* fuse_read_in and fuse_write_in agree on all that is printed here. */
	struct fuse_write_in io;
	const void *taken;

	if (opcode != FUSE_READ && opcode != FUSE_WRITE)
		return 0;
	taken = wire_take(&args, sizeof(io));
	if (!taken)
		return 0;
	memcpy(&io, taken, sizeof(io));
	return snprintf(buffer, bytes,
			" fh=%#llx offset=%llu size=%u io_flags=%#x flags=%#x",
			(unsigned long long)io.fh,
			(unsigned long long)io.offset, io.size, io.write_flags,
			io.flags);
}

const char *wire_request_text(const struct fuse_in_header *header,
			      const void *args, size_t bytes, char *buffer,
			      size_t buffer_bytes)
{
	struct wire_args left = { .next = args, .left = bytes };
	size_t length;

	snprintf(buffer, buffer_bytes,
		 "%llu %s nodeid=%#llx uid=%u gid=%u pid=%u len=%u",
		 (unsigned long long)header->unique,
		 wire_opcode_name(header->opcode),
		 (unsigned long long)header->nodeid, header->uid, header->gid,
		 header->pid, header->len);
	length = strlen(buffer);
	if (!name_text(header->opcode, left, buffer + length,
		       buffer_bytes - length))
		io_text(header->opcode, left, buffer + length,
			buffer_bytes - length);
	return buffer;
}

static const struct {
	uint64_t flag;
	const char *name;
} init_flag_names[] = {
	{ FUSE_ASYNC_READ, "ASYNC_READ" },
	{ FUSE_POSIX_LOCKS, "POSIX_LOCKS" },
	{ FUSE_FILE_OPS, "FILE_OPS" },
	{ FUSE_ATOMIC_O_TRUNC, "ATOMIC_O_TRUNC" },
	{ FUSE_EXPORT_SUPPORT, "EXPORT_SUPPORT" },
	{ FUSE_BIG_WRITES, "BIG_WRITES" },
	{ FUSE_DONT_MASK, "DONT_MASK" },
	{ FUSE_SPLICE_WRITE, "SPLICE_WRITE" },
	{ FUSE_SPLICE_MOVE, "SPLICE_MOVE" },
	{ FUSE_SPLICE_READ, "SPLICE_READ" },
	{ FUSE_FLOCK_LOCKS, "FLOCK_LOCKS" },
	{ FUSE_HAS_IOCTL_DIR, "HAS_IOCTL_DIR" },
	{ FUSE_AUTO_INVAL_DATA, "AUTO_INVAL_DATA" },
	{ FUSE_DO_READDIRPLUS, "DO_READDIRPLUS" },
	{ FUSE_READDIRPLUS_AUTO, "READDIRPLUS_AUTO" },
	{ FUSE_ASYNC_DIO, "ASYNC_DIO" },
	{ FUSE_WRITEBACK_CACHE, "WRITEBACK_CACHE" },
	{ FUSE_NO_OPEN_SUPPORT, "NO_OPEN_SUPPORT" },
	{ FUSE_PARALLEL_DIROPS, "PARALLEL_DIROPS" },
	{ FUSE_HANDLE_KILLPRIV, "HANDLE_KILLPRIV" },
	{ FUSE_POSIX_ACL, "POSIX_ACL" },
	{ FUSE_ABORT_ERROR, "ABORT_ERROR" },
	{ FUSE_MAX_PAGES, "MAX_PAGES" },
	{ FUSE_CACHE_SYMLINKS, "CACHE_SYMLINKS" },
	{ FUSE_NO_OPENDIR_SUPPORT, "NO_OPENDIR_SUPPORT" },
	{ FUSE_EXPLICIT_INVAL_DATA, "EXPLICIT_INVAL_DATA" },
	{ FUSE_MAP_ALIGNMENT, "MAP_ALIGNMENT" },
	{ FUSE_SUBMOUNTS, "SUBMOUNTS" },
	{ FUSE_HANDLE_KILLPRIV_V2, "HANDLE_KILLPRIV_V2" },
	{ FUSE_SETXATTR_EXT, "SETXATTR_EXT" },
	{ FUSE_INIT_EXT, "INIT_EXT" },
	{ FUSE_SECURITY_CTX, "SECURITY_CTX" },
	{ FUSE_HAS_INODE_DAX, "HAS_INODE_DAX" },
	{ FUSE_CREATE_SUPP_GROUP, "CREATE_SUPP_GROUP" },
	{ FUSE_HAS_EXPIRE_ONLY, "HAS_EXPIRE_ONLY" },
	{ FUSE_DIRECT_IO_ALLOW_MMAP, "DIRECT_IO_ALLOW_MMAP" },
	{ FUSE_PASSTHROUGH, "PASSTHROUGH" },
	{ FUSE_NO_EXPORT_SUPPORT, "NO_EXPORT_SUPPORT" },
	{ FUSE_HAS_RESEND, "HAS_RESEND" },
	{ FUSE_ALLOW_IDMAP, "ALLOW_IDMAP" },
	{ FUSE_OVER_IO_URING, "OVER_IO_URING" },
	{ FUSE_REQUEST_TIMEOUT, "REQUEST_TIMEOUT" },
};

const char *wire_init_flags_text(uint64_t flags, char *buffer,
				 size_t buffer_bytes)
{
	size_t used = 0;
	size_t i;

	buffer[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(init_flag_names); i++) {
		int length;

		if (!(flags & init_flag_names[i].flag))
			continue;
		length = snprintf(buffer + used, buffer_bytes - used, "%s%s",
				  used ? " " : "", init_flag_names[i].name);
		if (length < 0 || (size_t)length >= buffer_bytes - used)
			break;
		used += (size_t)length;
	}
	return buffer;
}
