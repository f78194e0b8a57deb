/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading and writing: sizes and offsets that do not fit pages, vectors, maps,
 * O_DIRECT. O_DIRECT reads go into ordinary memory only, never into a map of a
 * file of the same mount.
 */
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "posix.h"

#define AREA (1 << 20)

static unsigned char model[AREA], seen[AREA];

static void random_writes(int fd)
{
	unsigned int seed = 12345;
	size_t end = 0;

	for (int i = 0; i < 200; i++) {
		size_t offset = (size_t)rand_r(&seed) % (AREA - 70000);
		size_t size = (size_t)rand_r(&seed) % (i % 8 ? 5000 : 70000);

		for (size_t j = 0; j < size; j++)
			model[offset + j] = (unsigned char)(rand_r(&seed) >> 3);
		EQ(pwrite(fd, model + offset, size, (off_t)offset), size);
		if (size && offset + size > end)
			end = offset + size;
		offset = (size_t)rand_r(&seed) % end;
		size = (size_t)rand_r(&seed) % 20000;
		if (offset + size > end)
			size = end - offset;
		EQ(pread(fd, seen, size, (off_t)offset), size);
		TRUE(memcmp(seen, model + offset, size) == 0);
	}
	SIZE("file", end);
	EQ(pread(fd, seen, AREA, 0), end);
	TRUE(memcmp(seen, model, end) == 0);
	EQ(pread(fd, seen, 100, (off_t)end), 0);
	EQ(pread(fd, seen, 100, (off_t)end - 10), 10);
}

static void vectors(int fd)
{
	char a[3] = "abc", b[5] = "defgh", c[10];
	struct iovec out[2] = { { a, 3 }, { b, 5 } };
	struct iovec in[2] = { { c, 4 }, { c + 4, 6 } };

	OK(ftruncate(fd, 0));
	EQ(lseek(fd, 0, SEEK_SET), 0);
	EQ(writev(fd, out, 2), 8);
	EQ(pwritev(fd, out, 2, 100), 8);
	EQ(preadv(fd, in, 2, 0), 10);
	TRUE(memcmp(c, "abcdefgh\0\0", 10) == 0);
	SIZE("file", 108);
}

void test_read_write(void)
{
	struct stat st;
	int fd, other;

	make_file("file", 0644);
	fd = (int)OK(open("file", O_RDWR | O_CLOEXEC));
	random_writes(fd);
	OK(fsync(fd));
	OK(fdatasync(fd));
	vectors(fd);
	EQ(pwrite(fd, "far", 3, 1LL << 33), 3);
	SIZE("file", (1LL << 33) + 3);
	st = stat_of("file");
	TRUE(st.st_blocks < 10000);
	EQ(pread(fd, seen, 10, 1LL << 33), 3);
	FAILS(EINVAL, pread(fd, seen, 1, -1));
	/* A second open sees what the first has written, at once. */
	other = (int)OK(open("file", O_RDONLY | O_CLOEXEC));
	EQ(pwrite(fd, "shared", 6, 0), 6);
	EQ(pread(other, seen, 6, 0), 6);
	TRUE(memcmp(seen, "shared", 6) == 0);
	close(other);
	OK(ftruncate(fd, 1000));
	other = (int)OK(open("copy", O_RDWR | O_CREAT | O_CLOEXEC, 0644));
	off_t offset = 0;

	EQ(sendfile(other, fd, &offset, 1000), 1000);
	SIZE("copy", 1000);
	close(other);
	other = (int)OK(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	OK(fsync(other));
	OK(syncfs(other));
	close(other);
	OK(close(fd));
	fd = (int)OK(open("file", O_WRONLY | O_DSYNC | O_CLOEXEC));
	EQ(pwrite(fd, "dsync", 5, 0), 5);
	OK(close(fd));
}

/* What a map stores past the end never gets into the file; tmpfs shows it. */
static bool end_hides(void)
{
	int fd = open("end", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	char *map;
	char byte = 1;

	if (fd < 0 || ftruncate(fd, 4000) != 0)
		return false;
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED) {
		map[4050] = 'x';
		msync(map, 4096, MS_SYNC);
		SIZE("end", 4000);
		if (ftruncate(fd, 4096) != 0 || pread(fd, &byte, 1, 4050) != 1)
			byte = 1;
		munmap(map, 4096);
	}
	close(fd);
	return byte == 0;
}

void test_mmap(void)
{
	size_t size = 64 * 1024;
	unsigned char *map, *private;
	int fd;

	make_file("file", 0644);
	fd = (int)OK(open("file", O_RDWR | O_CLOEXEC));
	OK(ftruncate(fd, (off_t)size - 100));
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	TRUE(map != MAP_FAILED);
	if (map == MAP_FAILED)
		return;
	for (size_t i = 0; i < size - 100; i++)
		map[i] = (unsigned char)(i * 13 + i / 4096);
	OK(msync(map, size, MS_SYNC));
	EQ(pread(fd, seen, size, 0), size - 100);
	TRUE(memcmp(seen, map, size - 100) == 0);
	/* write(2) shows in the map and the map in read(2), without msync. */
	EQ(pwrite(fd, "written", 7, 5000), 7);
	TRUE(memcmp(map + 5000, "written", 7) == 0);
	memcpy(map + 9000, "mapped", 6);
	EQ(pread(fd, seen, 6, 9000), 6);
	TRUE(memcmp(seen, "mapped", 6) == 0);
	OK(ftruncate(fd, (off_t)size));
	EQ(map[size - 1], 0);
	if (native(end_hides))
		TRUE(end_hides());

	private = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	TRUE(private != MAP_FAILED);
	private[5000] = 'P';
	EQ(map[5000], 'w');
	OK(munmap(private, size));
	/* The map outlives the descriptor. */
	OK(close(fd));
	memcpy(map, "after close", 11);
	OK(munmap(map, size));
	fd = (int)OK(open("file", O_RDONLY | O_CLOEXEC));
	EQ(pread(fd, seen, 11, 0), 11);
	TRUE(memcmp(seen, "after close", 11) == 0);
	TRUE(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) ==
	     MAP_FAILED && errno == EACCES);
	close(fd);
}

