/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Nth transfer fails, is shortened, delayed or reordered, N = 1, 2, 3 ...
 * until no rule is met any more: whatever is reported as written is in the file,
 * and whatever is reported as read is what the file holds.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "contract.h"

#define BLOCKS 8U
#define BLOCK 3000U
#define ROUNDS_MAX 200U

/*
 * Writes all blocks at once, fsyncs, reads them back. Checks that each result is
 * what it can be; true if everything came in full.
 */
static bool blocks_round_trip(struct rig *rig, int error)
{
	static uint8_t data[BLOCKS][BLOCK], check[BLOCK];
	struct test_op t[BLOCKS + 1];
	unsigned int done = 0, i;
	size_t written[BLOCKS];
	bool complete = true;

	for (i = 0; i < BLOCKS; i++) {
		pattern_fill(data[i], BLOCK, i * BLOCK, rig_seed);
		test_op_init(&t[i], IO_WRITE, rig->fd, data[i], BLOCK,
			     i * BLOCK);
		test_op_submit(rig, &t[i], &done);
	}
	test_op_init(&t[BLOCKS], IO_FSYNC, rig->fd, NULL, 0, 0);
	test_op_submit(rig, &t[BLOCKS], &done);
	rig_run_until(rig, &done, BLOCKS + 1);
	if (t[BLOCKS].op.result != 0) {
		assert_int_equal(t[BLOCKS].op.result, -error);
		complete = false;
	}
	for (i = 0; i < BLOCKS; i++) {
		ssize_t n = t[i].op.result;

		if (n < 0)
			assert_int_equal(n, -error);
		if (n != BLOCK)
			complete = false;
		written[i] = n < 0 ? 0 : (size_t)n;
		assert_int_equal(pread(rig->fd, check, written[i],
				       i * BLOCK), written[i]);
		assert_pattern(check, written[i], i * BLOCK, rig_seed);
	}
	/* The file in full, so that a short read is the engine's doing. */
	for (i = 0; i < BLOCKS; i++) {
		pattern_fill(data[i], BLOCK, i * BLOCK, rig_seed);
		assert_int_equal(pwrite(rig->fd, data[i], BLOCK, i * BLOCK),
				 BLOCK);
	}
	memset(data, 0, sizeof(data));
	for (i = 0, done = 0; i < BLOCKS; i++) {
		test_op_init(&t[i], IO_READ, rig->fd, data[i], BLOCK,
			     i * BLOCK);
		test_op_submit(rig, &t[i], &done);
	}
	rig_run_until(rig, &done, BLOCKS);
	for (i = 0; i < BLOCKS; i++) {
		ssize_t n = t[i].op.result;

		if (n < 0)
			assert_int_equal(n, -error);
		if (n != BLOCK)
			complete = false;
		assert_pattern(data[i], n < 0 ? 0 : (size_t)n, i * BLOCK,
			       rig_seed);
	}
	return complete;
}

/* RULE for every N until it is not met any more. */
static void each_nth(struct rig *rig, struct fault_rule rule, bool transparent)
{
	struct io_engine *plain = rig->engine;
	bool complete = false;

	rule.any_kind = true;
	for (rule.nth = 1; !complete && rule.nth < ROUNDS_MAX; rule.nth++) {
		/* The decorator closes what it decorates: a fresh one each. */
		struct rig inner = *rig;
		struct config config = { .engine = ENGINE_SYNC };

		if (plain->ops == &engine_uring_ops)
			config.engine = ENGINE_URING;
		else if (plain->ops == &engine_aio_ops)
			config.engine = ENGINE_AIO;
		assert_int_equal(engine_open(&config, rig->loop,
					     &inner.engine), 0);
		assert_int_equal(ftruncate(rig->fd, 0), 0);
		rig_inject(&inner, &rule, 1);
		complete = blocks_round_trip(&inner, rule.error);
		assert_int_equal(inner.engine->in_flight, 0);
		engine_close(inner.engine);
		if (transparent) {
			assert_true(complete);
			complete = rule.nth > 2 * BLOCKS + 1;
		} else {
			assert_true(complete || rule.nth <= 2 * BLOCKS + 1);
		}
	}
	assert_true(complete);
}

static void test_fail_nth(void **state)
{
	const struct fault_rule rule = { .action = FAULT_ERROR, .error = EIO };

	each_nth(*state, rule, false);
}

static void test_fail_from_nth(void **state)
{
	const struct fault_rule rule = { .action = FAULT_ERROR,
					 .error = ENOSPC,
					 .persistent = true };

	each_nth(*state, rule, false);
}

/* EINTR once is nobody's business. */
static void test_interrupt_nth(void **state)
{
	const struct fault_rule rule = { .action = FAULT_ERROR,
					 .error = EINTR };

	each_nth(*state, rule, true);
}

