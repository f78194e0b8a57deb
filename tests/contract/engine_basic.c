/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an engine does when all goes well: reads and writes of every shape,
 * many at once, O_DIRECT, fsync, and whose privileges a write has.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract.h"

#define LARGE (1U << 20)
/* More than the ring's entries, the aio slots and the uring engine's limit. */
#define MANY 3000U
#define MANY_BYTES 512U

static void test_write_read(void **state)
{
	struct rig *rig = *state;
	uint8_t out[4096], in[4096];
	struct test_op t;

	pattern_fill(out, sizeof(out), 0, rig_seed);
	test_op_init(&t, IO_WRITE, rig->fd, out, sizeof(out), 0);
	assert_int_equal(test_op_run(rig, &t), sizeof(out));
	memset(in, 0, sizeof(in));
	test_op_init(&t, IO_READ, rig->fd, in, sizeof(in), 0);
	assert_int_equal(test_op_run(rig, &t), sizeof(in));
	assert_memory_equal(in, out, sizeof(in));
	/* Nothing to move. */
	test_op_init(&t, IO_READ, rig->fd, in, 0, 0);
	assert_int_equal(test_op_run(rig, &t), 0);
}

static void test_end_of_file(void **state)
{
	struct rig *rig = *state;
	uint8_t out[5000], in[8192];
	struct test_op t;

	pattern_fill(out, sizeof(out), 0, rig_seed);
	test_op_init(&t, IO_WRITE, rig->fd, out, sizeof(out), 0);
	assert_int_equal(test_op_run(rig, &t), sizeof(out));
	/* Short, empty at the end, empty beyond. */
	memset(in, 0xee, sizeof(in));
	test_op_init(&t, IO_READ, rig->fd, in, sizeof(in), 0);
	assert_int_equal(test_op_run(rig, &t), 5000);
	assert_pattern(in, 5000, 0, rig_seed);
	assert_int_equal(in[5000], 0xee);
	test_op_init(&t, IO_READ, rig->fd, in, sizeof(in), 5000);
	assert_int_equal(test_op_run(rig, &t), 0);
	test_op_init(&t, IO_READ, rig->fd, in, sizeof(in), 1ULL << 40);
	assert_int_equal(test_op_run(rig, &t), 0);
}

static void test_vectored_unaligned(void **state)
{
	static const size_t length[] = { 1, 0, 4095, 3, 8192, 77, 1, 513 };
	struct rig *rig = *state;
	uint8_t out[12882], in[12882];
	struct test_op t;
	size_t i, at;

	pattern_fill(out, sizeof(out), 33, rig_seed);
	test_op_init(&t, IO_WRITE, rig->fd, NULL, 0, 33);
	for (i = 0, at = 0; i < ARRAY_SIZE(length); at += length[i++]) {
		t.iov[i].iov_base = out + at;
		t.iov[i].iov_len = length[i];
	}
	assert_int_equal(at, sizeof(out));
	t.op.iov_count = (int)i;
	assert_int_equal(test_op_run(rig, &t), sizeof(out));

	test_op_init(&t, IO_READ, rig->fd, NULL, 0, 33);
	for (i = 0, at = 0; i < ARRAY_SIZE(length); at += length[i++]) {
		t.iov[i].iov_base = in + at;
		t.iov[i].iov_len = length[i];
	}
	t.op.iov_count = (int)i;
	assert_int_equal(test_op_run(rig, &t), sizeof(in));
	assert_memory_equal(in, out, sizeof(in));
	/* The hole before it. */
	test_op_init(&t, IO_READ, rig->fd, in, 33, 0);
	assert_int_equal(test_op_run(rig, &t), 33);
	for (i = 0; i < 33; i++)
		assert_int_equal(in[i], 0);
}

static void test_large(void **state)
{
	struct rig *rig = *state;
	uint8_t *buffer = malloc(LARGE);
	struct test_op t;

	assert_non_null(buffer);
	pattern_fill(buffer, LARGE, 4097, rig_seed);
	test_op_init(&t, IO_WRITE, rig->fd, buffer, LARGE, 4097);
	assert_int_equal(test_op_run(rig, &t), LARGE);
	memset(buffer, 0, LARGE);
	test_op_init(&t, IO_READ, rig->fd, buffer, LARGE, 4097);
	assert_int_equal(test_op_run(rig, &t), LARGE);
	assert_pattern(buffer, LARGE, 4097, rig_seed);
	free(buffer);
}

