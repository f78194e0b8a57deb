/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fallocate(2), holes, copy_file_range(2).
 */
#include <linux/falloc.h>

#include "posix.h"

#define KIB 1024

/* A file whose byte at OFFSET is pattern(OFFSET). */
static char pattern(off_t offset)
{
	return (char)(offset * 31 + offset / 4096 + 1) | 1;
}

static int make_pattern(const char *path, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	char *data = malloc(size);

	if (OK(fd) < 0 || !data) {
		free(data);
		return -1;
	}
	for (size_t i = 0; i < size; i++)
		data[i] = pattern((off_t)i);
	EQ(write(fd, data, size), size);
	free(data);
	return fd;
}

/* How many bytes of [FROM, TO) are neither what is wanted. */
static int differing(int fd, off_t from, off_t to, bool zero)
{
	int wrong = 0;
	char *data = malloc((size_t)(to - from));

	if (!data)
		return -1;
	if (pread(fd, data, (size_t)(to - from), from) != to - from)
		wrong = 1000000;
	for (off_t i = from; i < to && wrong < 1000; i++)
		wrong += data[i - from] != (zero ? 0 : pattern(i));
	free(data);
	return wrong;
}

static int probed_mode;

static bool can_fallocate(void)
{
	int fd = make_pattern("x", 16 * KIB);
	bool can = fallocate(fd, probed_mode, 4 * KIB, 4 * KIB) == 0;

	close(fd);
	return can;
}

static bool can_mode(int mode)
{
	probed_mode = mode;
	return native(can_fallocate);
}

static void fallocate_holes(int fd)
{
	if (can_mode(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)) {
		OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			     8 * KIB, 8 * KIB));
		EQ(differing(fd, 0, 8 * KIB, false), 0);
		EQ(differing(fd, 8 * KIB, 16 * KIB, true), 0);
		EQ(differing(fd, 16 * KIB, 64 * KIB, false), 0);
		OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			     30 * KIB + 7, 5));
		EQ(differing(fd, 30 * KIB + 7, 30 * KIB + 12, true), 0);
		EQ(differing(fd, 16 * KIB, 30 * KIB + 7, false), 0);
		SIZE("file", 64 * KIB);
		FAILS(EOPNOTSUPP, fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, KIB));
	}
	if (can_mode(FALLOC_FL_ZERO_RANGE)) {
		OK(fallocate(fd, FALLOC_FL_ZERO_RANGE, 40 * KIB, 4 * KIB));
		EQ(differing(fd, 40 * KIB, 44 * KIB, true), 0);
		EQ(differing(fd, 44 * KIB, 64 * KIB, false), 0);
		OK(fallocate(fd, FALLOC_FL_ZERO_RANGE, 60 * KIB, 20 * KIB));
		SIZE("file", 80 * KIB);
		EQ(differing(fd, 60 * KIB, 80 * KIB, true), 0);
		OK(fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
			     76 * KIB, 20 * KIB));
		SIZE("file", 80 * KIB);
	}
}

void test_fallocate(void)
{
	int fd;

	make_file("small", 0644);
	fd = (int)OK(open("small", O_RDWR | O_CLOEXEC));
	if (can_mode(0)) {
		OK(fallocate(fd, 0, 0, 100));
		SIZE("small", 100);
		OK(fallocate(fd, 0, 50, 10 * KIB));
		SIZE("small", 50 + 10 * KIB);
		TRUE(stat_of("small").st_blocks >= 20);
		EQ(posix_fallocate(fd, 0, 32 * KIB), 0);
		SIZE("small", 32 * KIB);
		EQ(differing(fd, 0, 32 * KIB, true), 0);
		FAILS(EINVAL, fallocate(fd, 0, -1, 10));
		FAILS(EINVAL, fallocate(fd, 0, 0, 0));
		FAILS(EFBIG, fallocate(fd, 0, INT64_MAX - 5, 10));
	}
	if (can_mode(FALLOC_FL_KEEP_SIZE)) {
		OK(ftruncate(fd, 0));
		OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 64 * KIB));
		SIZE("small", 0);
		TRUE(stat_of("small").st_blocks >= 128);
	}
	close(fd);
	fd = (int)OK(open("small", O_RDONLY | O_CLOEXEC));
	FAILS(EBADF, fallocate(fd, 0, 0, 10));
	close(fd);
	fd = make_pattern("file", 64 * KIB);
	fallocate_holes(fd);
	close(fd);
}

