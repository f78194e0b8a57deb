/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the filesystem counted. Each queue has counters of its own, written with
 * relaxed atomics by whichever thread replies and added up when they are read.
 */
#ifndef FERRYFS_STATS_H
#define FERRYFS_STATS_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#define STATS_OPCODES 64U
#define STATS_ERRNOS 134U
/* Bucket n counts latencies under 2^n microseconds; the last takes the rest. */
#define STATS_LATENCY_BUCKETS 28U

struct session;
struct stats;

struct stats_op {
	atomic_ullong requests;
	atomic_ullong errors;
	atomic_ullong latency[STATS_LATENCY_BUCKETS];
};

struct stats_queue {
	struct stats_op op[STATS_OPCODES];
	atomic_ullong errors_by_errno[STATS_ERRNOS];
	atomic_ullong bytes_read;
	atomic_ullong bytes_written;
	atomic_ullong malformed;	/* messages refused as ill-formed */
	atomic_ullong unknown;		/* opcodes we do not serve */
	atomic_ullong interrupts;
	atomic_ullong replies_lost;	/* the client had gone: ENOENT */
	atomic_llong in_flight;
	atomic_ullong may_block;	/* deliveries with a work item of their own */
};

int stats_create(unsigned int queues, struct stats **ret);
void stats_destroy(struct stats *stats);
struct stats_queue *stats_queue(struct stats *stats, unsigned int index);

/* What the workers took, for the JSON: a name that stays valid. Main thread. */
void stats_set_engine(struct stats *stats, const char *name);

/*
 * Any thread. ERROR is 0 or -errno. An opcode past the table counts as number 0,
 * which no request has.
 */
void stats_request(struct stats_queue *queue, uint32_t opcode, int error,
		   uint64_t latency_ns);

/*
 * The whole as JSON (object at top level, a version number in it), by json-c.
 * stats_write_file() replaces PATH atomically. 0 or -errno.
 */
int stats_print_json(struct session *session, FILE *out);
int stats_write_file(struct session *session, const char *path);

/* Sums over the queues, and what stats_json.c prints; see stats.c. */
struct stats_op_total {
	uint64_t requests;
	uint64_t errors;
	uint64_t latency[STATS_LATENCY_BUCKETS];
};

struct stats_total {
	struct stats_op_total op[STATS_OPCODES];
	uint64_t errors_by_errno[STATS_ERRNOS];
	uint64_t bytes_read;
	uint64_t bytes_written;
	uint64_t malformed;
	uint64_t unknown;
	uint64_t interrupts;
	uint64_t replies_lost;
	int64_t in_flight;
	uint64_t may_block;
	uint64_t uptime_ns;
	const char *engine;
};

/* Any thread: each counter is right, all of them are not of one moment. */
void stats_sum(struct stats *stats, struct stats_total *ret);

/*
 * The latency in microseconds that PER_MILLE of the counted requests did not
 * reach: a bucket's upper end. 0: nothing was counted.
 */
uint64_t stats_percentile_us(const uint64_t *latency, unsigned int per_mille);

/* Total of requests served, for the summary line at exit. */
uint64_t stats_total_requests(struct stats *stats);

#endif