static void test_append(void **state)
{
	struct rig *rig = *state;
	uint8_t bytes[300];
	struct test_op t;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		pattern_fill(bytes, 100, i * 100, rig_seed);
		/* The offset does not count. */
		test_op_init(&t, IO_WRITE, rig->fd, bytes, 100, 7);
		t.op.rw_flags = RWF_APPEND;
		assert_int_equal(test_op_run(rig, &t), 100);
	}
	assert_int_equal(pread(rig->fd, bytes, sizeof(bytes), 0), 300);
	assert_pattern(bytes, 300, 0, rig_seed);
}

static void test_fsync(void **state)
{
	struct rig *rig = *state;
	struct test_op t[4];
	unsigned int done = 0, i;

	test_op_init(&t[0], IO_WRITE, rig->fd, (char[]){ "x" }, 1, 0);
	assert_int_equal(test_op_run(rig, &t[0]), 1);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		test_op_init(&t[i], IO_FSYNC, rig->fd, NULL, 0, 0);
		t[i].op.iov_count = 0;
		t[i].op.iov = NULL;
		t[i].op.datasync = i % 2;
		test_op_submit(rig, &t[i], &done);
	}
	rig_run_until(rig, &done, ARRAY_SIZE(t));
	for (i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(t[i].op.result, 0);
}

/* They wait for the disk: never on the loop's thread. */
static void test_synced_writes(void **state)
{
	static const int rw_flags[] = { RWF_SYNC, RWF_DSYNC };
	struct rig *rig = *state;
	uint8_t bytes[200];
	struct test_op t;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rw_flags); i++) {
		unsigned int done = 0;

		pattern_fill(bytes, 100, i * 100, rig_seed);
		test_op_init(&t, IO_WRITE, rig->fd, bytes, 100, i * 100);
		t.op.rw_flags = rw_flags[i];
		test_op_submit(rig, &t, &done);
		assert_int_equal(done, 0);
		rig_run_until(rig, &done, 1);
		assert_int_equal(t.op.result, 100);
	}
	assert_int_equal(pread(rig->fd, bytes, sizeof(bytes), 0), 200);
	assert_pattern(bytes, 200, 0, rig_seed);
}

/* Hundreds at once: each is answered once, with its own bytes. */
static void many_at_once(struct rig *rig, int fd, size_t bytes)
{
	struct test_op *t = calloc(MANY, sizeof(*t));
	uint8_t *data = NULL;
	unsigned int done = 0, i;

	assert_non_null(t);
	assert_int_equal(posix_memalign((void **)&data, 4096, MANY * bytes), 0);
	pattern_fill(data, MANY * bytes, 0, rig_seed);
	for (i = 0; i < MANY; i++) {
		/* 7 and MANY have no common divisor: every block, scattered. */
		size_t at = (i * 7U % MANY) * bytes;

		test_op_init(&t[i], IO_WRITE, fd, data + at, bytes, at);
		t[i].op.direct = fd != rig->fd;
		test_op_submit(rig, &t[i], &done);
	}
	rig_run_until(rig, &done, MANY);
	memset(data, 0, MANY * bytes);
	for (i = 0, done = 0; i < MANY; i++) {
		assert_int_equal(t[i].op.result, bytes);
		test_op_init(&t[i], IO_READ, fd, data + i * bytes, bytes,
			     i * bytes);
		t[i].op.direct = fd != rig->fd;
		test_op_submit(rig, &t[i], &done);
	}
	rig_run_until(rig, &done, MANY);
	for (i = 0; i < MANY; i++)
		assert_int_equal(t[i].op.result, bytes);
	assert_int_equal(done, MANY);
	assert_pattern(data, MANY * bytes, 0, rig_seed);
	free(data);
	free(t);
}

