/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The workqueue's rules on real threads: order, non-reentrancy by address and
 * function, unbounded queues that never wait for a stuck item, flush and cancel.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util.h"
#include "workqueue.h"

#define ITEMS 2000

struct numbered {
	struct work work;
	int number;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int order[ITEMS];
static int order_count;
static int arrived;
static bool released;

static void reset(void)
{
	order_count = 0;
	arrived = 0;
	released = false;
}

static void record(struct work *work)
{
	struct numbered *item = container_of(work, struct numbered, work);

	pthread_mutex_lock(&lock);
	order[order_count++] = item->number;
	pthread_mutex_unlock(&lock);
}

static void record_and_free(struct work *work)
{
	record(work);
	free(container_of(work, struct numbered, work));
}

/* Stays until everybody is let go. */
static void block(struct work *work)
{
	(void)work;
	pthread_mutex_lock(&lock);
	arrived++;
	pthread_cond_broadcast(&changed);
	while (!released)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static void wait_arrived(int count)
{
	pthread_mutex_lock(&lock);
	while (arrived < count)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static void release(void)
{
	pthread_mutex_lock(&lock);
	released = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void ordered_runs_in_order(void **state)
{
	struct workqueue *queue;
	int i;

	(void)state;
	reset();
	assert_int_equal(workqueue_create("test", 1, &queue), 0);
	for (i = 0; i < ITEMS; i++) {
		struct numbered *item = malloc(sizeof(*item));

		work_init(&item->work, record_and_free);
		item->number = i;
		assert_true(workqueue_queue(queue, &item->work));
	}
	workqueue_flush(queue);
	assert_int_equal(order_count, ITEMS);
	for (i = 0; i < ITEMS; i++)
		assert_int_equal(order[i], i);
	assert_int_equal(workqueue_thread_count(queue), 1);
	workqueue_destroy(queue);
}

/* A stuck item holds up no other: every one gets a thread. */
static void unbounded_never_waits(void **state)
{
	struct work stuck[8];
	struct numbered free_item = { .number = 7 };
	struct workqueue *queue;
	size_t i;

	(void)state;
	reset();
	assert_int_equal(workqueue_create("test", 0, &queue), 0);
	for (i = 0; i < ARRAY_SIZE(stuck); i++) {
		work_init(&stuck[i], block);
		workqueue_queue(queue, &stuck[i]);
	}
	wait_arrived(ARRAY_SIZE(stuck));
	work_init(&free_item.work, record);
	workqueue_queue(queue, &free_item.work);
	workqueue_cancel_sync(queue, &free_item.work);
	release();
	workqueue_flush(queue);
	workqueue_destroy(queue);
}

static void pending_is_not_queued_twice(void **state)
{
	struct work blocker;
	struct numbered item = { .number = 1 };
	struct workqueue *queue;

	(void)state;
	reset();
	assert_int_equal(workqueue_create("test", 1, &queue), 0);
	work_init(&blocker, block);
	workqueue_queue(queue, &blocker);
	wait_arrived(1);
	work_init(&item.work, record);
	assert_true(workqueue_queue(queue, &item.work));
	assert_false(workqueue_queue(queue, &item.work));
	release();
	workqueue_flush(queue);
	assert_int_equal(order_count, 1);
	workqueue_destroy(queue);
}

static atomic_int inside;
static atomic_int runs;
static atomic_bool overlapped;

static void not_reentrant(struct work *work)
{
	(void)work;
	if (atomic_fetch_add(&inside, 1))
		overlapped = true;
	atomic_fetch_add(&runs, 1);
	atomic_fetch_sub(&inside, 1);
}

static struct workqueue *hammered;
static struct work hammer_work;

static void *hammer(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < ITEMS; i++)
		workqueue_queue(hammered, &hammer_work);
	return NULL;
}

static void item_runs_on_one_thread_at_a_time(void **state)
{
	pthread_t threads[4];
	size_t i;

	(void)state;
	assert_int_equal(workqueue_create("test", 0, &hammered), 0);
	work_init(&hammer_work, not_reentrant);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, NULL),
				 0);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	workqueue_flush(hammered);
	assert_false(overlapped);
	assert_true(runs > 0);
	workqueue_destroy(hammered);
}

/*
 * An item whose memory was freed and used again for another function while its
 * worker still runs is another item: it must not wait for the first (Linux
 * c495dcd6fbe1).
 */
static void recycled_memory_is_another_item(void **state)
{
	struct numbered item = { .number = 3 };
	struct workqueue *queue;

	(void)state;
	reset();
	assert_int_equal(workqueue_create("test", 0, &queue), 0);
	work_init(&item.work, block);
	workqueue_queue(queue, &item.work);
	wait_arrived(1);
	work_init(&item.work, record);
	workqueue_queue(queue, &item.work);
	pthread_mutex_lock(&lock);
	while (!order_count) {
		pthread_mutex_unlock(&lock);
		sched_yield();
		pthread_mutex_lock(&lock);
	}
	pthread_mutex_unlock(&lock);
	release();
	workqueue_destroy(queue);
	assert_int_equal(order[0], 3);
}

static void cancel_takes_out_pending(void **state)
{
	struct work blocker;
	struct numbered item = { .number = 1 };
	struct workqueue *queue;

	(void)state;
	reset();
	assert_int_equal(workqueue_create("test", 1, &queue), 0);
	work_init(&blocker, block);
	workqueue_queue(queue, &blocker);
	wait_arrived(1);
	work_init(&item.work, record);
	workqueue_queue(queue, &item.work);
	assert_true(workqueue_cancel_sync(queue, &item.work));
	assert_false(workqueue_cancel_sync(queue, &item.work));
	release();
	workqueue_destroy(queue);
	assert_int_equal(order_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordered_runs_in_order),
		cmocka_unit_test(unbounded_never_waits),
		cmocka_unit_test(pending_is_not_queued_twice),
		cmocka_unit_test(item_runs_on_one_thread_at_a_time),
		cmocka_unit_test(recycled_memory_is_another_item),
		cmocka_unit_test(cancel_takes_out_pending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
