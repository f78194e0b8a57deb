/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters, one set a queue so that workers do not share cache lines. Relaxed
 * atomics: a reader sees every counter right and none of them at one moment.
 */
#include "stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define CACHE_LINE 64

struct stats_slot {
	_Alignas(CACHE_LINE) struct stats_queue queue;
};

struct stats {
	uint64_t start_ns;
	const char *engine;
	unsigned int queue_count;
	struct stats_slot *slots;
};

int stats_create(unsigned int queues, struct stats **ret)
{
	struct stats *stats = calloc(1, sizeof(*stats));
	size_t bytes = queues * sizeof(struct stats_slot);

	if (!stats)
		return -ENOMEM;
	stats->slots = aligned_alloc(CACHE_LINE, bytes);
	if (!stats->slots) {
		free(stats);
		return -ENOMEM;
	}
	/* All-zero bytes are zero to every atomic integer here. */
	memset((void *)stats->slots, 0, bytes);
	stats->queue_count = queues;
	stats->start_ns = now_ns();
	stats->engine = "none";
	*ret = stats;
	return 0;
}

void stats_destroy(struct stats *stats)
{
	if (!stats)
		return;
	free(stats->slots);
	free(stats);
}

struct stats_queue *stats_queue(struct stats *stats, unsigned int index)
{
	return &stats->slots[index].queue;
}

void stats_set_engine(struct stats *stats, const char *name)
{
	stats->engine = name;
}

static void count(atomic_ullong *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static uint64_t value(atomic_ullong *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/* The n with latency < 2^n microseconds, the smallest such. */
static unsigned int latency_bucket(uint64_t latency_ns)
{
	uint64_t us = latency_ns / NSEC_PER_USEC;
	unsigned int bucket = 0;

	if (us != 0)
		bucket = 64U - (unsigned int)__builtin_clzll(us);
	return bucket < STATS_LATENCY_BUCKETS ? bucket :
						STATS_LATENCY_BUCKETS - 1;
}

void stats_request(struct stats_queue *queue, uint32_t opcode, int error,
		   uint64_t latency_ns)
{
	struct stats_op *op = &queue->op[opcode < STATS_OPCODES ? opcode : 0];

	count(&op->requests);
	count(&op->latency[latency_bucket(latency_ns)]);
	if (error == 0)
		return;
	error = error < 0 ? -error : error;
	count(&op->errors);
	/* Number 0 takes what is no errno that we know. */
	count(&queue->errors_by_errno[error < (int)STATS_ERRNOS ? error : 0]);
}

static void sum_queue(struct stats_queue *queue, struct stats_total *total)
{
	for (unsigned int i = 0; i < STATS_OPCODES; i++) {
		struct stats_op *op = &queue->op[i];

		total->op[i].requests += value(&op->requests);
		total->op[i].errors += value(&op->errors);
		for (unsigned int n = 0; n < STATS_LATENCY_BUCKETS; n++)
			total->op[i].latency[n] += value(&op->latency[n]);
	}
	for (unsigned int i = 0; i < STATS_ERRNOS; i++)
		total->errors_by_errno[i] += value(&queue->errors_by_errno[i]);
	total->bytes_read += value(&queue->bytes_read);
	total->bytes_written += value(&queue->bytes_written);
	total->malformed += value(&queue->malformed);
	total->unknown += value(&queue->unknown);
	total->interrupts += value(&queue->interrupts);
	total->replies_lost += value(&queue->replies_lost);
	total->may_block += value(&queue->may_block);
	total->in_flight += atomic_load_explicit(&queue->in_flight,
						 memory_order_relaxed);
}

void stats_sum(struct stats *stats, struct stats_total *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->uptime_ns = now_ns() - stats->start_ns;
	ret->engine = stats->engine;
	for (unsigned int i = 0; i < stats->queue_count; i++)
		sum_queue(&stats->slots[i].queue, ret);
}

uint64_t stats_percentile_us(const uint64_t *latency, unsigned int per_mille)
{
	uint64_t total = 0;
	uint64_t seen = 0;
	uint64_t wanted;

	for (unsigned int n = 0; n < STATS_LATENCY_BUCKETS; n++)
		total += latency[n];
	if (total == 0)
		return 0;
	/* Rounded up, and without overflow for any count that can be reached. */
	wanted = total / 1000 * per_mille +
		 (total % 1000 * per_mille + 999) / 1000;
	for (unsigned int n = 0; n < STATS_LATENCY_BUCKETS; n++) {
		seen += latency[n];
		if (seen >= wanted)
			return 1ULL << n;
	}
	return 1ULL << (STATS_LATENCY_BUCKETS - 1);
}

uint64_t stats_total_requests(struct stats *stats)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < stats->queue_count; i++) {
		for (unsigned int n = 0; n < STATS_OPCODES; n++)
			total += value(&stats->slots[i].queue.op[n].requests);
	}
	return total;
}
