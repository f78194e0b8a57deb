/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an engine does when the host refuses: bad descriptors, a disk that is
 * full in the middle of a write, a size limit, operations that are cancelled.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "contract.h"

#define MIB (1U << 20)

static void test_bad_descriptor(void **state)
{
	struct rig *rig = *state;
	char byte = 1;
	struct test_op t;
	int fd;

	test_op_init(&t, IO_READ, 1 << 20, &byte, 1, 0);
	assert_int_equal(test_op_run(rig, &t), -EBADF);
	test_op_init(&t, IO_FSYNC, 1 << 20, NULL, 0, 0);
	assert_int_equal(test_op_run(rig, &t), -EBADF);
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	test_op_init(&t, IO_WRITE, fd, &byte, 1, 0);
	assert_int_equal(test_op_run(rig, &t), -EBADF);
	close(fd);
	fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	test_op_init(&t, IO_READ, fd, &byte, 1, 0);
	assert_int_equal(test_op_run(rig, &t), -EISDIR);
	close(fd);
	/* The kernel cannot reach the buffer. */
	assert_int_equal(write(rig->fd, "x", 1), 1);
	test_op_init(&t, IO_READ, rig->fd, (void *)16, 1, 0);
	assert_int_equal(test_op_run(rig, &t), -EFAULT);
}

/* The bytes that fitted are reported; the next write gets the reason. */
static void test_no_space(void **state)
{
	struct rig *rig = *state;
	uint8_t *data = malloc(2 * MIB);
	struct test_op t;
	ssize_t n;
	int fd;

	if (!rig_small_directory) {
		print_message("no small file system\n");
		free(data);
		skip();
	}
	assert_non_null(data);
	fd = rig_file(rig_small_directory, 0);
	pattern_fill(data, 2 * MIB, 0, rig_seed);
	test_op_init(&t, IO_WRITE, fd, data, MIB / 2, 0);
	assert_int_equal(test_op_run(rig, &t), MIB / 2);
	test_op_init(&t, IO_WRITE, fd, data + MIB / 2, MIB, MIB / 2);
	n = test_op_run(rig, &t);
	assert_in_range(n, 1, MIB / 2);
	n += MIB / 2;
	test_op_init(&t, IO_WRITE, fd, data, 4096, (uint64_t)n);
	assert_int_equal(test_op_run(rig, &t), -ENOSPC);
	memset(data, 0, 2 * MIB);
	test_op_init(&t, IO_READ, fd, data, 2 * MIB, 0);
	assert_int_equal(test_op_run(rig, &t), n);
	assert_pattern(data, (size_t)n, 0, rig_seed);
	free(data);
	close(fd);
}

static void test_size_limit(void **state)
{
	struct rig *rig = *state;
	struct rlimit saved, limit;
	uint8_t data[4096] = { 0 };
	struct test_op t;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
	limit = saved;
	limit.rlim_cur = 10000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	test_op_init(&t, IO_WRITE, rig->fd, data, sizeof(data), 8000);
	assert_int_equal(test_op_run(rig, &t), 2000);
	test_op_init(&t, IO_WRITE, rig->fd, data, sizeof(data), 10000);
	assert_int_equal(test_op_run(rig, &t), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
}

/*
 * A cancelled operation is answered once: in full, or with -ECANCELED. Files do
 * not wait, so that most come in full; a pipe below shows the other case.
 */
static void test_cancel(void **state)
{
	struct rig *rig = *state;
	struct test_op t[64];
	uint8_t data[64][512];
	unsigned int done = 0, i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		memset(data[i], (int)i, sizeof(data[i]));
		test_op_init(&t[i], i % 8 ? IO_WRITE : IO_FSYNC, rig->fd,
			     data[i], sizeof(data[i]), i * 512);
		test_op_submit(rig, &t[i], &done);
		if (!t[i].order)
			engine_cancel(rig->engine, &t[i].op);
	}
	rig_run_until(rig, &done, ARRAY_SIZE(t));
	assert_int_equal(loop_run_once(rig->loop, false) < 0, 0);
	assert_int_equal(done, ARRAY_SIZE(t));
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		if (t[i].op.result != -ECANCELED)
			assert_int_equal(t[i].op.result, i % 8 ? 512 : 0);
	}
}

/* An operation that waits inside the kernel can be told to stop. */
static void test_cancel_waiting(void **state)
{
	struct rig *rig = *state;
	unsigned int done = 0;
	struct test_op t;
	char byte;
	int fds[2];

	/* The others run it to its end, on a thread that cannot be told. */
	if (rig->engine->ops != &engine_uring_ops)
		return;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	test_op_init(&t, IO_READ, fds[0], &byte, 1, (uint64_t)-1);
	test_op_submit(rig, &t, &done);
	assert_true(loop_run_once(rig->loop, false) >= 0);
	assert_int_equal(done, 0);
	engine_cancel(rig->engine, &t.op);
	engine_cancel(rig->engine, &t.op);
	assert_int_equal(done, 0);
	rig_run_until(rig, &done, 1);
	assert_int_equal(t.op.result, -ECANCELED);
	close(fds[0]);
	close(fds[1]);
}

int engine_error_tests(const char *name)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_bad_descriptor),
		RIG_TEST(test_no_space),
		RIG_TEST(test_size_limit),
		RIG_TEST(test_cancel),
		RIG_TEST(test_cancel_waiting),
	};

	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
