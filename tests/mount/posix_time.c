/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Setting times, and which operation changes which time.
 */
#include <sys/mman.h>
#include <sys/xattr.h>

#include "posix.h"

static int set_times(const char *path, long atime, long atime_ns, long mtime,
		     long mtime_ns)
{
	const struct timespec times[2] = {
		{ .tv_sec = atime, .tv_nsec = atime_ns },
		{ .tv_sec = mtime, .tv_nsec = mtime_ns },
	};

	return utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

#define TIMES(path, asec, ansec, msec, mnsec) do { \
	struct stat times_ = stat_of(path); \
	EQ(times_.st_atim.tv_sec, asec); \
	EQ(times_.st_atim.tv_nsec, ansec); \
	EQ(times_.st_mtim.tv_sec, msec); \
	EQ(times_.st_mtim.tv_nsec, mnsec); \
} while (0)

static bool near_now(struct timespec stamp)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return stamp.tv_sec >= now.tv_sec - 5 && stamp.tv_sec <= now.tv_sec + 1;
}

static void utimens_permissions(void)
{
	static const struct timespec now[2] = {
		{ .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW },
	};

	make_file("hers", 0644);
	give("hers", &alice);
	AS(&alice) {
		OK(set_times("hers", 1, 2, 3, 4));
		OK(utimensat(AT_FDCWD, "hers", NULL, 0));
		OK(set_times("hers", 0, UTIME_NOW, 5, 0));
	}
	AS(&bob) {
		FAILS(EPERM, set_times("hers", 1, 2, 3, 4));
		FAILS(EACCES, utimensat(AT_FDCWD, "hers", NULL, 0));
		FAILS(EACCES, utimensat(AT_FDCWD, "hers", now, 0));
		FAILS(EPERM, set_times("hers", 0, UTIME_NOW, 5, 0));
		FAILS(EPERM, set_times("hers", 0, UTIME_OMIT, 0, UTIME_NOW));
		OK(set_times("hers", 0, UTIME_OMIT, 0, UTIME_OMIT));
	}
	/* Who may write may set both to now, and nothing else. */
	OK(chmod("hers", 0666));
	AS(&bob) {
		OK(utimensat(AT_FDCWD, "hers", NULL, 0));
		OK(utimensat(AT_FDCWD, "hers", now, 0));
		FAILS(EPERM, set_times("hers", 1, 2, 3, 4));
	}
}

void test_utimens(void)
{
	struct stat st;
	int fd;

	make_file("file", 0644);
	OK(set_times("file", 1000000000, 123456789, 1100000000, 987654321));
	TIMES("file", 1000000000, 123456789, 1100000000, 987654321);
	TRUE(near_now(stat_of("file").st_ctim));
	OK(set_times("file", 1, UTIME_OMIT, 5, 6));
	TIMES("file", 1000000000, 123456789, 5, 6);
	OK(set_times("file", 7, 8, 5, UTIME_OMIT));
	TIMES("file", 7, 8, 5, 6);
	OK(set_times("file", 0, UTIME_NOW, 0, UTIME_OMIT));
	st = stat_of("file");
	TRUE(near_now(st.st_atim));
	EQ(st.st_mtim.tv_sec, 5);
	OK(set_times("file", 9, 10, 0, UTIME_NOW));
	st = stat_of("file");
	TRUE(near_now(st.st_mtim));
	EQ(st.st_atim.tv_sec, 9);
	OK(utimensat(AT_FDCWD, "file", NULL, 0));
	TRUE(near_now(stat_of("file").st_atim));
	TRUE(near_now(stat_of("file").st_mtim));
	FAILS(EINVAL, set_times("file", 0, 1000000000, 0, 0));
	FAILS(EINVAL, set_times("file", 0, 0, 0, -1));
	OK(set_times("file", 2147483648L, 1, 4000000000L, 2));
	TIMES("file", 2147483648L, 1, 4000000000L, 2);
	OK(set_times("file", -1, 0, -86400, 5));
	TIMES("file", -1, 0, -86400, 5);
	fd = (int)OK(open("file", O_RDWR | O_CLOEXEC));
	OK(futimens(fd, (struct timespec[2]){ { 11, 12 }, { 13, 14 } }));
	TIMES("file", 11, 12, 13, 14);
	/* Set times outlive what was written before. */
	EQ(write(fd, "x", 1), 1);
	OK(futimens(fd, (struct timespec[2]){ { 15, 16 }, { 17, 18 } }));
	TIMES("file", 15, 16, 17, 18);
	OK(close(fd));
	TIMES("file", 15, 16, 17, 18);

	make_dir("dir", 0755);
	OK(set_times("dir", 1, 2, 3, 4));
	TIMES("dir", 1, 2, 3, 4);
	OK(symlink("file", "link"));
	OK(set_times("link", 21, 22, 23, 24));
	TIMES("link", 21, 22, 23, 24);
	TIMES("file", 15, 16, 17, 18);
	OK(mkfifo("fifo", 0644));
	OK(set_times("fifo", 1, 2, 3, 4));
	TIMES("fifo", 1, 2, 3, 4);
	utimens_permissions();
}

enum { CTIME = 1, MTIME = 2, ATIME = 4 };

static struct stat before;

static void remember(const char *path)
{
	wait_tick(path);
	before = stat_of(path);
}

