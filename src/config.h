/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user asked for. One table in config.c, a row an option, gives the
 * parsing, --help, the defaults and the man page's list. Read-only once parsed:
 * any thread may read it without a lock.
 */
#ifndef FERRYFS_CONFIG_H
#define FERRYFS_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "log.h"

enum cache_mode { CACHE_NONE, CACHE_AUTO, CACHE_ALWAYS };
enum engine_kind { ENGINE_AUTO, ENGINE_URING, ENGINE_AIO, ENGINE_SYNC };
enum tristate { TRI_AUTO, TRI_ALWAYS, TRI_NEVER };
enum switch_state { SWITCH_AUTO, SWITCH_ON, SWITCH_OFF };
enum completion_policy {
	COMPLETION_AUTO,
	COMPLETION_PARALLEL,
	COMPLETION_SERIALIZED,
};
enum may_block_policy { MAY_BLOCK_WORKER, MAY_BLOCK_OFF };

/* A timeout that was not given: cache= decides. */
#define CONFIG_TIMEOUT_UNSET UINT64_MAX

enum config_action {
	CONFIG_MOUNT,
	CONFIG_CHECK,
	CONFIG_HELP,
	CONFIG_VERSION,
};

struct fuse_args;

struct config {
	enum config_action action;
	char *source;		/* as given; absolute after config_resolve() */
	char *mountpoint;	/* likewise */
	bool foreground;
	bool debug;
	bool read_only;
	bool remount;
	bool allow_other;
	bool auto_unmount;
	enum switch_state default_permissions;
	char *fsname;		/* NULL: the source */
	char *subtype;		/* NULL: "ferryfs" */
	struct fuse_args *mount_args; /* what libfuse's mount is to be given */

	enum cache_mode cache;
	uint64_t attr_timeout_ns;
	uint64_t entry_timeout_ns;
	uint64_t negative_timeout_ns;
	bool writeback;
	enum engine_kind engine;
	unsigned int workers;		/* 0: by the number of CPUs */
	uint32_t max_read_bytes;
	uint32_t max_write_bytes;
	unsigned int max_background;
	enum tristate readdirplus;
	bool xattr;
	enum switch_state posix_acl;
	bool posix_lock;
	bool flock;
	bool explicit_inval_data;
	enum tristate inode_handles;
	unsigned int fd_limit;		/* 0: from RLIMIT_NOFILE */
	enum log_level log_level;
	char *transport;		/* a name of transport/table.c, or "auto" */
	enum completion_policy completion;
	enum may_block_policy may_block;
	unsigned int poll_us;
	char *log_file;
	char *stats_file;

	/* Derived by config_resolve(). */
	bool privileged;	/* acts as the caller: effective uid 0 with CAP_SETUID */
	bool default_permissions_on; /* the mount gets default_permissions */
	/*
	 * Root's permissions are not ours to check on the host: the kernel has done
	 * so, or only root, who is us, gets in. Without default_permissions_on others
	 * get in, too, as far as the uid for files goes: caller_is_checked().
	 */
	bool check_permissions;
	bool use_posix_acl;
};

/* Hard limits, named once. */
#define CONFIG_WORKERS_MAX 64U
#define CONFIG_IO_BYTES_MIN 4096U
#define CONFIG_IO_BYTES_MAX (1U << 20)

/*
 * Parses the command line into *config, which the caller frees with
 * config_destroy() whatever the result. On a mistake writes one line to stderr
 * and returns -EINVAL (exit code 2).
 */
int config_parse(struct config *config, int argc, char **argv);

/*
 * Fills what was left open (timeouts by cache mode, workers, privileges), makes
 * source, mountpoint and the files' paths absolute, and refuses what cannot work,
 * with a line on stderr and -EINVAL. It is config_fill(), the rules and the
 * config_resolve_*() below, one after another; --check looks at each by itself.
 */
int config_resolve(struct config *config);

/* Room for a sentence about what is wrong. */
#define CONFIG_WHY_BYTES 8704

void config_fill(struct config *config);
/*
 * Combinations of options that cannot work: the first broken rule from *next on,
 * or NULL. *next starts at 0 and moves behind it. After config_fill().
 */
const char *config_broken_rule(const struct config *config, unsigned int *next);
/* 0 or -errno with a sentence in WHY (CONFIG_WHY_BYTES). */
int config_resolve_source(struct config *config, char *why);
int config_resolve_mountpoint(struct config *config, char *why);
/* That neither is inside the other. Both are resolved. Likewise. */
int config_check_nesting(const struct config *config, char *why);
void config_destroy(struct config *config);

/* --help, and the option list of ferryfs.1 (as mdoc), both from the table. */
void config_print_help(FILE *out, const char *program);
void config_print_mdoc(FILE *out);
void config_print_version(FILE *out);

/* Text of an option's present value, for logs; e.g. "auto". */
const char *config_cache_name(enum cache_mode mode);

#endif
