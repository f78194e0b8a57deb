/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Acting as the caller: effective uid and gid, groups and umask of one thread,
 * by the raw per-thread system calls (glibc's wrappers change every thread).
 * Saved and real ids stay the server's, so that it can go back. An unprivileged
 * server has nothing to change and acts as its user.
 *
 * Queue threads call creds_thread_init() first; any other thread is prepared when
 * it first becomes a caller. Scopes do not nest, and begin and end on one thread.
 */
#ifndef FERRYFS_CREDS_H
#define FERRYFS_CREDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine.h"
#include "wire.h"

struct config;
struct request;

/* Who asks, as the message's header and extensions say. */
struct caller {
	uid_t uid;
	gid_t gid;
	pid_t pid;		/* of the thread; 0: of another pid namespace */
	bool has_group;		/* FUSE_CREATE_SUPP_GROUP */
	gid_t group;
};

/* What creds_leave() has to undo. */
struct creds_scope {
	bool uid, gid, groups;
};

/* The effective uid of IO_CREDS_PLAIN. */
#define CREDS_PLAIN_UID 65534U

/*
 * PRIVILEGED: this process can become its callers. KERNEL_CHECKS: the client's
 * kernel has checked permissions already (config->check_permissions). Before
 * threads.
 */
void creds_init(bool privileged, bool kernel_checks);

/*
 * Gives the thread an umask of its own (unshare(CLONE_FS)) set to 0, and no
 * supplementary groups. Once is enough; more does no harm. 0 or -errno.
 */
int creds_thread_init(void);

/* EXTENSIONS may be NULL. */
void caller_from_request(const struct request *req,
			 const struct wire_extensions *extensions,
			 struct caller *ret);

/*
 * Whether CALLER's permissions are the host's to check. No: the kernel has checked
 * them (default_permissions), or we cannot be anybody else, or only root gets in and
 * the caller is root, as we are. The kernel lets callers in by their real, effective
 * and saved uid; the uid in a message is the one for files (setfsuid(2)).
 */
bool caller_is_checked(const struct config *config,
		       const struct caller *caller);

/*
 * Creating: the thread becomes the caller with at most the one group that came
 * along. Where the kernel has checked permissions the host's own check of the
 * directory is overridden, because the caller may have passed by a group that
 * did not come along (an ACL's). For a caller_is_checked() the same as
 * creds_enter_checked(). 0 or -errno (nothing changed then); -EOVERFLOW: the caller
 * has no ids here.
 */
int creds_enter_create(const struct config *config, const struct caller *caller,
		       struct creds_scope *scope);

/*
 * For a caller_is_checked(): the caller with all groups of its process
 * (/proc/PID/task/PID/status). Does nothing for others.
 */
int creds_enter_checked(const struct config *config, const struct caller *caller,
			struct creds_scope *scope);

/* For writes and allocation: the privileges that CREDS says; see engine.h. */
int creds_enter_io(enum io_creds creds, struct creds_scope *scope);

/* Back to the server. Cannot fail, or the process ends: it must not go on. */
void creds_leave(struct creds_scope *scope);

/* The umask for the next creation on this thread. */
void creds_set_umask(mode_t umask);

/*
 * Whether the calling thread has CAPABILITY in effect, in the server's user
 * namespace (/proc/PID/task/PID/status). A caller that cannot be looked at has it
 * if it is root.
 */
bool caller_capable(const struct caller *caller, int capability);

/*
 * Whether the calling thread is in the server's user namespace. A caller that
 * cannot be looked at is if it is root.
 */
bool caller_at_home(const struct caller *caller);

#endif
