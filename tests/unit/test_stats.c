/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters and their JSON. The tables of inodes and handles are stood in for by
 * numbers: only their totals are printed. FERRYFS_SEED chooses the random sequence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <json.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handle.h"
#include "inode.h"
#include "session.h"
#include "stats.h"
#include "transport.h"
#include "util.h"

#define QUEUES 3U
#define THREADS 4
#define REQUESTS_EACH 10000

void inode_table_get_stats(struct inode_table *table,
			   struct inode_table_stats *ret)
{
	(void)table;
	memset(ret, 0, sizeof(*ret));
	ret->inodes = 17;
	ret->fds = 5;
	ret->fds_max = 100;
}

unsigned int handle_count(struct handle_table *table)
{
	(void)table;
	return 3;
}

static uint64_t seed(void)
{
	const char *text = getenv("FERRYFS_SEED");
	uint64_t value = text ? strtoull(text, NULL, 0) : now_ns();

	print_message("FERRYFS_SEED=%llu\n", (unsigned long long)value);
	return value;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* What stats_sum() should say, counted the slow way. */
struct model {
	uint64_t requests[STATS_OPCODES];
	uint64_t errors[STATS_OPCODES];
	uint64_t by_errno[STATS_ERRNOS];
	uint64_t latency[STATS_OPCODES][STATS_LATENCY_BUCKETS];
	uint64_t total;
};

static unsigned int model_bucket(uint64_t latency_ns)
{
	uint64_t us = latency_ns / 1000;
	unsigned int n = 0;

	while (n < STATS_LATENCY_BUCKETS - 1 && us >= 1ULL << n)
		n++;
	return n;
}

static void model_request(struct model *model, uint32_t opcode, int error,
			  uint64_t latency_ns)
{
	uint32_t row = opcode < STATS_OPCODES ? opcode : 0;

	model->requests[row]++;
	model->latency[row][model_bucket(latency_ns)]++;
	model->total++;
	if (error) {
		int number = error < 0 ? -error : error;

		model->errors[row]++;
		model->by_errno[number < (int)STATS_ERRNOS ? number : 0]++;
	}
}

static void test_sum(void **state)
{
	static struct model model;
	static struct stats_total total;
	struct stats *stats;
	uint64_t random = seed() | 1;

	(void)state;
	assert_int_equal(stats_create(QUEUES, &stats), 0);
	for (int i = 0; i < 20000; i++) {
		uint32_t opcode = (uint32_t)(next_random(&random) % 70);
		int error = -(int)(next_random(&random) % 200);
		uint64_t latency_ns = next_random(&random) >>
				      (next_random(&random) % 64);

		if (next_random(&random) % 2)
			error = 0;
		stats_request(stats_queue(stats, (unsigned int)i % QUEUES),
			      opcode, error, latency_ns);
		model_request(&model, opcode, error, latency_ns);
	}
	stats_sum(stats, &total);
	for (unsigned int i = 0; i < STATS_OPCODES; i++) {
		assert_true(total.op[i].requests == model.requests[i]);
		assert_true(total.op[i].errors == model.errors[i]);
		assert_memory_equal(total.op[i].latency, model.latency[i],
				    sizeof(model.latency[i]));
	}
	assert_memory_equal(total.errors_by_errno, model.by_errno,
			    sizeof(model.by_errno));
	assert_true(stats_total_requests(stats) == model.total);
	stats_destroy(stats);
}

/* The percentile of what 1000 requests of known latency make. */
static void test_percentile(void **state)
{
	uint64_t latency[STATS_LATENCY_BUCKETS] = { 0 };

	(void)state;
	assert_int_equal(stats_percentile_us(latency, 500), 0);
	latency[3] = 989;
	latency[7] = 11;
	assert_int_equal(stats_percentile_us(latency, 500), 8);
	assert_int_equal(stats_percentile_us(latency, 989), 8);
	assert_int_equal(stats_percentile_us(latency, 990), 128);
	assert_int_equal(stats_percentile_us(latency, 1000), 128);
	memset(latency, 0, sizeof(latency));
	latency[STATS_LATENCY_BUCKETS - 1] = UINT64_MAX / 4;
	assert_true(stats_percentile_us(latency, 990) ==
		    1ULL << (STATS_LATENCY_BUCKETS - 1));
	memset(latency, 0, sizeof(latency));
	latency[0] = 1;
	assert_int_equal(stats_percentile_us(latency, 1), 1);
}

static void *count_main(void *data)
{
	struct stats_queue *queue = data;

	for (int i = 0; i < REQUESTS_EACH; i++) {
		stats_request(queue, FUSE_LOOKUP, i % 10 ? 0 : -ENOENT, 1500);
		atomic_fetch_add_explicit(&queue->bytes_read, 7,
					  memory_order_relaxed);
	}
	return NULL;
}

/* Replies of one queue come from several threads. */
static void test_threads(void **state)
{
	static struct stats_total total;
	pthread_t threads[THREADS];
	struct stats *stats;

	(void)state;
	assert_int_equal(stats_create(1, &stats), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_main,
						stats_queue(stats, 0)), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	stats_sum(stats, &total);
	assert_int_equal(total.op[FUSE_LOOKUP].requests,
			 THREADS * REQUESTS_EACH);
	assert_int_equal(total.op[FUSE_LOOKUP].errors,
			 THREADS * REQUESTS_EACH / 10);
	assert_int_equal(total.op[FUSE_LOOKUP].latency[1],
			 THREADS * REQUESTS_EACH);
	assert_int_equal(total.errors_by_errno[ENOENT],
			 THREADS * REQUESTS_EACH / 10);
	assert_int_equal(total.bytes_read, 7 * THREADS * REQUESTS_EACH);
	stats_destroy(stats);
}

static struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *found;

	if (!json_object_object_get_ex(object, name, &found))
		fail_msg("no member %s", name);
	return found;
}