static bool has_holes(void)
{
	int fd = open("x", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	bool has;

	has = pwrite(fd, "x", 1, 1024 * KIB) == 1 && fsync(fd) == 0 &&
	      lseek(fd, 0, SEEK_DATA) == 1024 * KIB;
	close(fd);
	return has;
}

void test_seek(void)
{
	int fd;

	make_file("file", 0644);
	fd = (int)OK(open("file", O_RDWR | O_CLOEXEC));
	EQ(pwrite(fd, "x", 1, 1024 * KIB), 1);
	EQ(pwrite(fd, "y", 1, 3 * 1024 * KIB), 1);
	EQ(lseek(fd, 0, SEEK_END), 3 * 1024 * KIB + 1);
	EQ(lseek(fd, -1, SEEK_END), 3 * 1024 * KIB);
	EQ(lseek(fd, 10, SEEK_SET), 10);
	EQ(lseek(fd, 5, SEEK_CUR), 15);
	FAILS(EINVAL, lseek(fd, -100, SEEK_SET));
	FAILS(EINVAL, lseek(fd, 0, 77));
	OK(fsync(fd));
	/* A mount that has data of its own may say that all is data. */
	if (native(has_holes) && lseek(fd, 0, SEEK_DATA) != 0) {
		EQ(lseek(fd, 0, SEEK_DATA), 1024 * KIB);
		EQ(lseek(fd, 0, SEEK_HOLE), 0);
		EQ(lseek(fd, 1024 * KIB, SEEK_DATA), 1024 * KIB);
		TRUE(lseek(fd, 1024 * KIB, SEEK_HOLE) > 1024 * KIB);
		TRUE(lseek(fd, 1024 * KIB, SEEK_HOLE) <= 2 * 1024 * KIB);
		EQ(lseek(fd, 2 * 1024 * KIB, SEEK_DATA), 3 * 1024 * KIB);
		EQ(lseek(fd, 3 * 1024 * KIB, SEEK_HOLE), 3 * 1024 * KIB + 1);
	}
	FAILS(ENXIO, lseek(fd, 4 * 1024 * KIB, SEEK_DATA));
	FAILS(ENXIO, lseek(fd, 4 * 1024 * KIB, SEEK_HOLE));
	/* Data that is only in a cache is data all the same. */
	EQ(pwrite(fd, "z", 1, 2 * 1024 * KIB), 1);
	EQ(lseek(fd, 2 * 1024 * KIB, SEEK_DATA), 2 * 1024 * KIB);
	close(fd);
}

void test_copy(void)
{
	off_t in_offset, out_offset;
	int in, out;

	in = make_pattern("from", 300 * KIB);
	out = (int)OK(open("to", O_RDWR | O_CREAT | O_CLOEXEC, 0644));
	in_offset = out_offset = 0;
	while (in_offset < 300 * KIB) {
		ssize_t copied = copy_file_range(in, &in_offset, out,
						 &out_offset, 300 * KIB, 0);

		TRUE(copied > 0);
		if (copied <= 0)
			break;
	}
	EQ(out_offset, 300 * KIB);
	EQ(differing(out, 0, 300 * KIB, false), 0);
	EQ(lseek(out, 0, SEEK_CUR), 0);
	EQ(copy_file_range(in, &in_offset, out, &out_offset, 100, 0), 0);
	/* To elsewhere, beyond the end: a hole before it. */
	in_offset = 0;
	out_offset = 400 * KIB;
	EQ(copy_file_range(in, &in_offset, out, &out_offset, 1000, 0), 1000);
	SIZE("to", 400 * KIB + 1000);
	EQ(differing(out, 300 * KIB, 400 * KIB, true), 0);
	/* Data not yet written back is copied, data over it is seen. */
	EQ(pwrite(in, "fresh", 5, 10), 5);
	in_offset = 10;
	out_offset = 20;
	EQ(copy_file_range(in, &in_offset, out, &out_offset, 5, 0), 5);
	char seen[5];

	EQ(pread(out, seen, 5, 20), 5);
	TRUE(memcmp(seen, "fresh", 5) == 0);
	in_offset = 0;
	out_offset = 100;
	FAILS(EINVAL, copy_file_range(in, &in_offset, in, &out_offset, 200, 0));
	FAILS(EINVAL, copy_file_range(in, NULL, out, NULL, 1, 1));
	close(out);
	out = (int)OK(open("to", O_RDONLY | O_CLOEXEC));
	FAILS(EBADF, copy_file_range(in, NULL, out, NULL, 1, 0));
	close(out);
	out = (int)OK(open("to", O_WRONLY | O_APPEND | O_CLOEXEC));
	FAILS(EBADF, copy_file_range(in, NULL, out, NULL, 1, 0));
	close(out);
	close(in);
}
