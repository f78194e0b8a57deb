/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every engine on every loop through the same suite; see contract.h. Files are in
 * $TMPDIR or /var/tmp, which should be on a disk (O_DIRECT); as root a 1 MiB
 * tmpfs is mounted in a mount namespace of this process alone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"
#include "creds.h"

static const struct engine_row {
	const char *name;
	enum engine_kind engine;
	enum loop_kind loop;
	bool decorated;		/* by an engine_fault without rules */
} engine_rows[] = {
	{ "sync on epoll", ENGINE_SYNC, LOOP_EPOLL, false },
	{ "sync on io_uring", ENGINE_SYNC, LOOP_URING, false },
	{ "aio on epoll", ENGINE_AIO, LOOP_EPOLL, false },
	{ "aio on io_uring", ENGINE_AIO, LOOP_URING, false },
	{ "uring", ENGINE_URING, LOOP_URING, false },
	{ "fault over sync", ENGINE_SYNC, LOOP_EPOLL, true },
	{ "fault over aio", ENGINE_AIO, LOOP_EPOLL, true },
	{ "fault over uring", ENGINE_URING, LOOP_URING, true },
};

static const struct engine_row *row;
const char *rig_directory;
const char *rig_small_directory;
unsigned int rig_seed;

int rig_file(const char *directory, int flags)
{
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC | flags, 0600);

	assert_true(fd >= 0);
	return fd;
}

void rig_inject(struct rig *rig, const struct fault_rule *rules,
		unsigned int count)
{
	assert_int_equal(engine_fault_wrap(rig->engine, rules, count,
					   &rig->engine), 0);
}

int rig_setup(void **state)
{
	struct config config = { .engine = row->engine };
	struct rig *rig = calloc(1, sizeof(*rig));

	if (!rig || loop_open(row->loop, 0, &rig->loop) != 0 ||
	    engine_open(&config, rig->loop, &rig->engine) != 0)
		return -1;
	if (row->decorated)
		rig_inject(rig, NULL, 0);
	rig->fd = rig_file(rig_directory, 0);
	*state = rig;
	return 0;
}

int rig_teardown(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig->engine->in_flight, 0);
	assert_null(rig->engine->backlog_head);
	engine_close(rig->engine);
	loop_close(rig->loop);
	close(rig->fd);
	free(rig);
	return 0;
}

static void test_op_done(struct io_op *op)
{
	struct test_op *t = container_of(op, struct test_op, op);

	t->order = ++*t->done_count;
}

void test_op_init(struct test_op *t, enum io_kind kind, int fd, void *buffer,
		  size_t size, uint64_t offset)
{
	memset(t, 0, sizeof(*t));
	t->iov[0].iov_base = buffer;
	t->iov[0].iov_len = size;
	t->op.kind = kind;
	t->op.fd = fd;
	t->op.iov = t->iov;
	t->op.iov_count = 1;
	t->op.offset = offset;
	t->op.done = test_op_done;
}

void rig_run_until(struct rig *rig, const unsigned int *count,
		   unsigned int target)
{
	while (*count < target)
		assert_true(loop_run_once(rig->loop, true) >= 0);
}

void test_op_submit(struct rig *rig, struct test_op *t,
		    unsigned int *done_count)
{
	enum io_status status;

	t->done_count = done_count;
	status = engine_submit(rig->engine, &t->op);
	assert_int_not_equal(status, IO_BUSY);
	if (status == IO_DONE)
		test_op_done(&t->op);
}

ssize_t test_op_run(struct rig *rig, struct test_op *t)
{
	unsigned int done = 0;

	test_op_submit(rig, t, &done);
	rig_run_until(rig, &done, 1);
	assert_int_equal(done, 1);
	return t->op.result;
}

static uint8_t pattern_byte(uint64_t position, unsigned int seed)
{
	uint64_t x = (position + 1) * 0x9e3779b97f4a7c15ULL + seed;

	return (uint8_t)(x >> 32) ^ (uint8_t)x;
}

void pattern_fill(void *buffer, size_t size, uint64_t position,
		  unsigned int seed)
{
	uint8_t *bytes = buffer;
	size_t i;

	for (i = 0; i < size; i++)
		bytes[i] = pattern_byte(position + i, seed);
}

