/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options table: a new option is one row here and one field of struct config.
 * Parsing, --help, defaults and the man page's list all read it. Runs before
 * threads exist.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define FUSE_USE_VERSION 35
#include <fuse_opt.h>

#include "config_table.h"
#include "util.h"

#define FIELD(name) offsetof(struct config, name)
#define YEAR_NS (365ULL * 86400 * NSEC_PER_SEC)

static const char *const cache_names[] = { "none", "auto", "always", NULL };
static const char *const engine_names[] = {
	"auto", "uring", "aio", "sync", NULL
};
static const char *const tristate_names[] = {
	"auto", "always", "never", NULL
};
static const char *const completion_names[] = {
	"auto", "parallel", "serialized", NULL
};
static const char *const may_block_names[] = { "worker", "off", NULL };
static const char *const level_names[] = {
	"error", "warning", "info", "debug", NULL
};

const char *const config_group_titles[GROUP_COUNT] = {
	[GROUP_CACHE] = "What the kernel may keep",
	[GROUP_IO] = "Requests and backing I/O",
	[GROUP_FILES] = "What is passed through",
	[GROUP_MOUNT] = "The mount",
	[GROUP_REPORT] = "Reports",
};

const struct option_row config_table[] = {
	{ "cache", OPTION_CHOICE, GROUP_CACHE, FIELD(cache), 0, 0,
	  cache_names, "auto", NULL, "MODE",
	  "none: nothing is kept, changes show at once on both sides; auto: "
	  "names and attributes for a second, content until the next open "
	  "finds the file changed; always: for good, for trees that only "
	  "this mount changes" },
	{ "attr_timeout", OPTION_TIME, GROUP_CACHE, FIELD(attr_timeout_ns),
	  0, YEAR_NS, NULL, NULL, "0, 1s or a year, by cache", "TIME",
	  "how long attributes are kept" },
	{ "entry_timeout", OPTION_TIME, GROUP_CACHE, FIELD(entry_timeout_ns),
	  0, YEAR_NS, NULL, NULL, "0, 1s or a year, by cache", "TIME",
	  "how long names are kept" },
	{ "negative_timeout", OPTION_TIME, GROUP_CACHE,
	  FIELD(negative_timeout_ns), 0, YEAR_NS, NULL, NULL,
	  "0, 0 or a year, by cache", "TIME",
	  "how long it is kept that a name does not exist" },
	{ "writeback", OPTION_FLAG, GROUP_CACHE, FIELD(writeback), 0, 0,
	  NULL, "no", NULL, NULL,
	  "the kernel collects written data and sends it later; not with "
	  "cache=none" },
	{ "explicit_inval_data", OPTION_FLAG, GROUP_CACHE,
	  FIELD(explicit_inval_data), 0, 0, NULL, "no", NULL, NULL,
	  "kept content is dropped only on request, not when the file's time "
	  "or size changed" },
	{ "readdirplus", OPTION_CHOICE, GROUP_CACHE, FIELD(readdirplus), 0, 0,
	  tristate_names, "auto", NULL, "WHEN",
	  "whether directory listings bring attributes along; auto: when the "
	  "reader seems to want them" },

	{ "engine", OPTION_CHOICE, GROUP_IO, FIELD(engine), 0, 0,
	  engine_names, "auto", NULL, "NAME",
	  "what reads and writes the files behind: io_uring, Linux AIO, or "
	  "plain preadv and pwritev; auto: the first that is permitted" },
	{ "workers", OPTION_COUNT, GROUP_IO, FIELD(workers),
	  0, CONFIG_WORKERS_MAX, NULL, "0", "0: two for each CPU, 4 to 16",
	  "N", "threads that serve requests" },
	{ "max_read", OPTION_SIZE, GROUP_IO, FIELD(max_read_bytes),
	  CONFIG_IO_BYTES_MIN, CONFIG_IO_BYTES_MAX, NULL, "1M", NULL, "SIZE",
	  "largest read request" },
	{ "max_write", OPTION_SIZE, GROUP_IO, FIELD(max_write_bytes),
	  CONFIG_IO_BYTES_MIN, CONFIG_IO_BYTES_MAX, NULL, "1M", NULL, "SIZE",
	  "largest write request" },
	{ "max_background", OPTION_COUNT, GROUP_IO, FIELD(max_background),
	  1, 65535, NULL, "64", NULL, "N",
	  "read-ahead, write-back and asynchronous requests in flight" },
	{ "poll_us", OPTION_COUNT, GROUP_IO, FIELD(poll_us), 0, 10000, NULL,
	  "0", NULL, "N",
	  "microseconds for which a worker looks for work before it sleeps; "
	  "costs CPU time, saves wake-ups" },
	{ "fd_limit", OPTION_COUNT, GROUP_IO, FIELD(fd_limit), 16, 1U << 30,
	  NULL, NULL, "by RLIMIT_NOFILE, raised to its hard limit", "N",
	  "file descriptors to keep open for files that are not" },
	{ "inode_handles", OPTION_CHOICE, GROUP_IO, FIELD(inode_handles), 0, 0,
	  tristate_names, "auto", NULL, "WHEN",
	  "remember files by file handle, so that none needs a descriptor of "
	  "its own; needs CAP_DAC_READ_SEARCH and a file system that has "
	  "handles" },
	{ "transport", OPTION_TEXT, GROUP_IO, FIELD(transport), 0, 0, NULL,
	  "auto", NULL, "NAME",
	  "how requests come: auto or devfuse (/dev/fuse)" },
	{ "completion", OPTION_CHOICE, GROUP_IO, FIELD(completion), 0, 0,
	  completion_names, "auto", NULL, "POLICY",
	  "parallel: whoever has a reply sends it; serialized: one worker "
	  "sends them in order; auto: the transport's own" },
	{ "may_block", OPTION_CHOICE, GROUP_IO, FIELD(may_block), 0, 0,
	  may_block_names, "worker", NULL, "HOW",
	  "replies that can block in the kernel (to asynchronous O_DIRECT "
	  "reads) get a thread of their own; off shows what happens "
	  "otherwise: deadlocks" },

	{ "xattr", OPTION_FLAG, GROUP_FILES, FIELD(xattr), 0, 0, NULL, "yes",
	  NULL, NULL, "extended attributes" },
	{ "posix_acl", OPTION_SWITCH, GROUP_FILES, FIELD(posix_acl), 0, 0,
	  NULL, NULL, "on as root with xattr and default_permissions", NULL,
	  "POSIX access control lists; turns default_permissions on" },
	{ "posix_lock", OPTION_FLAG, GROUP_FILES, FIELD(posix_lock), 0, 0,
	  NULL, "yes", NULL, NULL,
	  "fcntl locks are taken on the files behind; otherwise they are "
	  "known to this mount alone" },
	{ "flock", OPTION_FLAG, GROUP_FILES, FIELD(flock), 0, 0, NULL, "yes",
	  NULL, NULL, "the same for flock(2)" },

	{ "allow_other", OPTION_FLAG, GROUP_MOUNT, FIELD(allow_other), 0, 0,
	  NULL, "no", NULL, NULL,
	  "every user may use the mount; an ordinary user needs "
	  "user_allow_other in /etc/fuse.conf to say so" },
	{ "default_permissions", OPTION_SWITCH, GROUP_MOUNT,
	  FIELD(default_permissions), 0, 0, NULL, NULL,
	  "on with allow_other or posix_acl", NULL,
	  "the kernel checks permissions; otherwise the file system behind "
	  "does, for each request, but, where only root gets in, not for "
	  "root; no_default_permissions as root with allow_other keeps "
	  "neither names nor attributes, whatever cache says" },
	{ "auto_unmount", OPTION_FLAG, GROUP_MOUNT, FIELD(auto_unmount), 0, 0,
	  NULL, "no", NULL, NULL,
	  "a second process unmounts when ferryfs has gone, however that "
	  "came" },
	{ "fsname", OPTION_TEXT, GROUP_MOUNT, FIELD(fsname), 0, 0, NULL, NULL,
	  "the source", "NAME", "what mount(8) and df(1) show as the source" },
	{ "subtype", OPTION_TEXT, GROUP_MOUNT, FIELD(subtype), 0, 0, NULL,
	  NULL, "ferryfs", "NAME", "the type shown is fuse.NAME" },

	{ "log", OPTION_CHOICE, GROUP_REPORT, FIELD(log_level), 0, 0,
	  level_names, "info", NULL, "LEVEL", "what is worth a line" },
	{ "log_file", OPTION_TEXT, GROUP_REPORT, FIELD(log_file), 0, 0, NULL,
	  NULL, "stderr in the foreground, else syslog", "PATH",
	  "append the log to this file" },
	{ "stats_file", OPTION_TEXT, GROUP_REPORT, FIELD(stats_file), 0, 0,
	  NULL, NULL, "none", "PATH",
	  "write statistics there as JSON, on SIGUSR1 and at the end" },
};
const size_t config_table_rows = ARRAY_SIZE(config_table);

const struct option_row *config_row(const char *name, size_t bytes)
{
	for (size_t i = 0; i < config_table_rows; i++) {
		const struct option_row *row = &config_table[i];

		if (strlen(row->name) == bytes &&
		    memcmp(row->name, name, bytes) == 0)
			return row;
	}
	return NULL;
}

const char *config_cache_name(enum cache_mode mode)
{
	return cache_names[mode];
}

void config_complain(const char *format, ...)
{
	va_list args;

	flockfile(stderr);
	fputs("ferryfs: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	funlockfile(stderr);
}

void config_destroy(struct config *config)
{
	for (size_t i = 0; i < config_table_rows; i++) {
		const struct option_row *row = &config_table[i];

		if (row->kind == OPTION_TEXT)
			free(*(char **)((char *)config + row->offset));
	}
	free(config->source);
	free(config->mountpoint);
	if (config->mount_args) {
		fuse_opt_free_args(config->mount_args);
		free(config->mount_args);
	}
	memset(config, 0, sizeof(*config));
}
