/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writeback against a naive list of all operations, over seeded random sequences
 * with a loop that only queues; and from several threads, where what a HOLD
 * covers is touched without any other lock.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util.h"
#include "writeback.h"

#define OPS 60
#define STEPS 40000
#define SPACE 64U
#define THREADS 4
#define THREAD_OPS 8
#define THREAD_STEPS 20000

/* In place of the real loop. */
struct loop {
	pthread_mutex_t lock;
	pthread_cond_t posted;
	struct loop_task *first, **end;
};

static unsigned int seed = 1;

static unsigned int pick(unsigned int below)
{
	return (unsigned int)rand_r(&seed) % below;
}

static void fake_loop_init(struct loop *loop)
{
	pthread_mutex_init(&loop->lock, NULL);
	pthread_cond_init(&loop->posted, NULL);
	loop->first = NULL;
	loop->end = &loop->first;
}

void loop_post(struct loop *loop, struct loop_task *task)
{
	pthread_mutex_lock(&loop->lock);
	task->next = NULL;
	*loop->end = task;
	loop->end = &task->next;
	pthread_cond_signal(&loop->posted);
	pthread_mutex_unlock(&loop->lock);
}

/* Runs one task; waits for it if WAIT. */
static bool fake_loop_run(struct loop *loop, bool wait)
{
	struct loop_task *task;

	pthread_mutex_lock(&loop->lock);
	while (wait && !loop->first)
		pthread_cond_wait(&loop->posted, &loop->lock);
	task = loop->first;
	if (task) {
		loop->first = task->next;
		if (!loop->first)
			loop->end = &loop->first;
	}
	pthread_mutex_unlock(&loop->lock);
	if (task)
		task->run(task);
	return task != NULL;
}

/* An operation and what the model knows of it. */
struct model_op {
	struct writeback_op op;
	uint64_t arrival;
	bool alive;			/* arrived, not ended or passed */
	bool granted;
};

static void model_granted(struct writeback_op *op)
{
	struct model_op *m = container_of(op, struct model_op, op);

	assert_true(m->alive);
	assert_false(m->granted);
	m->granted = true;
}

/* The rule itself: no earlier HOLD that overlaps is still there. */
static bool model_may_go(const struct model_op *all, const struct model_op *m)
{
	int i;

	for (i = 0; i < OPS; i++)
		if (all[i].alive && all[i].arrival < m->arrival &&
		    all[i].op.kind == WRITEBACK_HOLD &&
		    all[i].op.range.start < m->op.range.end &&
		    m->op.range.start < all[i].op.range.end)
			return false;
	return true;
}

static void model_check(struct model_op *all)
{
	int i;

	for (i = 0; i < OPS; i++) {
		if (!all[i].alive)
			continue;
		assert_int_equal(all[i].granted, model_may_go(all, &all[i]));
		if (all[i].granted && all[i].op.kind == WRITEBACK_PASS)
			all[i].alive = false;
	}
}

static void model_begin(struct writeback_slot *slot, struct model_op *all,
			struct model_op *m, struct loop *loop)
{
	static uint64_t arrival;

	m->op.kind = pick(3) ? WRITEBACK_HOLD : WRITEBACK_PASS;
	m->op.range.start = pick(SPACE);
	m->op.range.end = pick(20) ? m->op.range.start + 1 + pick(8) :
				     UINT64_MAX;
	m->op.loop = loop;
	m->op.granted = model_granted;
	m->arrival = arrival++;
	m->alive = true;
	m->granted = false;
	switch (writeback_begin(slot, &m->op)) {
	case 1:
		assert_true(model_may_go(all, m));
		m->granted = true;
		break;
	case 0:
		assert_false(model_may_go(all, m));
		break;
	default:
		fail();
	}
}

static void as_a_naive_list(void **state)
{
	static struct model_op all[OPS];
	struct writeback_slot slot = { NULL };
	struct loop loop;
	struct model_op *m;
	int step, i;

	(void)state;
	fake_loop_init(&loop);
	for (step = 0; step < STEPS; step++) {
		m = &all[pick(step / 5000 % 2 ? 8 : OPS)];
		if (!m->alive) {
			model_begin(&slot, all, m, &loop);
		} else if (m->granted && m->op.kind == WRITEBACK_HOLD) {
			m->alive = false;
			writeback_end(&slot, &m->op);
		}
		while (fake_loop_run(&loop, false))
			;
		model_check(all);
		assert_true(writeback_check(&slot));
	}
	/* Whatever waits gets its turn when those before it end. */
	for (step = 0; step < OPS; step++) {
		for (i = 0; i < OPS; i++) {
			if (!all[i].alive || !all[i].granted)
				continue;
			all[i].alive = false;
			writeback_end(&slot, &all[i].op);
			while (fake_loop_run(&loop, false))
				;
			model_check(all);
		}
	}
	for (i = 0; i < OPS; i++)
		assert_false(all[i].alive);
	assert_false(writeback_busy(&slot));
}

static void set_op(struct model_op *m, enum writeback_kind kind, uint64_t start,
		   uint64_t end, struct loop *loop)
{
	m->op.kind = kind;
	m->op.range.start = start;
	m->op.range.end = end;
	m->op.loop = loop;
	m->op.granted = model_granted;
	m->alive = true;
	m->granted = false;
}

