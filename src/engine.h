/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Backing I/O: reads, writes and fsyncs of host files. An engine serves one
 * loop's thread. Handlers use engine_submit(); it continues short transfers, takes
 * care of EINTR and EAGAIN, and reports the bytes that were moved before an
 * error (ENOSPC in the middle of a write gives the count that was written).
 */
#ifndef FERRYFS_ENGINE_H
#define FERRYFS_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "config.h"
#include "loop.h"
#include "workqueue.h"

struct io_engine;

enum io_status { IO_DONE, IO_QUEUED, IO_BUSY };
enum io_kind { IO_READ, IO_WRITE, IO_FSYNC };

/*
 * Whose privileges a write has on the host. PLAIN: a thread's effective uid is
 * not 0 and it has neither CAP_FSETID (so the host kills suid and sgid) nor
 * CAP_SYS_RESOURCE (so quota and reserved blocks hold). An unprivileged server
 * has only its own, whichever is asked for.
 */
enum io_creds { IO_CREDS_SERVER, IO_CREDS_PLAIN };

struct io_op {
	/*
	 * Filled by the caller. As data moves, iov's entries are advanced and
	 * iov and iov_count step over those that are done.
	 */
	enum io_kind kind;
	enum io_creds creds;
	int fd;
	struct iovec *iov;
	int iov_count;
	uint64_t offset;	/* ignored for IO_FSYNC */
	int rw_flags;		/* RWF_* of preadv2/pwritev2 */
	bool datasync;		/* IO_FSYNC */
	bool direct;		/* fd is O_DIRECT: worth doing asynchronously */
	void (*done)(struct io_op *op);

	/* Bytes moved, or -errno. Valid when done() runs or on IO_DONE. */
	ssize_t result;

	/* Private to engine.c and the engines. */
	struct io_engine *engine;
	size_t moved_bytes;
	unsigned int retry_count;
	bool cancelled;
	struct loop_completion completion;
	struct io_op *next;
	void *private;
	struct loop_task task;
	struct work work;
};

/*
 * Properties of an engine.
 *
 * IO_SYNC: reads and writes are answered IO_DONE. Fsyncs, and writes that
 * flush the disk as well, may still be IO_QUEUED: they take long and must not hold
 * the loop's thread.
 */
#define IO_SYNC (1U << 0)

/* EINTR and EAGAIN of one operation that are tried again. */
#define IO_RETRY_MAX 64U

struct io_engine_ops {
	const char *name;
	uint32_t flags;
	/* Required. Loop's thread. -errno, and nothing held, on failure. */
	int (*open)(const struct config *config, struct loop *loop,
		    struct io_engine **ret);
	/*
	 * Required. One transfer of the host, no more, at
	 * io_op_position(). IO_DONE: op->result is set and there is no
	 * callback. IO_QUEUED: the engine calls io_op_finished() on this
	 * thread later. IO_BUSY: op is untouched; flush and try again. Only
	 * to be answered while something of this engine is in flight.
	 */
	enum io_status (*submit)(struct io_engine *engine, struct io_op *op);
	/* Required unless IO_SYNC. Hands queued operations to the host. */
	int (*flush)(struct io_engine *engine);
	/*
	 * Optional. Asks that a queued operation end early; io_op_finished()
	 * still runs, with -ECANCELED if it came in time.
	 */
	int (*cancel)(struct io_engine *engine, struct io_op *op);
	/* Required. Nothing is in flight. */
	void (*close)(struct io_engine *engine);
};

/* What every engine begins with; engines embed it. */
struct io_engine {
	const struct io_engine_ops *ops;
	struct loop *loop;
	unsigned int in_flight;		/* queued and not yet finished */
	/* Operations that met IO_BUSY, tried again at the next flush. */
	struct io_op *backlog_head;
	struct io_op **backlog_tail;
	struct loop_flush loop_flush;
};

/*
 * Opens the engine that config asks for. ENGINE_AUTO takes uring if the loop has
 * a ring, else aio, else sync. Loop's thread. A fixed choice that is not to be
 * had here gives its -errno. The engine registers its flush with the loop.
 */
int engine_open(const struct config *config, struct loop *loop,
		struct io_engine **ret);
void engine_close(struct io_engine *engine);

/*
 * Starts op. IO_DONE: op->result holds the outcome and done() is not called.
 * IO_QUEUED: done() runs on this thread later. Never IO_BUSY: a busy engine's
 * operations wait in its backlog. Loop's thread.
 */
enum io_status engine_submit(struct io_engine *engine, struct io_op *op);

/* Asks that a queued op end early (-ECANCELED, or what it had moved). */
void engine_cancel(struct io_engine *engine, struct io_op *op);

/* For engines: where op's next transfer begins. */
static inline uint64_t io_op_position(const struct io_op *op)
{
	return op->offset + op->moved_bytes;
}

/* For engines: whether op is a write that waits for the disk itself. */
static inline bool io_op_syncs(const struct io_op *op)
{
	return op->kind == IO_WRITE && (op->rw_flags & (RWF_SYNC | RWF_DSYNC));
}

/* For engines: fills what every engine begins with. Before open returns. */
void io_engine_init(struct io_engine *engine, const struct io_engine_ops *ops,
		    struct loop *loop);

/*
 * For engines: op's transfer on the calling thread, under its credentials. The
 * bytes moved or -errno. engine_sync.c
 */
ssize_t io_op_perform(struct io_op *op);

/*
 * For engines: the same as far as it needs no waiting. -EAGAIN: it would wait;
 * -EOPNOTSUPP: this file cannot tell.
 */
ssize_t io_op_perform_now(struct io_op *op);

/* For engines: io_op_perform() in QUEUE, then io_op_finished(). IO_QUEUED. */
enum io_status io_op_offload(struct workqueue *queue, struct io_op *op);

/* For engines: op's transfer ended with RESULT. Continues it or calls done(). */
void io_op_finished(struct io_op *op, ssize_t result);

extern const struct io_engine_ops engine_uring_ops;
extern const struct io_engine_ops engine_aio_ops;
extern const struct io_engine_ops engine_sync_ops;

/*
 * engine_fault decorates another engine: rules say which transfers fail, are
 * shortened, delayed or reordered. For tests and fault drills.
 */
enum fault_action { FAULT_ERROR, FAULT_SHORT, FAULT_DELAY, FAULT_REORDER };

struct fault_rule {
	enum io_kind kind;
	bool any_kind;
	uint64_t nth;		/* counts from 1 */
	bool persistent;	/* the nth and every later one */
	enum fault_action action;
	int error;		/* FAULT_ERROR: positive errno */
	size_t short_bytes;	/* FAULT_SHORT: at most so many */
	uint64_t delay_ns;	/* FAULT_DELAY */
};

/* Takes NEXT over (closed with it). RULES are copied. Loop's thread. */
int engine_fault_wrap(struct io_engine *next, const struct fault_rule *rules,
		      unsigned int rule_count, struct io_engine **ret);

#endif