static void changed(int line, const char *path, int want)
{
	struct stat now = stat_of(path);
	int seen = 0;

	if (time_compare(now.st_ctim, before.st_ctim) > 0)
		seen |= CTIME;
	if (time_compare(now.st_mtim, before.st_mtim) > 0)
		seen |= MTIME;
	check_eq(__FILE__, line, "changed times (ctime 1, mtime 2)", seen, want);
}
/* Runs CALL and looks which of PATH's times it moved. */
#define MOVES(path, call, want) do { \
	remember(path); \
	OK(call); \
	changed(__LINE__, path, want); \
} while (0)

static void times_of_names(void)
{
	make_dir("dir", 0755);
	MOVES("dir", open_close("dir/file", O_CREAT | O_RDWR, 0644),
	      CTIME | MTIME);
	MOVES("dir", mkdir("dir/sub", 0755), CTIME | MTIME);
	MOVES("dir", mkfifo("dir/fifo", 0644), CTIME | MTIME);
	MOVES("dir", symlink("x", "dir/link"), CTIME | MTIME);
	MOVES("dir", link("dir/file", "dir/hard"), CTIME | MTIME);
	MOVES("dir/file", link("dir/file", "dir/hard2"), CTIME);
	MOVES("dir/file", unlink("dir/hard2"), CTIME);
	MOVES("dir", unlink("dir/hard"), CTIME | MTIME);
	MOVES("dir", rename("dir/file", "dir/file2"), CTIME | MTIME);
	MOVES("dir", rename("dir/file2", "out"), CTIME | MTIME);
	MOVES("dir", rename("out", "dir/file"), CTIME | MTIME);
	MOVES("dir", rmdir("dir/sub"), CTIME | MTIME);
	MOVES("dir", unlink("dir/fifo"), CTIME | MTIME);
	MOVES("dir", open_close("dir/file", O_CREAT | O_RDWR, 0644), 0);
	MOVES("dir", chmod("dir/file", 0600), 0);

	/* A new thing has the time it was made. */
	TRUE(near_now(stat_of("dir/file").st_atim));
	TRUE(near_now(stat_of("dir/link").st_mtim));

	/* What failed moves nothing. */
	remember("dir");
	FAILS(EEXIST, mkdir("dir/file", 0755));
	FAILS(ENOENT, unlink("dir/missing"));
	FAILS(ENOTDIR, rmdir("dir/file"));
	changed(__LINE__, "dir", 0);
}

static void times_of_attributes(void)
{
	make_file("attr", 0644);
	MOVES("attr", chmod("attr", 0600), CTIME);
	MOVES("attr", chmod("attr", 0600), CTIME);
	MOVES("attr", chown("attr", 1, 1), CTIME);
	MOVES("attr", truncate("attr", 100), CTIME | MTIME);
	MOVES("attr", truncate("attr", 0), CTIME | MTIME);
	MOVES("attr", open_close("attr", O_WRONLY | O_TRUNC, 0), CTIME | MTIME);
	MOVES("attr", open_close("attr", O_RDWR, 0), 0);
	MOVES("attr", set_times("attr", 0, UTIME_OMIT, 0, UTIME_NOW),
	      CTIME | MTIME);
	MOVES("attr", set_times("attr", 0, UTIME_NOW, 0, UTIME_OMIT), CTIME);
	MOVES("attr", set_times("attr", 0, UTIME_OMIT, 0, UTIME_OMIT), 0);
	remember("attr");
	AS(&alice) {
		FAILS(EPERM, chmod("attr", 0777));
		FAILS(EACCES, truncate("attr", 1));
	}
	changed(__LINE__, "attr", 0);
}

static bool can_user_xattr(void)
{
	write_file("x", "");
	return setxattr("x", "user.a", "b", 1, 0) == 0;
}

void test_times(void)
{
	times_of_names();
	times_of_attributes();
	if (native(can_user_xattr)) {
		MOVES("attr", setxattr("attr", "user.a", "b", 1, 0), CTIME);
		MOVES("attr", removexattr("attr", "user.a"), CTIME);
	}
}

/* O_RDONLY after dropping the cache: the read reaches the file behind. */
static bool read_moves_atime(void)
{
	struct stat st;
	char byte;
	int fd;

	write_file("read", "content");
	fd = open("read", O_RDWR | O_CLOEXEC);
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (set_times("read", 1000, 0, 2000, 0) != 0 ||
	    pread(fd, &byte, 1, 0) != 1) {
		close(fd);
		return false;
	}
	close(fd);
	st = stat_of("read");
	return near_now(st.st_atim) && st.st_mtim.tv_sec == 2000;
}

static bool map_moves_times(void)
{
	int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	char *map;
	bool moves;

	if (fd < 0 || ftruncate(fd, 4096) != 0)
		return false;
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return false;
	remember("mapped");
	map[100] = 'm';
	moves = msync(map, 4096, MS_SYNC) == 0 &&
		time_compare(stat_of("mapped").st_mtim, before.st_mtim) > 0 &&
		time_compare(stat_of("mapped").st_ctim, before.st_ctim) > 0;
	munmap(map, 4096);
	return moves;
}

void test_io_times(void)
{
	int fd;

	make_file("file", 0644);
	fd = (int)OK(open("file", O_RDWR | O_CLOEXEC));
	MOVES("file", write(fd, "content", 7), CTIME | MTIME);
	MOVES("file", pwrite(fd, "x", 1, 0), CTIME | MTIME);
	MOVES("file", write(fd, "", 0), 0);
	MOVES("file", ftruncate(fd, 4096), CTIME | MTIME);
	MOVES("file", fsync(fd), 0);
	remember("file");
	OK(close(fd));
	changed(__LINE__, "file", 0);

	if (native(read_moves_atime))
		TRUE(read_moves_atime());

	if (native(map_moves_times))
		TRUE(map_moves_times());
}
