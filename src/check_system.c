/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --check: what we may do here. Asks the kernel by trying (opening /dev/fuse,
 * making a ring) wherever trying changes nothing.
 */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "check.h"

/* Where libfuse looks first. */
#define FUSERMOUNT_PATH "/usr/bin/fusermount3"
#define FUSE_CONF_PATH "/etc/fuse.conf"
/* Descriptors that are not inodes': open files, rings, the log. */
#define FD_RESERVE 256U
#define FD_COMFORT 4096U
/* What the rings of all workers may lock, on kernels before 5.12. */
#define MEMLOCK_COMFORT_BYTES (8ULL << 20)

static bool can_mount(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	return capng_get_caps_process() == 0 &&
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN);
}

enum check_result check_privileges(struct check *check)
{
	const struct config *config = check->config;

	if (config->privileged)
		return check_say(check, CHECK_OK,
				 "root: acts as each caller, keeps owners");
	if (geteuid() == 0)
		return check_say(check, CHECK_WARN,
				 "root without all of CAP_SETUID, CAP_SETGID, "
				 "CAP_CHOWN, CAP_FOWNER, CAP_DAC_OVERRIDE and "
				 "CAP_DAC_READ_SEARCH: everything is done as "
				 "this process, new files get its owner");
	return check_say(check, CHECK_WARN,
			 "not root: everything is done as you, new files are "
			 "yours whoever makes them; run as root for true owners");
}

static bool conf_allows_other(void)
{
	FILE *conf = fopen(FUSE_CONF_PATH, "re");
	char line[256];
	bool found = false;

	if (!conf)
		return false;
	while (!found && fgets(line, sizeof(line), conf)) {
		line[strcspn(line, " \t\r\n")] = '\0';
		found = strcmp(line, "user_allow_other") == 0;
	}
	fclose(conf);
	return found;
}

enum check_result check_allow_other(struct check *check)
{
	const struct config *config = check->config;

	if (!config->allow_other)
		return CHECK_SKIP;
	if (!can_mount() && !conf_allows_other())
		return check_say(check, CHECK_FAIL,
				 "add the line user_allow_other to %s, leave "
				 "out allow_other, or mount as root",
				 FUSE_CONF_PATH);
	if (!config->privileged && !config->check_permissions)
		return check_say(check, CHECK_WARN,
				 "with no_default_permissions every user has "
				 "your own rights on the mount");
	return check_say(check, CHECK_OK, "permitted");
}

enum check_result check_mounting(struct check *check)
{
	const char *mountpoint = check->config->mountpoint;

	if (!check->mountpoint_ok)
		return CHECK_SKIP;
	if (can_mount())
		return check_say(check, CHECK_OK, "by ferryfs itself");
	if (access(mountpoint, W_OK) != 0)
		return check_say(check, CHECK_FAIL,
				 "%s: %s; fusermount3 mounts only where you may "
				 "write: choose a mountpoint that you own",
				 mountpoint, strerror(errno));
	return check_say(check, CHECK_OK, "by fusermount3");
}

/* Linux's Documentation/admin-guide/devices.txt. */
#define FUSE_MAJOR 10U
#define FUSE_MINOR 229U

enum check_result check_device(struct check *check)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	int error = errno;
	struct stat st;
	bool is_fuse;

	if (fd >= 0) {
		is_fuse = fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
			  st.st_rdev == makedev(FUSE_MAJOR, FUSE_MINOR);
		close(fd);
		if (!is_fuse)
			return check_say(check, CHECK_FAIL,
					 "is not the FUSE device: mknod "
					 "/dev/fuse c %u %u", FUSE_MAJOR,
					 FUSE_MINOR);
		return check_say(check, CHECK_OK, "can be opened");
	}
	if (error == ENOENT || error == ENODEV || error == ENXIO)
		return check_say(check, CHECK_FAIL,
				 "%s: load the module (modprobe fuse); in a "
				 "container, pass the device in",
				 strerror(error));
	if (error == EACCES)
		return check_say(check, CHECK_FAIL,
				 "%s: chmod 0666 /dev/fuse as root, or mount as "
				 "root", strerror(error));
	return check_say(check, CHECK_FAIL,
			 "%s: the container or its device rules forbid it",
			 strerror(error));
}

