/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a group of cmocka tests once for each kind of loop. The tests get their
 * loop as *state. A kind that the machine forbids is left out, with a line.
 */
#ifndef FERRYFS_TEST_LOOP_KINDS_H
#define FERRYFS_TEST_LOOP_KINDS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "loop.h"
#include "util.h"

static const struct loop_kind_row {
	const char *name;
	enum loop_kind kind;
	unsigned int poll_us;
} loop_kind_rows[] = {
	{ "epoll", LOOP_EPOLL, 0 },
	{ "epoll, spinning", LOOP_EPOLL, 50 },
	{ "io_uring", LOOP_URING, 0 },
	{ "io_uring, spinning", LOOP_URING, 50 },
};

/* The row under test. */
static const struct loop_kind_row *loop_kind;

static int loop_kind_setup(void **state)
{
	struct loop *loop;
	int err = loop_open(loop_kind->kind, loop_kind->poll_us, &loop);

	if (err) {
		fprintf(stderr, "loop_open: %s\n", strerror(-err));
		return -1;
	}
	*state = loop;
	return 0;
}

static int loop_kind_teardown(void **state)
{
	loop_close(*state);
	return 0;
}

static bool loop_kind_missing(void)
{
	struct loop *loop;
	int err = loop_open(loop_kind->kind, 0, &loop);

	if (err == 0)
		loop_close(loop);
	if (err != -EPERM && err != -ENOSYS)
		return false;
	fprintf(stderr, "left out: %s (%s)\n", loop_kind->name, strerror(-err));
	return true;
}

#define LOOP_TEST(name) \
	cmocka_unit_test_setup_teardown(name, loop_kind_setup, \
					loop_kind_teardown)

#define LOOP_KINDS_RUN(tests) \
	({ \
		int failed_ = 0; \
		size_t row_; \
		for (row_ = 0; row_ < ARRAY_SIZE(loop_kind_rows); row_++) { \
			loop_kind = &loop_kind_rows[row_]; \
			if (!loop_kind_missing()) \
				failed_ += cmocka_run_group_tests_name( \
					loop_kind->name, tests, NULL, NULL); \
		} \
		failed_ ? 1 : 0; \
	})

#endif
