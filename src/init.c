/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * INIT: what we take of what the client offers, by a table. A row says which flag,
 * when we take it, and why; what no row names is not taken. The client's side is
 * Linux's fs/fuse/inode.c, process_init_reply().
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "ops.h"
#include "session.h"
#include "util.h"

static bool always(const struct config *config)
{
	(void)config;
	return true;
}

static bool never(const struct config *config)
{
	(void)config;
	return false;
}

static bool wants_posix_lock(const struct config *config)
{
	return config->posix_lock;
}

static bool wants_flock(const struct config *config)
{
	return config->flock;
}

/* With cache=always nothing but ourselves changes a file. */
static bool wants_auto_inval(const struct config *config)
{
	return config->cache != CACHE_ALWAYS && !config->explicit_inval_data;
}

static bool wants_explicit_inval(const struct config *config)
{
	return config->explicit_inval_data;
}

static bool wants_readdirplus(const struct config *config)
{
	return config->readdirplus != TRI_NEVER;
}

static bool wants_readdirplus_auto(const struct config *config)
{
	return config->readdirplus == TRI_AUTO;
}

static bool wants_writeback(const struct config *config)
{
	return config->writeback;
}

static bool wants_posix_acl(const struct config *config)
{
	return config->use_posix_acl;
}

static bool wants_cached_symlinks(const struct config *config)
{
	return config->cache != CACHE_NONE;
}

static bool wants_security_context(const struct config *config)
{
	return config->xattr && config->privileged;
}

static bool acts_as_caller(const struct config *config)
{
	return config->privileged;
}

static bool uses_direct_io(const struct config *config)
{
	return config->cache == CACHE_NONE;
}

struct init_flag {
	uint64_t flag;
	bool (*wanted)(const struct config *config);
	bool asked_for;		/* say so if the client does not offer it */
	const char *why;
};

static const struct init_flag init_flags[] = {
	{ FUSE_ASYNC_READ, always, false,
	  "several reads of a file at once: the engines take them" },
	{ FUSE_POSIX_LOCKS, wants_posix_lock, true,
	  "fcntl locks reach the host (posix_lock)" },
	{ FUSE_FLOCK_LOCKS, wants_flock, true,
	  "flock reaches the host (flock)" },
	{ FUSE_ATOMIC_O_TRUNC, always, false,
	  "O_TRUNC comes with OPEN: one request, and no window" },
	{ FUSE_EXPORT_SUPPORT, always, false,
	  "LOOKUP of . and .. is served, for file handles of the mount" },
	{ FUSE_BIG_WRITES, always, false, "writes of more than a page" },
	{ FUSE_DONT_MASK, always, false,
	  "the host applies the umask, where no default ACL does" },
	{ FUSE_HAS_IOCTL_DIR, always, false, "inode flags of directories" },
	{ FUSE_AUTO_INVAL_DATA, wants_auto_inval, false,
	  "a changed mtime or size drops cached pages" },
	{ FUSE_EXPLICIT_INVAL_DATA, wants_explicit_inval, true,
	  "only we drop cached pages (explicit_inval_data)" },
	{ FUSE_DO_READDIRPLUS, wants_readdirplus, true,
	  "attributes come with the names (readdirplus)" },
	{ FUSE_READDIRPLUS_AUTO, wants_readdirplus_auto, false,
	  "the client chooses when (readdirplus=auto)" },
	{ FUSE_ASYNC_DIO, always, false,
	  "O_DIRECT requests in parallel; their completion can block" },
	{ FUSE_WRITEBACK_CACHE, wants_writeback, true,
	  "buffered writes are the client's to delay (writeback)" },
	{ FUSE_PARALLEL_DIROPS, always, false,
	  "lookups in one directory in parallel: the host has its own locks" },
	{ FUSE_POSIX_ACL, wants_posix_acl, true,
	  "the client checks ACLs (posix_acl)" },
	{ FUSE_ABORT_ERROR, always, false,
	  "an abort is told from an unmount: ECONNABORTED" },
	{ FUSE_MAX_PAGES, always, false, "requests up to 1 MiB" },
	{ FUSE_CACHE_SYMLINKS, wants_cached_symlinks, false,
	  "symlink targets are cached with their attributes" },
	{ FUSE_HANDLE_KILLPRIV_V2, always, false,
	  "the host kills suid and sgid: no GETXATTR before each write" },
	{ FUSE_SETXATTR_EXT, always, false,
	  "an ACL that must clear S_ISGID says so" },
	{ FUSE_INIT_EXT, always, false, "64 bits of flags" },
	{ FUSE_SECURITY_CTX, wants_security_context, false,
	  "new files get their security label with their creation" },
	{ FUSE_CREATE_SUPP_GROUP, acts_as_caller, false,
	  "a setgid directory's group, where the caller is in it" },
	{ FUSE_DIRECT_IO_ALLOW_MMAP, uses_direct_io, false,
	  "shared mappings work with cache=none, too" },

	/* What we leave, and why. */
	{ FUSE_FILE_OPS, never, false, "Linux never sent what it announces" },
	{ FUSE_SPLICE_WRITE, never, false, "replies go out by writev" },
	{ FUSE_SPLICE_MOVE, never, false, "likewise" },
	{ FUSE_SPLICE_READ, never, false, "requests come in by read" },
	{ FUSE_NO_OPEN_SUPPORT, never, false, "each open has a file behind it" },
	{ FUSE_NO_OPENDIR_SUPPORT, never, false, "likewise for directories" },
	{ FUSE_HANDLE_KILLPRIV, never, false, "the second version is taken" },
	{ FUSE_MAP_ALIGNMENT, never, false, "there is no DAX window" },
	{ FUSE_HAS_INODE_DAX, never, false, "likewise" },
	{ FUSE_SUBMOUNTS, never, false,
	  "crossings are merged until submounts are served" },
	{ FUSE_HAS_EXPIRE_ONLY, never, false, "we send no notifications" },
	{ FUSE_PASSTHROUGH, never, false,
	  "the kernel would do I/O past the engines and the completer" },
	{ FUSE_NO_EXPORT_SUPPORT, never, false, "export is supported" },
	{ FUSE_HAS_RESEND, never, false,
	  "a server that was lost is not continued" },
	{ FUSE_ALLOW_IDMAP, never, false,
	  "ids in requests are taken as the host's" },
	{ FUSE_OVER_IO_URING, never, false, "a transport of its own, to come" },
	{ FUSE_REQUEST_TIMEOUT, never, false,
	  "a waiting lock may wait for as long as it likes" },
};