static void test_many(void **state)
{
	struct rig *rig = *state;

	many_at_once(rig, rig->fd, MANY_BYTES);
}

/* O_DIRECT, or -1 where the file system has none. */
static int direct_file(void)
{
	int fd = open(rig_directory, O_TMPFILE | O_RDWR | O_CLOEXEC | O_DIRECT,
		      0600);

	if (fd < 0)
		print_message("no O_DIRECT in %s\n", rig_directory);
	return fd;
}

static void test_direct(void **state)
{
	struct rig *rig = *state;
	uint8_t *data = NULL;
	struct test_op t;
	int fd = direct_file();

	if (fd < 0)
		skip();
	assert_int_equal(posix_memalign((void **)&data, 4096, LARGE), 0);
	pattern_fill(data, LARGE, 0, rig_seed);
	test_op_init(&t, IO_WRITE, fd, data, LARGE, 0);
	t.op.direct = true;
	assert_int_equal(test_op_run(rig, &t), LARGE);
	memset(data, 0, LARGE);
	/* Two buffers, and the end of the file in the second. */
	test_op_init(&t, IO_READ, fd, data, LARGE / 2, 0);
	t.op.direct = true;
	t.iov[1].iov_base = data + LARGE / 2;
	t.iov[1].iov_len = LARGE / 2;
	t.op.iov_count = 2;
	assert_int_equal(test_op_run(rig, &t), LARGE);
	assert_pattern(data, LARGE, 0, rig_seed);
	test_op_init(&t, IO_READ, fd, data, LARGE, LARGE - 4096);
	t.op.direct = true;
	assert_int_equal(test_op_run(rig, &t), 4096);
	/* A file that does not end on a block. */
	assert_int_equal(ftruncate(fd, 5000), 0);
	test_op_init(&t, IO_READ, fd, data, 8192, 0);
	t.op.direct = true;
	assert_int_equal(test_op_run(rig, &t), 5000);
	assert_pattern(data, 5000, 0, rig_seed);
	free(data);
	close(fd);
}

static void test_direct_many(void **state)
{
	struct rig *rig = *state;
	int fd = direct_file();

	if (fd < 0)
		skip();
	many_at_once(rig, fd, 4096);
	close(fd);
}

/* suid and sgid fall by a plain write and stay by one of the server. */
static void check_privileges(struct rig *rig, int fd, void *block, size_t size)
{
	struct test_op t;
	struct stat st;

	assert_int_equal(fchmod(fd, 06755), 0);
	test_op_init(&t, IO_WRITE, fd, block, size, 0);
	t.op.creds = IO_CREDS_SERVER;
	assert_int_equal(test_op_run(rig, &t), size);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 06755);
	test_op_init(&t, IO_WRITE, fd, block, size, 0);
	t.op.creds = IO_CREDS_PLAIN;
	assert_int_equal(test_op_run(rig, &t), size);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	/* And this thread is the server again. */
	assert_int_equal(geteuid(), 0);
	test_op_init(&t, IO_FSYNC, fd, NULL, 0, 0);
	assert_int_equal(test_op_run(rig, &t), 0);
}

static void test_privileges(void **state)
{
	struct rig *rig = *state;
	void *block = NULL;
	int fd;

	if (geteuid() != 0) {
		print_message("not root\n");
		skip();
	}
	assert_int_equal(posix_memalign(&block, 4096, 4096), 0);
	memset(block, 1, 4096);
	check_privileges(rig, rig->fd, block, 10);
	fd = direct_file();
	if (fd >= 0) {
		check_privileges(rig, fd, block, 4096);
		close(fd);
	}
	free(block);
}

int engine_basic_tests(const char *name)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_write_read),
		RIG_TEST(test_end_of_file),
		RIG_TEST(test_vectored_unaligned),
		RIG_TEST(test_large),
		RIG_TEST(test_append),
		RIG_TEST(test_fsync),
		RIG_TEST(test_synced_writes),
		RIG_TEST(test_many),
		RIG_TEST(test_direct),
		RIG_TEST(test_direct_many),
		RIG_TEST(test_privileges),
	};

	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
