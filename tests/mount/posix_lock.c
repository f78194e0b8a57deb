/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fcntl, open-file-description and flock locks, between processes: conflicts,
 * ranges, waiting, and a wait that a signal ends.
 */
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "posix.h"

static int lock(int fd, int command, short type, off_t start, off_t length)
{
	struct flock fl = {
		.l_type = type, .l_whence = SEEK_SET,
		.l_start = start, .l_len = length,
	};

	return fcntl(fd, command, &fl);
}

/* Who holds what conflicts with that lock. */
static struct flock holder(int fd, int command, short type, off_t start,
			   off_t length)
{
	struct flock fl = {
		.l_type = type, .l_whence = SEEK_SET,
		.l_start = start, .l_len = length,
	};

	OK(fcntl(fd, command, &fl));
	return fl;
}

/* In a child: what another process sees of PARENT's locks on [10, 20). */
static void seen_by_other(pid_t parent)
{
	struct flock fl;
	int fd = (int)OK(open("file", O_RDWR | O_CLOEXEC));

	FAILS(EAGAIN, lock(fd, F_SETLK, F_WRLCK, 0, 15));
	FAILS(EAGAIN, lock(fd, F_SETLK, F_RDLCK, 19, 1));
	FAILS(EAGAIN, lock(fd, F_SETLK, F_WRLCK, 0, 0));
	OK(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	OK(lock(fd, F_SETLK, F_WRLCK, 20, 0));
	fl = holder(fd, F_GETLK, F_WRLCK, 0, 0);
	EQ(fl.l_type, F_WRLCK);
	EQ(fl.l_start, 10);
	EQ(fl.l_len, 10);
	EQ(fl.l_pid, parent);
	fl = holder(fd, F_GETLK, F_WRLCK, 30, 5);
	EQ(fl.l_type, F_UNLCK);
	close(fd);
}

static void posix_between(void)
{
	int fd = (int)OK(open("file", O_RDWR | O_CLOEXEC));
	pid_t parent = getpid();
	int other;

	OK(lock(fd, F_SETLK, F_WRLCK, 10, 10));
	AS(&root)
		seen_by_other(parent);
	/* Shared locks go together. */
	OK(lock(fd, F_SETLK, F_RDLCK, 10, 10));
	AS(&root) {
		int mine = (int)OK(open("file", O_RDWR | O_CLOEXEC));

		OK(lock(mine, F_SETLK, F_RDLCK, 0, 0));
		FAILS(EAGAIN, lock(mine, F_SETLK, F_WRLCK, 15, 1));
	}
	/* A hole in a lock. */
	OK(lock(fd, F_SETLK, F_UNLCK, 13, 2));
	AS(&root) {
		int mine = (int)OK(open("file", O_RDWR | O_CLOEXEC));

		OK(lock(mine, F_SETLK, F_WRLCK, 13, 2));
		FAILS(EAGAIN, lock(mine, F_SETLK, F_WRLCK, 12, 1));
		FAILS(EAGAIN, lock(mine, F_SETLK, F_WRLCK, 15, 1));
	}
	/* Any close of the file drops the process's locks. */
	other = (int)OK(open("file", O_RDONLY | O_CLOEXEC));
	close(other);
	AS(&root) {
		int mine = (int)OK(open("file", O_RDWR | O_CLOEXEC));

		OK(lock(mine, F_SETLK, F_WRLCK, 0, 0));
	}
	close(fd);
}

static void ofd_locks(void)
{
	int a = (int)OK(open("file", O_RDWR | O_CLOEXEC));
	int b = (int)OK(open("file", O_RDWR | O_CLOEXEC));
	struct flock fl;

	OK(lock(a, F_OFD_SETLK, F_WRLCK, 0, 100));
	FAILS(EAGAIN, lock(b, F_OFD_SETLK, F_WRLCK, 50, 100));
	FAILS(EAGAIN, lock(b, F_SETLK, F_RDLCK, 50, 100));
	OK(lock(b, F_OFD_SETLK, F_WRLCK, 100, 100));
	fl = holder(b, F_OFD_GETLK, F_RDLCK, 0, 10);
	EQ(fl.l_type, F_WRLCK);
	EQ(fl.l_pid, -1);
	/* Belongs to the description: goes with its last descriptor. */
	int c = dup(a);

	close(a);
	FAILS(EAGAIN, lock(b, F_OFD_SETLK, F_WRLCK, 50, 1));
	close(c);
	OK(lock(b, F_OFD_SETLK, F_WRLCK, 50, 1));
	close(b);
}

void test_locks(void)
{
	int fd;

	write_file("file", "content");
	posix_between();
	ofd_locks();
	fd = (int)OK(open("file", O_RDONLY | O_CLOEXEC));
	FAILS(EBADF, lock(fd, F_SETLK, F_WRLCK, 0, 0));
	OK(lock(fd, F_SETLK, F_RDLCK, 0, 0));
	FAILS(EINVAL, lock(fd, F_SETLK, F_RDLCK, -1, 1));
	FAILS(EINVAL, lock(fd, F_SETLK, 77, 0, 1));
	close(fd);
}

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

/*
 * The child waits for a lock that the parent holds: it says so by the pipe just
 * before, sleeps by then in state S (awaited by /proc), and gets what is asked.
 */
static bool asleep(pid_t pid)
{
	char path[64], line[256];

	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
	for (int i = 0; i < 5000; i++) {
		FILE *file = fopen(path, "re");
		int number = -1;

		/* fcntl is 72, flock 73 on x86-64; others are found by "not running". */
		if (file && fgets(line, sizeof(line), file))
			number = atoi(line);
		if (file)
			fclose(file);
#ifdef __x86_64__
		if (number == 72 || number == 73)
			return true;
#else
		if (strncmp(line, "running", 7) != 0 && i > 50)
			return true;
#endif
		usleep(1000);
	}
	return false;
}

enum way { WAY_POSIX, WAY_OFD, WAY_FLOCK };

static int wait_lock(int fd, enum way way)
{
	if (way == WAY_FLOCK)
		return flock(fd, LOCK_EX);
	return lock(fd, way == WAY_OFD ? F_OFD_SETLKW : F_SETLKW, F_WRLCK, 0, 0);
}

static int drop_lock(int fd, enum way way)
{
	if (way == WAY_FLOCK)
		return flock(fd, LOCK_UN);
	return lock(fd, way == WAY_OFD ? F_OFD_SETLK : F_SETLK, F_UNLCK, 0, 0);
}

/* HELD is the parent's: a description lives while a child has it open. */
static pid_t start_waiter(int held, enum way way)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct sigaction action = { .sa_handler = on_signal };
		int fd;

		close(held);
		fd = open("file", O_RDWR | O_CLOEXEC);
		sigaction(SIGUSR1, &action, NULL);
		alarm(20);
		if (wait_lock(fd, way) == 0)
			_exit(0);
		_exit(errno == EINTR && signals ? 4 : 1);
	}
	return pid;
}

