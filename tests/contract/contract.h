/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract of struct io_engine_ops, as a suite that every engine passes.
 * engine.c has the table of engines: a new row inherits everything.
 */
#ifndef FERRYFS_TEST_CONTRACT_H
#define FERRYFS_TEST_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"
#include "util.h"

/* One engine, one loop, one file: what each test begins with. */
struct rig {
	struct loop *loop;
	struct io_engine *engine;
	int fd;			/* an empty file, unlinked */
};

/* An operation of a test, with an iovec of its own. */
struct test_op {
	struct io_op op;
	struct iovec iov[8];
	unsigned int *done_count;
	unsigned int order;	/* of ending, from 1 */
};

/* A directory on the file system under test, and one that holds 1 MiB. */
extern const char *rig_directory;
extern const char *rig_small_directory;	/* NULL: cannot be made here */
extern unsigned int rig_seed;

int rig_setup(void **state);
int rig_teardown(void **state);
/* An empty file in DIRECTORY, unlinked already. */
int rig_file(const char *directory, int flags);
/* Puts a decorator with these rules before the rig's engine, until teardown. */
void rig_inject(struct rig *rig, const struct fault_rule *rules,
		unsigned int count);

/* Fills op for one buffer; more can be put into its iov. */
void test_op_init(struct test_op *t, enum io_kind kind, int fd, void *buffer,
		  size_t size, uint64_t offset);
/* Submits and, if it was queued, runs the loop until it is done. */
ssize_t test_op_run(struct rig *rig, struct test_op *t);
/* Submits: counts in *done_count at once if it is done at once. */
void test_op_submit(struct rig *rig, struct test_op *t,
		    unsigned int *done_count);
void rig_run_until(struct rig *rig, const unsigned int *count,
		   unsigned int target);

/* Bytes that tell their position and SEED. */
void pattern_fill(void *buffer, size_t size, uint64_t position,
		  unsigned int seed);
void assert_pattern(const void *buffer, size_t size, uint64_t position,
		    unsigned int seed);

/* Each runs one group for the engine under test: the number of failures. */
int engine_basic_tests(const char *name);
int engine_error_tests(const char *name);
int engine_fault_tests(const char *name);

#define RIG_TEST(name) \
	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

#endif