void assert_pattern(const void *buffer, size_t size, uint64_t position,
		    unsigned int seed)
{
	const uint8_t *bytes = buffer;
	size_t i;

	for (i = 0; i < size; i++) {
		if (bytes[i] != pattern_byte(position + i, seed))
			fail_msg("wrong byte at %llu",
				 (unsigned long long)(position + i));
	}
}

/* ---- where io_uring is forbidden; each runs in a child of its own */

static int forbid_io_uring(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int ret;

	if (!filter)
		return -ENOMEM;
	ret = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
			       SCMP_SYS(io_uring_setup), 0);
	if (ret == 0)
		ret = seccomp_load(filter);
	seccomp_release(filter);
	return ret;
}

/* 0: as it should be; else the line that is not. */
static int forbidden_child(void)
{
	struct config config = { .engine = ENGINE_AUTO };
	struct io_engine *engine;
	struct loop *loop;

	if (forbid_io_uring() != 0)
		return 77;
	if (loop_open(LOOP_URING, 0, &loop) != -EPERM)
		return __LINE__ & 0x3f;
	if (loop_open(LOOP_EPOLL, 0, &loop) != 0)
		return __LINE__ & 0x3f;
	if (engine_open(&config, loop, &engine) != 0)
		return __LINE__ & 0x3f;
	if (engine->ops != &engine_aio_ops)
		return __LINE__ & 0x3f;
	engine_close(engine);
	config.engine = ENGINE_URING;
	if (engine_open(&config, loop, &engine) != -ENOSYS)
		return __LINE__ & 0x3f;
	loop_close(loop);
	return 0;
}

static void test_io_uring_forbidden(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(forbidden_child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("no seccomp filters here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Where a ring is to be had, AUTO takes it; and every row has its verbs. */
static void test_choice(void **state)
{
	static const struct io_engine_ops *const all[] = {
		&engine_uring_ops, &engine_aio_ops, &engine_sync_ops,
	};
	struct config config = { .engine = ENGINE_AUTO };
	struct io_engine *engine;
	struct loop *loop;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		assert_non_null(all[i]->name);
		assert_non_null(all[i]->open);
		assert_non_null(all[i]->submit);
		assert_non_null(all[i]->close);
		assert_true(all[i]->flush || (all[i]->flags & IO_SYNC));
	}
	if (loop_open(LOOP_URING, 0, &loop) != 0)
		skip();
	assert_int_equal(engine_open(&config, loop, &engine), 0);
	assert_ptr_equal(engine->ops, &engine_uring_ops);
	engine_close(engine);
	loop_close(loop);
}

/* ---- the machine */

static bool row_missing(void)
{
	struct loop *loop;
	int err = loop_open(row->loop, 0, &loop);

	if (err == 0)
		loop_close(loop);
	if (err != -EPERM && err != -ENOSYS)
		return false;
	fprintf(stderr, "left out: %s (%s)\n", row->name, strerror(-err));
	return true;
}

/* A small tmpfs that only this process sees; it goes with the process. */
static void mount_small(char *path)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", path, "tmpfs", 0, "size=1M") < 0) {
		fprintf(stderr, "left out: a full disk (%s)\n", strerror(errno));
		return;
	}
	rig_small_directory = path;
}

int main(void)
{
	const struct CMUnitTest general[] = {
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_io_uring_forbidden),
	};
	const char *seed = getenv("FERRYFS_SEED"), *tmp = getenv("TMPDIR");
	char small[] = "/tmp/ferryfs-engine-XXXXXX";
	int failed = 0;
	size_t i;

	rig_seed = seed ? (unsigned int)strtoul(seed, NULL, 0) :
			  (unsigned int)getpid();
	printf("FERRYFS_SEED=%u\n", rig_seed);
	rig_directory = tmp ? tmp : "/var/tmp";
	signal(SIGXFSZ, SIG_IGN);
	creds_init(geteuid() == 0, true);
	if (!mkdtemp(small)) {
		perror(small);
		return 1;
	}
	mount_small(small);

	failed += cmocka_run_group_tests_name("any engine", general, NULL,
					      NULL);
	for (i = 0; i < ARRAY_SIZE(engine_rows); i++) {
		row = &engine_rows[i];
		if (row_missing())
			continue;
		failed += engine_basic_tests(row->name);
		failed += engine_error_tests(row->name);
		failed += engine_fault_tests(row->name);
	}
	if (rig_small_directory)
		umount2(small, MNT_DETACH);
	rmdir(small);
	return failed ? 1 : 0;
}
