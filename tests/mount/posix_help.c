/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File helpers of posix-check. See posix.h.
 */
#include <sys/syscall.h>

#include "posix.h"

void make_file(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (OK(fd) < 0) {
		printf("  creating %s\n", path);
		return;
	}
	OK(fchmod(fd, mode));
	OK(close(fd));
}

void make_dir(const char *path, mode_t mode)
{
	OK(mkdir(path, 0700));
	OK(chmod(path, mode));
}

/* Keeps the mode, setid bits too. */
void give(const char *path, const struct who *who)
{
	struct stat st = stat_of(path);

	OK(lchown(path, who->uid, who->gid));
	if (!S_ISLNK(st.st_mode))
		OK(chmod(path, st.st_mode & 07777));
}

void write_file(const char *path, const char *text)
{
	size_t length = strlen(text);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (OK(fd) < 0)
		return;
	EQ(write(fd, text, length), length);
	OK(close(fd));
}

struct stat stat_of(const char *path)
{
	struct stat st;

	memset(&st, 0, sizeof(st));
	if (OK(lstat(path, &st)) != 0)
		printf("  lstat of %s\n", path);
	return st;
}

int open_close(const char *path, int flags, mode_t mode)
{
	int fd = open(path, flags | O_CLOEXEC, mode);

	return fd < 0 ? -1 : close(fd);
}

bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

const char *long_name(size_t length)
{
	static char buffers[2][8192];
	static unsigned int turn;
	char *buffer = buffers[turn++ % 2];

	if (length >= sizeof(buffers[0]))
		length = sizeof(buffers[0]) - 1;
	memset(buffer, 'n', length);
	buffer[length] = '\0';
	return buffer;
}

int time_compare(struct timespec a, struct timespec b)
{
	if (a.tv_sec != b.tv_sec)
		return a.tv_sec < b.tv_sec ? -1 : 1;
	return (a.tv_nsec > b.tv_nsec) - (a.tv_nsec < b.tv_nsec);
}

/* The coarse clock is what file systems stamp with; a tick is 1 to 10 ms. */
void wait_tick(const char *path)
{
	const struct timespec nap = { .tv_nsec = 500000 };
	struct stat st = stat_of(path);
	struct timespec now;

	do {
		nanosleep(&nap, NULL);
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (time_compare(now, st.st_mtim) <= 0 ||
		 time_compare(now, st.st_ctim) <= 0);
}

int rename_flags(const char *from, const char *to, unsigned int flags)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}