static uint64_t number(struct json_object *object, const char *name)
{
	return json_object_get_uint64(member(object, name));
}

/* A session with only what the JSON reads. */
static void session_fill(struct session *session, struct config *config,
			 const struct transport_ops *ops)
{
	memset(session, 0, sizeof(*session));
	memset(config, 0, sizeof(*config));
	config->source = (char *)"/a \"quoted\"\nsource";
	config->mountpoint = (char *)"/mnt";
	config->cache = CACHE_AUTO;
	config->workers = QUEUES;
	session->config = config;
	session->transport_ops = ops;
	session->minor = 45;
	assert_int_equal(stats_create(QUEUES, &session->stats), 0);
	stats_set_engine(session->stats, "sync");
}

static void test_json(void **state)
{
	static const struct transport_ops ops = { .name = "devfuse" };
	char directory[] = "/tmp/ferryfs-stats.XXXXXX";
	char path[sizeof(directory) + 8];
	struct json_object *root;
	struct json_object *lookup;
	struct session session;
	struct config config;
	struct stat st;

	(void)state;
	session_fill(&session, &config, &ops);
	stats_request(stats_queue(session.stats, 0), FUSE_LOOKUP, 0, 3000);
	stats_request(stats_queue(session.stats, 2), FUSE_LOOKUP, -ENOENT, 900);
	stats_request(stats_queue(session.stats, 1), 63, -ENOSYS, 900);
	atomic_fetch_add(&stats_queue(session.stats, 1)->bytes_written, 4096);
	atomic_fetch_add(&stats_queue(session.stats, 1)->in_flight, 2);

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/stats", directory);
	assert_int_equal(stats_write_file(&session, path), 0);
	/* Replaced, and nothing left beside it. */
	assert_int_equal(stats_write_file(&session, path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	root = json_object_from_file(path);
	assert_non_null(root);
	unlink(path);
	assert_int_equal(rmdir(directory), 0);

	assert_int_equal(number(root, "version"), 1);
	assert_string_equal(json_object_get_string(member(root, "ferryfs")),
			    PACKAGE_VERSION);
	assert_string_equal(json_object_get_string(member(root, "source")),
			    config.source);
	assert_string_equal(json_object_get_string(member(root, "engine")),
			    "sync");
	assert_string_equal(json_object_get_string(member(root, "transport")),
			    "devfuse");
	assert_int_equal(number(root, "bytes_written"), 4096);
	assert_int_equal(number(root, "in_flight"), 2);
	assert_int_equal(number(root, "inodes"), 17);
	assert_int_equal(number(root, "inode_fds"), 5);
	assert_int_equal(number(root, "open_files"), 3);
	assert_int_equal(number(member(root, "errors"), "ENOENT"), 1);
	assert_int_equal(number(member(root, "errors"), "ENOSYS"), 1);
	lookup = member(member(root, "requests"), "LOOKUP");
	assert_int_equal(number(lookup, "count"), 2);
	assert_int_equal(number(lookup, "errors"), 1);
	assert_int_equal(number(member(lookup, "latency_us"), "p50"), 1);
	assert_int_equal(number(member(lookup, "latency_us"), "p99"), 4);
	assert_int_equal(json_object_array_length(
				 member(member(lookup, "latency_us"),
					"buckets")),
			 STATS_LATENCY_BUCKETS);
	json_object_put(root);
	stats_destroy(session.stats);
}

static void test_file_errors(void **state)
{
	struct session session;
	struct config config;

	(void)state;
	session_fill(&session, &config, NULL);
	config.transport = (char *)"auto";
	assert_int_equal(stats_write_file(&session, "/nonexistent/stats"),
			 -ENOENT);
	stats_destroy(session.stats);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_percentile),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_file_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