uint64_t session_known_flags(void)
{
	uint64_t known = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(init_flags); i++)
		known |= init_flags[i].flag;
	return known;
}

static uint32_t max_pages(const struct config *config)
{
	uint64_t bytes = max_u64(config->max_read_bytes,
				 config->max_write_bytes);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return (uint32_t)((bytes + page - 1) / page);
}

static uint64_t choose_flags(const struct config *config, uint64_t offered)
{
	uint64_t taken = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(init_flags); i++) {
		const struct init_flag *row = &init_flags[i];
		char name[32];

		if (!row->wanted(config))
			continue;
		if (offered & row->flag)
			taken |= row->flag;
		else if (row->asked_for)
			log_warning("this kernel does not offer %s: %s",
				    wire_init_flags_text(row->flag, name,
							 sizeof(name)),
				    row->why);
	}
	return taken;
}

int session_negotiate(struct session *session, const struct fuse_init_in *in,
		      size_t in_bytes, struct fuse_init_out *out)
{
	const struct config *config = session->config;
	uint64_t offered = in->flags;
	char text[1024];

	memset(out, 0, sizeof(*out));
	out->major = FUSE_KERNEL_VERSION;
	out->minor = WIRE_MINOR;
	if (in->major < FUSE_KERNEL_VERSION ||
	    (in->major == FUSE_KERNEL_VERSION && in->minor < WIRE_MINOR_MIN)) {
		log_error("the client speaks FUSE %u.%u; ferryfs needs 7.%u (Linux 5.2) or newer",
			  in->major, in->minor, WIRE_MINOR_MIN);
		return -EPROTO;
	}
	/* A newer major sees ours and sends INIT again (fuse.h). */
	if (in->major > FUSE_KERNEL_VERSION)
		return 0;
	if ((offered & FUSE_INIT_EXT) && in_bytes >= sizeof(*in))
		offered |= (uint64_t)in->flags2 << 32;
	log_debug("INIT offers 7.%u %s", in->minor,
		  wire_init_flags_text(offered, text, sizeof(text)));
	session->flags = choose_flags(config, offered);
	log_debug("INIT takes %s",
		  wire_init_flags_text(session->flags, text, sizeof(text)));
	session->minor = in->minor < WIRE_MINOR ? in->minor : WIRE_MINOR;
	session->max_write_bytes = config->max_write_bytes;
	session->max_read_bytes = config->max_read_bytes;

	out->minor = session->minor;
	out->max_readahead = in->max_readahead;
	out->flags = (uint32_t)session->flags;
	out->flags2 = (uint32_t)(session->flags >> 32);
	out->max_background = (uint16_t)config->max_background;
	out->congestion_threshold =
		(uint16_t)(config->max_background - config->max_background / 4);
	out->max_write = config->max_write_bytes;
	out->time_gran = 1;
	out->max_pages = (uint16_t)max_pages(config);
	return 0;
}

/* What protocol 7.36 and later send; older clients stop after flags. */
#define INIT_IN_BYTES_MIN (4 * sizeof(uint32_t))

int op_init(struct request *req)
{
	struct session *session = req->queue->session;
	struct fuse_init_in in = { 0 };
	size_t bytes = min_u64(req->args.left, sizeof(in));
	int err;

	if (atomic_load(&session->state) != SESSION_NEW)
		return -EINVAL;
	if (bytes < INIT_IN_BYTES_MIN)
		return -EINVAL;
	memcpy(&in, req->args.next, bytes);
	err = session_negotiate(session, &in, bytes, &req->small.init);
	if (err) {
		session_reply_error(req, err);
		session_ended(session, err);
		return 0;
	}
	if (in.major > FUSE_KERNEL_VERSION) {
		session_reply_small(req, sizeof(req->small.init));
		return 0;
	}
	/* The next request may reach another worker before we return. */
	atomic_store(&session->state, SESSION_RUNNING);
	session_reply_small(req, sizeof(req->small.init));
	session_init_answered(session);
	return 0;
}
