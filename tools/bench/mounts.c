/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounting and unmounting of the contenders, in a mount namespace of our own:
 * whatever happens, the rest of the system sees none of it, and the kernel
 * takes the mounts away with the last process of the namespace.
 *
 * A command may stay in the foreground or become a daemon: mounted is what the
 * kernel says is mounted.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/util.h"

#include "bench.h"

#define MOUNT_TIMEOUT_S 30
#define UNMOUNT_TIMEOUT_S 30
#define UNMOUNT_BUSY_MS 2000
#define SERVER_END_MS 10000
#define COMMAND_MAX 16384

/* A namespace of our own; daemons come back to us; enough fds for all. */
int mounts_private(void)
{
	struct rlimit limit;

	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return -errno;
	/*
	 * passthrough_ll keeps a descriptor for each inode and does not raise
	 * its limit: all contenders get the same, high one.
	 */
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		const rlim_t hard = limit.rlim_max;

		limit.rlim_cur = limit.rlim_max = 1048576;
		if (hard > limit.rlim_max ||
		    setrlimit(RLIMIT_NOFILE, &limit) < 0) {
			limit.rlim_cur = limit.rlim_max = hard;
			setrlimit(RLIMIT_NOFILE, &limit);
		}
	}
	return 0;
}

/* Asks the kernel alone: no message goes to a FUSE server. */
bool mounts_is_mounted(const char *path)
{
	struct statx stx;

	if (statx(AT_FDCWD, path,
		  AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
		  STATX_TYPE, &stx) < 0)
		return errno == ENOTCONN;
	return stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

/* Appends text to buf; with quote, as one word of a shell command. */
static int append(char *buf, size_t size, size_t *used, const char *text,
		  bool quote)
{
	size_t n = *used;

	if (quote && n < size)
		buf[n++] = '\'';
	for (; *text && n + 5 < size; text++) {
		if (quote && *text == '\'') {
			memcpy(buf + n, "'\\''", 4);
			n += 4;
		} else {
			buf[n++] = *text;
		}
	}
	if (quote && n < size)
		buf[n++] = '\'';
	if (*text || n >= size)
		return -E2BIG;
	buf[n] = '\0';
	*used = n;
	return 0;
}

/* COMMAND with {src} and {mnt} replaced by quoted paths. */
static int expand(const struct bench *b, const char *command, char *buf,
		  size_t size)
{
	size_t used = 0;
	int error = 0;

	buf[0] = '\0';
	while (*command && !error) {
		if (!strncmp(command, "{src}", 5)) {
			error = append(buf, size, &used, b->src, true);
			command += 5;
		} else if (!strncmp(command, "{mnt}", 5)) {
			error = append(buf, size, &used, b->mnt, true);
			command += 5;
		} else {
			const char one[2] = { *command++, '\0' };

			error = append(buf, size, &used, one, false);
		}
	}
	return error;
}

static pid_t start(const struct bench *b, const struct contender *c,
		   struct server *server, char *command, size_t size)
{
	char *argv[8];
	int n = 0;

	if (c->kind == CONTENDER_PEER) {
		if (expand(b, c->command, command, size) < 0)
			return -E2BIG;
		argv[n++] = (char *)"sh";
		argv[n++] = (char *)"-c";
		argv[n++] = command;
	} else {
		argv[n++] = (char *)b->ferryfs;
		argv[n++] = (char *)"-f";
		if (c->command && *c->command) {
			argv[n++] = (char *)"-o";
			argv[n++] = (char *)c->command;
		}
		argv[n++] = (char *)b->src;
		argv[n++] = (char *)b->mnt;
		snprintf(command, size, "%s -f %s%s %s %s", b->ferryfs,
			 c->command && *c->command ? "-o " : "",
			 c->command ? c->command : "", b->src, b->mnt);
	}
	argv[n] = NULL;
	return child_spawn(argv, server->output_fd);
}

/*
 * Waits for the mount or the failure of its command. The mount table's own
 * event wakes us; server->pid becomes 0 when the command ended well (a daemon).
 */
static int await_mount(const struct bench *b, struct server *server)
{
	const uint64_t deadline = now_ns() + MOUNT_TIMEOUT_S * NSEC_PER_SEC;
	struct pollfd pfds[2] = { { .events = POLLPRI }, { .events = POLLIN } };
	int error = 0;

	pfds[0].fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (pfds[0].fd < 0)
		return -errno;
	pfds[1].fd = (int)syscall(SYS_pidfd_open, server->pid, 0);
	if (pfds[1].fd < 0) {
		error = -errno;
		goto out_close;
	}
	for (;;) {
		/* A poll without an event costs little if one was missed. */
		const struct timespec pause = { .tv_nsec = 100000000 };

		if (mounts_is_mounted(b->mnt))
			break;
		if (bench_stopping)
			error = -EINTR;
		else if (now_ns() > deadline)
			error = -ETIMEDOUT;
		if (error)
			break;
		if (ppoll(pfds, 2, &pause, &bench_wait_mask) <= 0 ||
		    !pfds[1].revents)
			continue;
		if (waitpid(server->pid, &server->status, 0) == server->pid) {
			close(pfds[1].fd);
			pfds[1].fd = -1;
			pfds[1].revents = 0;
			server->pid = 0;
		}
		if (server->status) {
			error = -ECHILD;
			break;
		}
	}
	if (pfds[1].fd >= 0)
		close(pfds[1].fd);
out_close:
	close(pfds[0].fd);
	return error;
}

/* In a child: the first request; it comes back when INIT was answered. */
static int first_touch(const void *arg, struct outcome *out)
{
	const char *path = arg;
	struct stat st;

	if (stat(path, &st) < 0)
		return outcome_fail(out, -errno, "stat %s", path);
	if (access(path, W_OK) < 0)
		return outcome_fail(out, -errno, "write to %s", path);
	return 0;
}

/* Native: nothing to do. On failure nothing is left mounted or running. */
int mounts_up(const struct bench *b, const struct contender *c,
	      struct server *server, struct outcome *out)
{
	char tail[BENCH_ERROR_MAX / 2], end[128];
	char *command;
	int error;

	*server = (struct server){ .output_fd = -1 };
	memset(out, 0, sizeof(*out));
	if (c->kind == CONTENDER_NATIVE)
		return 0;
	command = malloc(COMMAND_MAX);
	if (!command)
		return outcome_fail(out, -ENOMEM, "mount");
	snprintf(command, COMMAND_MAX, "%s", c->command ? c->command : "");
	server->output_fd = memfd_create("output", MFD_CLOEXEC);
	if (server->output_fd < 0) {
		error = outcome_fail(out, -errno, "memfd_create");
		goto out_free;
	}
	server->pid = start(b, c, server, command, COMMAND_MAX);
	if (server->pid < 0) {
		error = outcome_fail(out, server->pid, "cannot start: %.200s",
				     command);
		server->pid = 0;
		goto out_down;
	}
	error = await_mount(b, server);
	if (!error)
		error = child_call(first_touch, b->mnt, MOUNT_TIMEOUT_S, out);
	if (!error)
		goto out_free;
	child_tail(server->output_fd, tail, sizeof(tail));
	if (error == -ECHILD && server->status) {
		child_describe_end(server->status, end, sizeof(end));
		outcome_fail(out, 0, "%.300s\n  failed: %s\n  %s", command, end,
			     *tail ? tail : "(it said nothing)");
	} else {
		char why[128];

		snprintf(why, sizeof(why), "%.120s",
			 *out->message ? out->message : strerror(-error));
		outcome_fail(out, 0, "%.300s\n  does not mount: %s\n  %s",
			     command, why, tail);
	}
	out->error = error;
out_down:
	mounts_down(b, server);
out_free:
	free(command);
	return error;
}

/* In a child: unmounting writes dirty pages, so the server may hang it. */
static int unmount(const void *arg, struct outcome *out)
{
	const uint64_t deadline = now_ns() + UNMOUNT_BUSY_MS * NSEC_PER_MSEC;
	const struct timespec pause = { .tv_nsec = 20 * NSEC_PER_MSEC };
	const char *path = arg;

	while (umount2(path, UMOUNT_NOFOLLOW) < 0) {
		/* Nothing tells when the last user of a mount has left. */
		if (errno != EBUSY || now_ns() > deadline)
			return outcome_fail(out, -errno, "umount %s", path);
		nanosleep(&pause, NULL);
	}
	return 0;
}

/*
 * Unmounts (by force and lazily, if it must be) and waits for the server's end.
 * May be called when nothing was mounted.
 */
void mounts_down(const struct bench *b, struct server *server)
{
	const sig_atomic_t was_stopping = bench_stopping;
	struct outcome out;
	int again;

	/* The user's wish to stop does not make unmounting less needed. */
	bench_stopping = 0;
	if (mounts_is_mounted(b->mnt))
		child_call(unmount, b->mnt, UNMOUNT_TIMEOUT_S, &out);
	for (again = 0; again < 4 && mounts_is_mounted(b->mnt); again++)
		umount2(b->mnt, MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW);
	child_reap_all(SERVER_END_MS, server);
	if (was_stopping)
		bench_stopping = was_stopping;
	if (server->output_fd >= 0 && !server->abnormal) {
		close(server->output_fd);
		server->output_fd = -1;
	}
}
