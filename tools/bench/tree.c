/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rows about trees: cp -a of a tree to a place beside it, and rm -rf of one,
 * both by the system's own programs. The tree resembles /usr/include: many
 * directories a few levels deep, mostly small files, some symlinks; it is the
 * same each time. Also the removal of our own native trees.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/util.h"

#include "bench.h"

#define FILES_IN_DIRECTORY 12
#define FILE_BYTES_MAX 65536
/* The tree's files are a part of --files: 2000 by default. */
#define TREE_DIVISOR 10

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_DP || type == FTW_DNR)
		return rmdir(path);
	return unlink(path);
}

/* Never crosses into a mounted filesystem, and never follows a symlink. */
int tree_remove(const char *path)
{
	if (nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0)
		return errno == ENOENT ? 0 : -errno;
	return 0;
}

static uint32_t next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Most files are of 1 to 8 KiB, one in sixteen of up to 64. */
static size_t file_bytes(uint32_t *state)
{
	const uint32_t kind = next(state) % 16;

	return 200 + next(state) % (kind ? 8000 : FILE_BYTES_MAX - 200);
}

static int make_file(int dirfd, const char *name, size_t bytes,
		     const char *noise, struct outcome *out)
{
	int fd, error = 0;

	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return outcome_fail(out, -errno, "create %s", name);
	if (write(fd, noise, bytes) != (ssize_t)bytes)
		error = outcome_fail(out, -errno, "write %s", name);
	close(fd);
	return error;
}

static int make_directory(const char *path, uint32_t *state, const char *noise,
			  struct outcome *out)
{
	unsigned int i;
	int dirfd, error = 0;

	if (mkdir(path, 0755) < 0)
		return outcome_fail(out, -errno, "mkdir %s", path);
	dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return outcome_fail(out, -errno, "open %s", path);
	for (i = 0; i < FILES_IN_DIRECTORY && !error; i++) {
		char name[32];

		snprintf(name, sizeof(name), "header-%02u.h", i);
		error = make_file(dirfd, name, file_bytes(state), noise, out);
	}
	if (!error && next(state) % 4 == 0 &&
	    symlinkat("header-00.h", dirfd, "link.h") < 0)
		error = outcome_fail(out, -errno, "symlink in %s", path);
	close(dirfd);
	return error;
}

static unsigned long directory_count(const struct sample *s)
{
	const unsigned long files = s->bench->options.files / TREE_DIVISOR;

	return files / FILES_IN_DIRECTORY + 1;
}

/* Directory i is inside directory i / 8, so the tree is a few levels deep. */
static void directory_path(const char *root, unsigned long i, char *buf,
			   size_t size)
{
	unsigned long chain[64] = { 0 };
	unsigned int depth = 0;
	size_t n;

	for (; i; i /= 8)
		chain[depth++] = i;
	n = (size_t)snprintf(buf, size, "%s/tree", root);
	while (depth-- && n < size)
		n += (size_t)snprintf(buf + n, size - n, "/d%lu", chain[depth]);
}

static int tree_prepare(const struct sample *s, struct outcome *out)
{
	const unsigned long count = directory_count(s);
	char path[BENCH_PATH_MAX + 512];
	uint32_t state = 88172645;
	unsigned long i;
	char *noise;
	int error = 0;

	if (mkdir(s->native, 0755) < 0)
		return outcome_fail(out, -errno, "mkdir %s", s->native);
	noise = malloc(FILE_BYTES_MAX);
	if (!noise)
		return outcome_fail(out, -ENOMEM, "tree");
	for (i = 0; i < FILE_BYTES_MAX; i++)
		noise[i] = (char)(' ' + next(&state) % 90);
	for (i = 0; i < count && !error; i++) {
		directory_path(s->native, i, path, sizeof(path));
		error = make_directory(path, &state, noise, out);
	}
	free(noise);
	return error;
}

/* Runs a tool and says how many files a second it got through. */
static int measure_tool(const struct sample *s, char *const argv[],
			struct outcome *out)
{
	const unsigned long files = directory_count(s) * FILES_IN_DIRECTORY;
	uint64_t began = now_ns();
	int error;

	error = child_run_tool(argv, out);
	if (!error)
		out->value = (double)files * (double)NSEC_PER_SEC /
			     (double)(now_ns() - began);
	return error;
}

static int copy_measure(const struct sample *s, struct outcome *out)
{
	char from[BENCH_PATH_MAX + 96], to[BENCH_PATH_MAX + 96];
	char small[BENCH_PATH_MAX + 96];
	char *const warm_up[] = { (char *)"cp", (char *)"-a", small, to, NULL };
	char *const argv[] = { (char *)"cp", (char *)"-a", from, to, NULL };
	int error;

	snprintf(from, sizeof(from), "%s/tree", s->path);
	snprintf(small, sizeof(small), "%s/tree/header-00.h", s->path);
	snprintf(to, sizeof(to), "%s/warm-up", s->path);
	error = child_run_tool(warm_up, out);
	if (error)
		return error;
	snprintf(to, sizeof(to), "%s/copy", s->path);
	return measure_tool(s, argv, out);
}

static int delete_measure(const struct sample *s, struct outcome *out)
{
	char path[BENCH_PATH_MAX + 96];
	char *const argv[] = { (char *)"rm", (char *)"-rf", path, NULL };
	int error;

	snprintf(path, sizeof(path), "%s/tree/header-00.h", s->path);
	error = child_run_tool(argv, out);
	if (error)
		return error;
	snprintf(path, sizeof(path), "%s/tree", s->path);
	return measure_tool(s, argv, out);
}

const struct row tree_rows[] = {
	{ .name = "tree-copy", .unit = "/s", .threads = 1,
	  .what = "files copied by cp -a within the filesystem",
	  .prepare = tree_prepare, .measure = copy_measure },
	{ .name = "tree-delete", .unit = "/s", .threads = 1,
	  .what = "files deleted by rm -rf", .prepare = tree_prepare,
	  .measure = delete_measure },
};
const size_t tree_row_count = ARRAY_SIZE(tree_rows);