/* A reader that waits for one write is not held up by those that come later. */
static void later_writes_delay_nobody(void **state)
{
	struct model_op first = { 0 }, later = { 0 }, reader = { 0 };
	struct writeback_slot slot = { NULL };
	struct loop loop;

	(void)state;
	fake_loop_init(&loop);
	set_op(&first, WRITEBACK_HOLD, 0, 10, &loop);
	set_op(&reader, WRITEBACK_PASS, 5, 30, &loop);
	set_op(&later, WRITEBACK_HOLD, 20, 25, &loop);
	assert_int_equal(writeback_begin(&slot, &first.op), 1);
	assert_int_equal(writeback_begin(&slot, &reader.op), 0);
	assert_int_equal(writeback_begin(&slot, &later.op), 1);
	writeback_end(&slot, &first.op);
	assert_true(fake_loop_run(&loop, false));
	assert_true(reader.granted);
	assert_true(writeback_busy(&slot));
	writeback_end(&slot, &later.op);
	assert_false(writeback_busy(&slot));
}

static void empty_ranges_wait_for_nothing(void **state)
{
	struct model_op first = { 0 }, empty = { 0 };
	struct writeback_slot slot = { NULL };

	(void)state;
	set_op(&first, WRITEBACK_HOLD, 0, UINT64_MAX, NULL);
	assert_int_equal(writeback_begin(&slot, &first.op), 1);
	set_op(&empty, WRITEBACK_PASS, 5, 5, NULL);
	assert_int_equal(writeback_begin(&slot, &empty.op), 1);
	set_op(&empty, WRITEBACK_HOLD, 5, 5, NULL);
	assert_int_equal(writeback_begin(&slot, &empty.op), 1);
	writeback_end(&slot, &empty.op);
	writeback_end(&slot, &first.op);
	assert_false(writeback_busy(&slot));
}

struct worker {
	pthread_t thread;
	struct loop loop;
	struct writeback_slot *slot;
	unsigned int *cells;
	unsigned int seed;
	unsigned int waiting;
	uint64_t touched;
};

struct worker_op {
	struct writeback_op op;
	struct worker *worker;
	bool busy;
};

static void worker_granted(struct writeback_op *op)
{
	struct worker_op *w = container_of(op, struct worker_op, op);
	uint64_t i;

	if (op->kind == WRITEBACK_HOLD) {
		for (i = op->range.start; i < op->range.end; i++) {
			w->worker->cells[i]++;
			w->worker->touched++;
		}
		writeback_end(w->worker->slot, op);
	}
	w->busy = false;
	w->worker->waiting--;
}

static void worker_start(struct worker *worker, struct worker_op *w)
{
	w->worker = worker;
	w->busy = true;
	worker->waiting++;
	w->op.kind = rand_r(&worker->seed) % 4 ? WRITEBACK_HOLD :
						 WRITEBACK_PASS;
	w->op.range.start = (unsigned int)rand_r(&worker->seed) % (SPACE - 8);
	w->op.range.end = w->op.range.start + 1 +
			  (unsigned int)rand_r(&worker->seed) % 8;
	w->op.loop = &worker->loop;
	w->op.granted = worker_granted;
	if (writeback_begin(worker->slot, &w->op) == 1)
		worker_granted(&w->op);
}

static void *worker_run(void *arg)
{
	struct worker_op ops[THREAD_OPS] = { 0 };
	struct worker *worker = arg;
	int step, i;

	for (step = 0; step < THREAD_STEPS; step++) {
		while (fake_loop_run(&worker->loop,
				     worker->waiting == THREAD_OPS))
			;
		for (i = 0; ops[i].busy; i++)
			;
		worker_start(worker, &ops[i]);
	}
	while (worker->waiting)
		fake_loop_run(&worker->loop, true);
	return NULL;
}

static void threads_exclude_each_other(void **state)
{
	static struct worker workers[THREADS];
	unsigned int cells[SPACE] = { 0 };
	struct writeback_slot slot = { NULL };
	uint64_t touched = 0, sum = 0;
	unsigned int i;

	(void)state;
	for (i = 0; i < THREADS; i++) {
		fake_loop_init(&workers[i].loop);
		workers[i].slot = &slot;
		workers[i].cells = cells;
		workers[i].seed = seed + i;
		assert_int_equal(pthread_create(&workers[i].thread, NULL,
						worker_run, &workers[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		touched += workers[i].touched;
	}
	for (i = 0; i < SPACE; i++)
		sum += cells[i];
	assert_int_equal(sum, touched);
	assert_false(writeback_busy(&slot));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_a_naive_list),
		cmocka_unit_test(later_writes_delay_nobody),
		cmocka_unit_test(empty_ranges_wait_for_nothing),
		cmocka_unit_test(threads_exclude_each_other),
	};
	const char *text = getenv("FERRYFS_SEED");

	if (text)
		seed = (unsigned int)strtoul(text, NULL, 0);
	printf("FERRYFS_SEED=%u\n", seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
