/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Child processes of ferryfs-bench: functions run apart with a time limit,
 * servers, tools. Called by the main process, which is single-threaded;
 * child_run_tool() also by a child. Only processes that this program started,
 * or that were handed to it as the subreaper, are ever signalled, by id.
 *
 * A child that does not die of SIGKILL (it waits for a FUSE server) is left
 * to whoever aborts the connection; child_reap_all() takes it in afterwards.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/util.h"

#include "bench.h"

#define KILL_PATIENCE_MS 5000

int outcome_fail(struct outcome *out, int error, const char *format, ...)
{
	va_list args;
	size_t used;

	va_start(args, format);
	vsnprintf(out->message, sizeof(out->message), format, args);
	va_end(args);
	used = strlen(out->message);
	if (error)
		snprintf(out->message + used, sizeof(out->message) - used,
			 ": %s", strerror(-error));
	out->error = error ? error : -EIO;
	return out->error;
}

/* In a new child: its own process group, no inherited handlers or limits. */
static void child_begin(pid_t parent)
{
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(BENCH_FAILED);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Waits until the child ends: 0 with its status, -ETIMEDOUT, or -EINTR when the
 * user wants us to stop.
 */
int child_wait(pid_t pid, unsigned int timeout_ms, int *ret_status)
{
	uint64_t deadline = now_ns() + timeout_ms * NSEC_PER_MSEC;
	struct pollfd pfd = { .events = POLLIN };
	int error = 0;

	pfd.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pfd.fd < 0)
		return -errno;
	for (;;) {
		const uint64_t now = now_ns();
		const uint64_t left = now < deadline ? deadline - now : 0;
		const struct timespec ts = {
			.tv_sec = (time_t)(left / NSEC_PER_SEC),
			.tv_nsec = (long)(left % NSEC_PER_SEC),
		};

		if (ppoll(&pfd, 1, &ts, &bench_wait_mask) == 1)
			break;
		if (bench_stopping)
			error = -EINTR;
		else if (!left)
			error = -ETIMEDOUT;
		if (error)
			break;
	}
	close(pfd.fd);
	if (error)
		return error;
	return waitpid(pid, ret_status, 0) == pid ? 0 : -errno;
}

void child_describe_end(int status, char *buf, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(buf, size, "killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(buf, size, "exit code %d", WEXITSTATUS(status));
}

/* Kills a group that we started. A child stuck in a mount stays for later. */
static void kill_group(pid_t pid)
{
	struct pollfd pfd = { .events = POLLIN };

	kill(-pid, SIGKILL);
	pfd.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pfd.fd < 0)
		return;
	if (poll(&pfd, 1, KILL_PATIENCE_MS) == 1)
		waitpid(pid, NULL, 0);
	close(pfd.fd);
}

/*
 * Runs fn in a child. Returns what fn returned, or -ETIMEDOUT, -EINTR (told to
 * stop), -ECHILD (it died); *out says it in words.
 */
int child_call(child_fn fn, const void *arg, unsigned int timeout_s,
	       struct outcome *out)
{
	struct outcome *shared;
	pid_t pid, parent = getpid();
	char end[128];
	int status = 0, error;

	memset(out, 0, sizeof(*out));
	if (bench_stopping)
		return outcome_fail(out, -EINTR, "told to stop");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return outcome_fail(out, -errno, "mmap");
	pid = fork();
	if (pid < 0) {
		error = outcome_fail(out, -errno, "fork");
		goto out_unmap;
	}
	if (!pid) {
		child_begin(parent);
		shared->error = fn(arg, shared);
		_exit(0);
	}
	setpgid(pid, pid);
	error = child_wait(pid, timeout_s * 1000, &status);
	if (error) {
		kill_group(pid);
		if (error == -ETIMEDOUT)
			outcome_fail(out, 0, "not done after %u s", timeout_s);
		else
			outcome_fail(out, error, "told to stop");
		out->error = error;
	} else if (status) {
		child_describe_end(status, end, sizeof(end));
		outcome_fail(out, 0, "%s", end);
		error = out->error = -ECHILD;
	} else {
		*out = *shared;
		error = out->error;
	}
out_unmap:
	munmap(shared, sizeof(*shared));
	return error;
}

