/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Becoming the caller and coming back. Effective ids, groups and capabilities
 * belong to a thread in Linux; all state here is the thread's own, so there are
 * no locks. A thread at rest is the server: effective ids as the process began,
 * no supplementary groups, umask as the last creation left it.
 *
 * Real and saved uid stay 0: the permitted capabilities survive the change and
 * the kernel makes them effective again with the way back to uid 0.
 *
 * What /proc says of callers is not here but in creds_caller.c.
 */
#include "creds.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "config.h"
#include "creds_caller.h"
#include "log.h"
#include "request.h"

/* Where the plain numbers mean 16-bit ids. */
#ifdef SYS_setresuid32
#define SYS_CREDS_SETRESUID SYS_setresuid32
#define SYS_CREDS_SETRESGID SYS_setresgid32
#define SYS_CREDS_SETGROUPS SYS_setgroups32
#else
#define SYS_CREDS_SETRESUID SYS_setresuid
#define SYS_CREDS_SETRESGID SYS_setresgid
#define SYS_CREDS_SETGROUPS SYS_setgroups
#endif

#define CAP_WORDS _LINUX_CAPABILITY_U32S_3
/* To setresuid(2) and its like it means "as it was". */
#define ID_NONE UINT32_MAX

#define CAP_BIT(cap) (1U << ((cap) % 32))

/* Set once, before threads. */
static bool creds_privileged;
static bool creds_kernel_checks;
static gid_t creds_gid;

static _Thread_local bool thread_ready;
static _Thread_local mode_t thread_umask;
static _Thread_local struct __user_cap_data_struct thread_caps[CAP_WORDS];

void creds_init(bool privileged, bool kernel_checks)
{
	creds_privileged = privileged;
	creds_kernel_checks = kernel_checks;
	creds_gid = getegid();
}

static int set_euid(uid_t uid)
{
	return syscall(SYS_CREDS_SETRESUID, -1, uid, -1) ? -errno : 0;
}

static int set_egid(gid_t gid)
{
	return syscall(SYS_CREDS_SETRESGID, -1, gid, -1) ? -errno : 0;
}

static int set_groups(unsigned int count, const gid_t *groups)
{
	return syscall(SYS_CREDS_SETGROUPS, count, groups) ? -errno : 0;
}

static struct __user_cap_header_struct cap_header(void)
{
	return (struct __user_cap_header_struct){
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
}

int creds_thread_init(void)
{
	struct __user_cap_header_struct header = cap_header();
	int error;

	if (thread_ready)
		return 0;
	if (unshare(CLONE_FS))
		return -errno;
	umask(0);
	thread_umask = 0;
	if (creds_privileged) {
		if (syscall(SYS_capget, &header, thread_caps))
			return -errno;
		/* They would decide for callers who have none. */
		error = set_groups(0, NULL);
		if (error)
			return error;
	}
	thread_ready = true;
	return 0;
}

void caller_from_request(const struct request *req,
			 const struct wire_extensions *extensions,
			 struct caller *ret)
{
	ret->uid = req->in.uid;
	ret->gid = req->in.gid;
	ret->pid = (pid_t)req->in.pid;
	ret->has_group = extensions && extensions->has_group;
	ret->group = ret->has_group ? extensions->group : 0;
}

/* Groups first: later the thread may no longer be allowed to. */
static int enter(const struct caller *caller, unsigned int group_count,
		 const gid_t *groups, struct creds_scope *scope)
{
	int error;

	if (caller->uid == ID_NONE || caller->gid == ID_NONE)
		return -EOVERFLOW;
	error = creds_thread_init();
	if (error)
		return error;
	if (group_count > 0) {
		error = set_groups(group_count, groups);
		if (error)
			goto out_undo;
		scope->groups = true;
	}
	if (caller->gid != creds_gid) {
		error = set_egid(caller->gid);
		if (error)
			goto out_undo;
		scope->gid = true;
	}
	if (caller->uid != 0) {
		error = set_euid(caller->uid);
		if (error)
			goto out_undo;
		scope->uid = true;
	}
	return 0;

out_undo:
	creds_leave(scope);
	return error;
}

/*
 * Of the privileges that went with uid 0, takes back those over the permission
 * bits of files. The way back to uid 0 restores the rest.
 */
static int raise_dac_override(void)
{
	const uint32_t wanted = CAP_BIT(CAP_DAC_OVERRIDE) |
				CAP_BIT(CAP_DAC_READ_SEARCH);
	struct __user_cap_header_struct header = cap_header();
	struct __user_cap_data_struct caps[CAP_WORDS];

	memcpy(caps, thread_caps, sizeof(caps));
	caps[0].effective = wanted & caps[0].permitted;
	caps[1].effective = 0;
	if (!caps[0].effective)
		return 0;
	return syscall(SYS_capset, &header, caps) ? -errno : 0;
}

static int enter_all_groups(const struct caller *caller,
			    struct creds_scope *scope)
{
	gid_t *groups = NULL;
	int count = 0;
	int error;

	/* Root passes every check without its groups. */
	if (caller->uid != 0) {
		count = caller_groups(caller, &groups);
		if (count < 0)
			return count;
	}
	error = enter(caller, (unsigned int)count, groups, scope);
	free(groups);
	return error;
}

bool caller_is_checked(const struct config *config,
		       const struct caller *caller)
{
	if (!config->privileged || config->default_permissions_on)
		return false;
	return !config->check_permissions || caller->uid != 0;
}

int creds_enter_create(const struct config *config, const struct caller *caller,
		       struct creds_scope *scope)
{
	bool use_group;
	int error;

	*scope = (struct creds_scope){ 0 };
	if (!creds_privileged)
		return 0;
	if (!creds_kernel_checks || caller_is_checked(config, caller))
		return enter_all_groups(caller, scope);
	use_group = caller->has_group && caller->uid != 0 &&
		    caller->group != caller->gid;
	error = enter(caller, use_group ? 1 : 0, &caller->group, scope);
	if (error || !scope->uid)
		return error;
	error = raise_dac_override();
	if (error)
		creds_leave(scope);
	return error;
}

int creds_enter_checked(const struct config *config, const struct caller *caller,
			struct creds_scope *scope)
{
	*scope = (struct creds_scope){ 0 };
	if (!creds_privileged || !caller_is_checked(config, caller))
		return 0;
	return enter_all_groups(caller, scope);
}

int creds_enter_io(enum io_creds creds, struct creds_scope *scope)
{
	int error;

	*scope = (struct creds_scope){ 0 };
	if (!creds_privileged || creds == IO_CREDS_SERVER)
		return 0;
	/* A uid that is not 0 has no effective capabilities left. */
	error = set_euid(CREDS_PLAIN_UID);
	if (error)
		return error;
	scope->uid = true;
	return 0;
}

static void must(int error, const char *what)
{
	if (!error)
		return;
	log_error("cannot give up the caller's %s: %s; ending, because going on would serve others with it",
		  what, strerror(-error));
	abort();
}

void creds_leave(struct creds_scope *scope)
{
	if (scope->uid)
		must(set_euid(0), "user id");
	if (scope->gid)
		must(set_egid(creds_gid), "group id");
	if (scope->groups)
		must(set_groups(0, NULL), "groups");
	*scope = (struct creds_scope){ 0 };
}

void creds_set_umask(mode_t mask)
{
	mask &= 0777;
	if (mask == thread_umask)
		return;
	umask(mask);
	thread_umask = mask;
}
