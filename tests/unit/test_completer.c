/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In which context a reply is delivered. A "stuck" delivery here waits for the
 * delivery of another request, as a READ's completion waits for a WRITE's in Linux
 * commit bb737bbe48be.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "completer.h"
#include "request.h"
#include "stats.h"
#include "util.h"

#define REQUESTS 500

static struct stats_queue stats;
static struct queue queue = { .stats = &stats };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool write_delivered;
static bool read_entered;
static int delivered[REQUESTS];
static int delivered_count;
static pthread_t deliverer;

static struct request *make_request(uint64_t unique, bool may_block)
{
	struct request *req = calloc(1, sizeof(*req));

	req->queue = &queue;
	req->in.unique = unique;
	req->completion.may_block = may_block;
	return req;
}

static void record(struct request *req)
{
	pthread_mutex_lock(&lock);
	delivered[delivered_count++] = (int)req->in.unique;
	deliverer = pthread_self();
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	free(req);
}

static void deliver_write(struct request *req)
{
	pthread_mutex_lock(&lock);
	write_delivered = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	free(req);
}

static void deliver_read(struct request *req)
{
	pthread_mutex_lock(&lock);
	read_entered = true;
	pthread_cond_broadcast(&changed);
	while (!write_delivered)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	free(req);
}

static int reset(void **state)
{
	(void)state;
	delivered_count = 0;
	write_delivered = false;
	read_entered = false;
	memset(&stats, 0, sizeof(stats));
	return 0;
}

static void parallel_delivers_at_once(void **state)
{
	struct completer completer;

	(void)state;
	assert_int_equal(completer_open(&completer, COMPLETION_PARALLEL,
					MAY_BLOCK_WORKER), 0);
	completer_run(&completer, make_request(1, false), record);
	assert_int_equal(delivered_count, 1);
	assert_true(pthread_equal(deliverer, pthread_self()));
	completer_close(&completer);
}

static void serialized_keeps_the_order(void **state)
{
	struct completer completer;
	int i;

	(void)state;
	assert_int_equal(completer_open(&completer, COMPLETION_SERIALIZED,
					MAY_BLOCK_WORKER), 0);
	for (i = 0; i < REQUESTS; i++)
		completer_run(&completer, make_request((uint64_t)i, false),
			      record);
	completer_close(&completer);
	assert_int_equal(delivered_count, REQUESTS);
	for (i = 0; i < REQUESTS; i++)
		assert_int_equal(delivered[i], i);
	assert_false(pthread_equal(deliverer, pthread_self()));
}

/* READ first, then the WRITE that releases it: passes only if READ is apart. */
static void may_block_frees_the_others(enum completion_policy policy)
{
	struct completer completer;

	assert_int_equal(completer_open(&completer, policy, MAY_BLOCK_WORKER),
			 0);
	completer_run(&completer, make_request(1, true), deliver_read);
	completer_run(&completer, make_request(2, true), deliver_read);
	completer_run(&completer, make_request(3, false), deliver_write);
	completer_close(&completer);
	assert_true(write_delivered);
	assert_int_equal(stats.may_block, 2);
}

static void may_block_apart_in_parallel(void **state)
{
	(void)state;
	may_block_frees_the_others(COMPLETION_PARALLEL);
}

static void may_block_apart_in_serialized(void **state)
{
	(void)state;
	may_block_frees_the_others(COMPLETION_SERIALIZED);
}

/* may_block=off shows what happens otherwise: the WRITE waits behind the READ. */
static void off_holds_up_the_queue(void **state)
{
	struct completer completer;

	(void)state;
	assert_int_equal(completer_open(&completer, COMPLETION_SERIALIZED,
					MAY_BLOCK_OFF), 0);
	completer_run(&completer, make_request(1, true), deliver_read);
	pthread_mutex_lock(&lock);
	while (!read_entered)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	completer_run(&completer, make_request(2, false), record);
	pthread_mutex_lock(&lock);
	assert_int_equal(delivered_count, 0);
	/* Only help from outside ends it. */
	write_delivered = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	completer_close(&completer);
	assert_int_equal(delivered_count, 1);
	assert_int_equal(stats.may_block, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(parallel_delivers_at_once, reset),
		cmocka_unit_test_setup(serialized_keeps_the_order, reset),
		cmocka_unit_test_setup(may_block_apart_in_parallel, reset),
		cmocka_unit_test_setup(may_block_apart_in_serialized, reset),
		cmocka_unit_test_setup(off_holds_up_the_queue, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