static bool can_direct(void)
{
	int fd = open("x", O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0644);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

void test_direct(void)
{
	const size_t size = 256 * 1024;
	unsigned char *buffer;
	int direct, buffered;

	if (!native(can_direct))
		return;
	if (posix_memalign((void **)&buffer, 4096, size) != 0)
		return;
	make_file("file", 0644);
	direct = (int)OK(open("file", O_RDWR | O_DIRECT | O_CLOEXEC));
	buffered = (int)OK(open("file", O_RDWR | O_CLOEXEC));
	memset(buffer, 'd', size);
	EQ(pwrite(direct, buffer, size, 0), size);
	SIZE("file", size);
	EQ(pread(buffered, seen, size, 0), size);
	TRUE(memcmp(seen, buffer, size) == 0);
	/* Buffered then direct, direct then buffered: never what was before. */
	memset(seen, 'b', 10000);
	EQ(pwrite(buffered, seen, 10000, 5000), 10000);
	EQ(pread(direct, buffer, 16384, 4096), 16384);
	EQ(buffer[903], 'd');
	EQ(buffer[904], 'b');
	EQ(buffer[10903], 'b');
	EQ(buffer[10904], 'd');
	EQ(pread(buffered, seen, size, 0), size);
	memset(buffer, 'D', 8192);
	EQ(pwrite(direct, buffer, 8192, 4096), 8192);
	EQ(pread(buffered, seen, size, 0), size);
	EQ(seen[4095], 'd');
	EQ(seen[4096], 'D');
	EQ(seen[12287], 'D');
	EQ(seen[12288], 'b');
	/* Short at the end of the file. */
	OK(ftruncate(buffered, 6000));
	EQ(pread(direct, buffer, 8192, 0), 6000);
	EQ(pread(direct, buffer, 4096, 8192), 0);
	EQ(pwrite(direct, buffer, 4096, 1 << 20), 4096);
	SIZE("file", (1 << 20) + 4096);
	OK(fsync(direct));
	OK(close(direct));
	direct = (int)OK(open("file", O_WRONLY | O_APPEND | O_DIRECT |
			      O_CLOEXEC));
	EQ(write(direct, buffer, 4096), 4096);
	SIZE("file", (1 << 20) + 8192);
	OK(close(direct));
	OK(close(buffered));
	free(buffer);
}