/* Starts a program whose stdout and stderr go to output_fd. Its id or -errno. */
pid_t child_spawn(char *const argv[], int output_fd)
{
	pid_t parent = getpid(), pid = fork();
	int null;

	if (pid < 0)
		return -errno;
	if (pid) {
		setpgid(pid, pid);
		return pid;
	}
	child_begin(parent);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(output_fd, STDOUT_FILENO) < 0 ||
	    dup2(output_fd, STDERR_FILENO) < 0)
		_exit(126);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* The last lines of a memfd, without the newline at their end. */
void child_tail(int fd, char *buf, size_t size)
{
	off_t end = lseek(fd, 0, SEEK_END);
	ssize_t n;

	buf[0] = '\0';
	if (end <= 0)
		return;
	if ((size_t)end > size - 1)
		n = pread(fd, buf, size - 1, end - (off_t)(size - 1));
	else
		n = pread(fd, buf, size - 1, 0);
	if (n < 0)
		n = 0;
	while (n > 0 && isspace((unsigned char)buf[n - 1]))
		n--;
	buf[n] = '\0';
}

/*
 * Runs a tool to its end, from within a child: it shares the child's process
 * group, so the child's time limit is the tool's as well.
 */
int child_run_tool(char *const argv[], struct outcome *out)
{
	char tail[BENCH_ERROR_MAX / 2], end[128];
	int fd, status, error = 0;
	pid_t pid;

	fd = memfd_create("output", MFD_CLOEXEC);
	if (fd < 0)
		return outcome_fail(out, -errno, "memfd_create");
	pid = fork();
	if (pid < 0) {
		error = outcome_fail(out, -errno, "fork");
		goto out_close;
	}
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
			_exit(126);
		execvp(argv[0], argv);
		dprintf(STDERR_FILENO, "%s\n", strerror(errno));
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			error = outcome_fail(out, -errno, "waitpid");
			goto out_close;
		}
	}
	if (status) {
		child_describe_end(status, end, sizeof(end));
		child_tail(fd, tail, sizeof(tail));
		error = outcome_fail(out, 0, "%s: %s: %s", argv[0], end,
				     tail);
	}
out_close:
	close(fd);
	return error;
}

/* Signals every process whose parent we are: own ones, and adopted daemons. */
static void signal_children(int sig)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;

	if (!proc)
		return;
	while ((e = readdir(proc))) {
		char path[300], line[512], *after;
		int parent = -1;
		FILE *f;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		/* The name may hold anything; its ')' is the last one. */
		if (fgets(line, sizeof(line), f) &&
		    (after = strrchr(line, ')')) &&
		    sscanf(after, ") %*c %d", &parent) == 1 &&
		    parent == (int)getpid())
			kill((pid_t)atol(e->d_name), sig);
		fclose(f);
	}
	closedir(proc);
}

/* Takes in ended children until none is left: true, or false at the deadline. */
static bool reap_until(uint64_t deadline, struct server *server)
{
	sigset_t chld;
	int status;
	pid_t pid;

	/* SIGCHLD is blocked in the main process: see main(). */
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	for (;;) {
		struct timespec wait;
		uint64_t now;

		pid = waitpid(-1, &status, WNOHANG);
		if (pid < 0)
			return true;
		if (pid > 0) {
			if (status && server && pid == server->pid) {
				server->abnormal = true;
				server->status = status;
			}
			continue;
		}
		now = now_ns();
		if (now >= deadline)
			return false;
		wait.tv_sec = (time_t)((deadline - now) / NSEC_PER_SEC);
		wait.tv_nsec = (long)((deadline - now) % NSEC_PER_SEC);
		sigtimedwait(&chld, NULL, &wait);
	}
}

/*
 * Waits for all children to end; those that do not are asked, then killed.
 * When server is given, its ending is noted there.
 */
void child_reap_all(unsigned int patience_ms, struct server *server)
{
	const uint64_t patience_ns = patience_ms * NSEC_PER_MSEC;

	if (reap_until(now_ns() + patience_ns, server))
		return;
	/* Asked by us: how they end from here on says nothing. */
	signal_children(SIGTERM);
	if (reap_until(now_ns() + 2 * NSEC_PER_SEC, NULL))
		return;
	signal_children(SIGKILL);
	reap_until(now_ns() + 2 * NSEC_PER_SEC, NULL);
}