enum check_result check_fusermount(struct check *check)
{
	struct stat st;

	if (can_mount())
		return CHECK_SKIP;
	if (stat(FUSERMOUNT_PATH, &st) != 0)
		return check_say(check, CHECK_FAIL,
				 "%s: %s: install the package fuse3, or mount "
				 "as root", FUSERMOUNT_PATH, strerror(errno));
	if (st.st_uid != 0 || !(st.st_mode & S_ISUID))
		return check_say(check, CHECK_FAIL,
				 "%s is not setuid root: chmod u+s %s as root, "
				 "or mount as root", FUSERMOUNT_PATH,
				 FUSERMOUNT_PATH);
	return check_say(check, CHECK_OK, "%s", FUSERMOUNT_PATH);
}

enum check_result check_io_uring(struct check *check)
{
	enum engine_kind engine = check->config->engine;
	enum check_result bad = engine == ENGINE_URING ? CHECK_FAIL : CHECK_WARN;
	struct io_uring ring;
	int error = io_uring_queue_init(2, &ring, 0);

	if (error == 0) {
		io_uring_queue_exit(&ring);
		return check_say(check, CHECK_OK, "permitted");
	}
	if (engine != ENGINE_URING && engine != ENGINE_AUTO)
		bad = CHECK_OK;
	switch (-error) {
	case EPERM:
	case EACCES:
		return check_say(check, bad,
				 "forbidden (%s): sysctl kernel.io_uring_disabled"
				 "=0, or the container's seccomp rules; "
				 "engine=auto does without it",
				 strerror(-error));
	case ENOMEM:
		return check_say(check, bad,
				 "%s: raise RLIMIT_MEMLOCK (ulimit -l); "
				 "engine=auto does without it",
				 strerror(-error));
	default:
		return check_say(check, bad,
				 "%s: this kernel has none; engine=auto does "
				 "without it", strerror(-error));
	}
}

enum check_result check_fd_limit(struct check *check)
{
	unsigned int wanted = check->config->fd_limit;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return check_say(check, CHECK_FAIL, "%s", strerror(errno));
	/* With fd_limit= the limit is not raised. */
	if (wanted && limit.rlim_cur < wanted + FD_RESERVE)
		return check_say(check, CHECK_FAIL,
				 "fd_limit=%u needs %u, the limit is %llu: "
				 "ulimit -n %u, or a smaller fd_limit",
				 wanted, wanted + FD_RESERVE,
				 (unsigned long long)limit.rlim_cur,
				 wanted + FD_RESERVE);
	if (!wanted && limit.rlim_max < FD_COMFORT)
		return check_say(check, CHECK_WARN,
				 "at most %llu: programs that hold many files "
				 "open will get EMFILE; raise the hard limit "
				 "(ulimit -Hn)",
				 (unsigned long long)limit.rlim_max);
	return check_say(check, CHECK_OK, "at most %llu",
			 (unsigned long long)(wanted ? limit.rlim_cur :
						       limit.rlim_max));
}

enum check_result check_memlock(struct check *check)
{
	enum engine_kind engine = check->config->engine;
	struct rlimit limit;

	if (engine != ENGINE_AUTO && engine != ENGINE_URING)
		return CHECK_SKIP;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
		return check_say(check, CHECK_FAIL, "%s", strerror(errno));
	capng_clear(CAPNG_SELECT_BOTH);
	if ((capng_get_caps_process() == 0 &&
	     capng_have_capability(CAPNG_EFFECTIVE, CAP_IPC_LOCK)) ||
	    limit.rlim_cur >= MEMLOCK_COMFORT_BYTES)
		return check_say(check, CHECK_OK, "enough");
	return check_say(check, CHECK_WARN,
			 "%llu kilobytes: kernels before 5.12 count rings; "
			 "ulimit -l 8192 if io_uring fails",
			 (unsigned long long)(limit.rlim_cur >> 10));
}