static int finish(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void waits(enum way way)
{
	int fd = (int)OK(open("file", O_RDWR | O_CLOEXEC));
	pid_t first, second;

	/* A signal ends the wait; the lock was not taken. */
	OK(wait_lock(fd, way));
	first = start_waiter(fd, way);
	TRUE(asleep(first));
	kill(first, SIGUSR1);
	EQ(finish(first), 4);
	/* So does a killing one. */
	first = start_waiter(fd, way);
	TRUE(asleep(first));
	kill(first, SIGKILL);
	EQ(finish(first), -SIGKILL);
	OK(drop_lock(fd, way));
	OK(wait_lock(fd, way));

	/* The unlock gets through and both waiters get it, in turn. */
	first = start_waiter(fd, way);
	second = start_waiter(fd, way);
	TRUE(asleep(first));
	TRUE(asleep(second));
	OK(drop_lock(fd, way));
	EQ(finish(first), 0);
	EQ(finish(second), 0);

	/* So does the end of the holder. */
	OK(wait_lock(fd, way));
	first = start_waiter(fd, way);
	TRUE(asleep(first));
	OK(close(fd));
	EQ(finish(first), 0);
}

void test_lock_wait(void)
{
	write_file("file", "content");
	waits(WAY_POSIX);
	waits(WAY_OFD);
}

void test_flock(void)
{
	int a, b, c;

	write_file("file", "content");
	a = (int)OK(open("file", O_RDONLY | O_CLOEXEC));
	b = (int)OK(open("file", O_RDWR | O_CLOEXEC));
	OK(flock(a, LOCK_SH));
	OK(flock(b, LOCK_SH | LOCK_NB));
	FAILS(EWOULDBLOCK, flock(a, LOCK_EX | LOCK_NB));
	OK(flock(b, LOCK_UN));
	OK(flock(a, LOCK_EX | LOCK_NB));
	FAILS(EWOULDBLOCK, flock(b, LOCK_SH | LOCK_NB));
	FAILS(EWOULDBLOCK, flock(b, LOCK_EX | LOCK_NB));
	/* fcntl locks live beside it. */
	OK(lock(b, F_SETLK, F_WRLCK, 0, 0));
	c = dup(a);
	close(a);
	FAILS(EWOULDBLOCK, flock(b, LOCK_EX | LOCK_NB));
	close(c);
	OK(flock(b, LOCK_EX | LOCK_NB));
	close(b);
	waits(WAY_FLOCK);
}