static void test_shorten(void **state)
{
	struct fault_rule rule = { .action = FAULT_SHORT, .persistent = true };

	rule.short_bytes = 100 + rig_seed % 500;
	each_nth(*state, rule, true);
}

static void test_delay(void **state)
{
	const struct fault_rule rule = { .action = FAULT_DELAY,
					 .delay_ns = NSEC_PER_MSEC };

	each_nth(*state, rule, true);
}

static void test_reorder(void **state)
{
	const struct fault_rule rule = { .action = FAULT_REORDER };

	each_nth(*state, rule, true);
}

/* For ever is bounded: the error comes through in the end. */
static void test_interrupt_for_ever(void **state)
{
	struct rig *rig = *state;
	const struct fault_rule rule = { .any_kind = true,
					 .nth = 1,
					 .persistent = true,
					 .action = FAULT_ERROR,
					 .error = EAGAIN };
	char byte = 1;
	struct test_op t;

	rig_inject(rig, &rule, 1);
	test_op_init(&t, IO_WRITE, rig->fd, &byte, 1, 0);
	assert_int_equal(test_op_run(rig, &t), -EAGAIN);
}

/* An error after some bytes gives the bytes. */
static void test_error_after_bytes(void **state)
{
	struct rig *rig = *state;
	const struct fault_rule rules[] = {
		{ .kind = IO_WRITE, .nth = 1, .action = FAULT_SHORT,
		  .short_bytes = 700 },
		{ .kind = IO_WRITE, .nth = 2, .action = FAULT_ERROR,
		  .error = ENOSPC },
	};
	uint8_t data[2000], check[2000];
	struct test_op t;

	rig_inject(rig, rules, ARRAY_SIZE(rules));
	pattern_fill(data, sizeof(data), 0, rig_seed);
	test_op_init(&t, IO_WRITE, rig->fd, data, sizeof(data), 0);
	assert_int_equal(test_op_run(rig, &t), 700);
	assert_int_equal(pread(rig->fd, check, sizeof(check), 0), 700);
	assert_pattern(check, 700, 0, rig_seed);
}

/* The first is held until the second has ended. */
static void test_reorder_order(void **state)
{
	struct rig *rig = *state;
	const struct fault_rule rule = { .kind = IO_WRITE, .nth = 1,
					 .action = FAULT_REORDER };
	struct test_op t[2];
	unsigned int done = 0;

	rig_inject(rig, &rule, 1);
	test_op_init(&t[0], IO_WRITE, rig->fd, (char[]){ "a" }, 1, 0);
	test_op_init(&t[1], IO_FSYNC, rig->fd, NULL, 0, 0);
	test_op_submit(rig, &t[0], &done);
	assert_int_equal(done, 0);
	test_op_submit(rig, &t[1], &done);
	rig_run_until(rig, &done, 2);
	assert_int_equal(t[1].order, 1);
	assert_int_equal(t[0].order, 2);
	assert_int_equal(t[0].op.result, 1);
}

/* Delayed and held ones can be cancelled, and nothing reaches the file. */
static void test_cancel_held(void **state)
{
	struct rig *rig = *state;
	const struct fault_rule rules[] = {
		{ .kind = IO_WRITE, .nth = 1, .action = FAULT_REORDER },
		{ .kind = IO_WRITE, .nth = 2, .action = FAULT_DELAY,
		  .delay_ns = 1000 * NSEC_PER_SEC },
	};
	struct test_op t[2];
	unsigned int done = 0, i;

	rig_inject(rig, rules, ARRAY_SIZE(rules));
	for (i = 0; i < 2; i++) {
		test_op_init(&t[i], IO_WRITE, rig->fd, (char[]){ "a" }, 1, 0);
		test_op_submit(rig, &t[i], &done);
	}
	for (i = 0; i < 2; i++)
		engine_cancel(rig->engine, &t[i].op);
	assert_int_equal(done, 0);
	rig_run_until(rig, &done, 2);
	for (i = 0; i < 2; i++)
		assert_int_equal(t[i].op.result, -ECANCELED);
	assert_int_equal(lseek(rig->fd, 0, SEEK_END), 0);
}

int engine_fault_tests(const char *name)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_fail_nth),
		RIG_TEST(test_fail_from_nth),
		RIG_TEST(test_interrupt_nth),
		RIG_TEST(test_shorten),
		RIG_TEST(test_delay),
		RIG_TEST(test_reorder),
		RIG_TEST(test_interrupt_for_ever),
		RIG_TEST(test_error_after_bytes),
		RIG_TEST(test_reorder_order),
		RIG_TEST(test_cancel_held),
	};

	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
