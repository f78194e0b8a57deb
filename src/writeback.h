/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In-flight backing writes of an inode, as ranges. Overlapping writes, reads of
 * a range that is being written, truncate, fallocate, fsync, flush and release
 * wait for exactly the earlier operations that they overlap, and for nothing
 * else.
 *
 *   HOLD  waits for what it overlaps, then holds its range until writeback_end()
 *         (write, truncate, fallocate, copy_file_range's target)
 *   PASS  waits for what it overlaps and holds nothing
 *         (read, fsync, flush, release)
 *
 *   state     means                                   leaves by
 *   waiting   an earlier held or waiting HOLD overlaps grant
 *   held      range in the tree, disjoint             writeback_end()
 *   passed    known to nobody                         -
 *
 * An operation is granted in the order of arrival as far as operations overlap.
 * A range leaves when its backing I/O ends, not when its reply is delivered: a
 * held reply must not make a deadlock of its own.
 *
 * Threads: any. Grants that come later are posted to the operation's loop.
 */
#ifndef FERRYFS_WRITEBACK_H
#define FERRYFS_WRITEBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "ranges.h"

struct writeback;

enum writeback_kind { WRITEBACK_PASS, WRITEBACK_HOLD };

struct writeback_op {
	/* Filled by the caller. An empty range waits for nothing, holds nothing. */
	enum writeback_kind kind;
	struct range range;
	struct loop *loop;
	void (*granted)(struct writeback_op *op);

	/* Private. */
	struct writeback_op *next;	/* waiting; under the slot's lock */
	uint64_t sequence;		/* order of arrival at the slot */
	uint32_t blockers;		/* earlier HOLDs that it overlaps */
	struct loop_task task;
};

/*
 * Where an inode keeps its writeback: NULL while nothing is in flight, so that
 * an inode at rest costs one pointer.
 */
struct writeback_slot {
	_Atomic(struct writeback *) current;
};

/*
 * 1: granted at once (op->granted is not called). 0: op->granted will run on
 * op->loop's thread. -ENOMEM: neither. The slot must outlive the operation (the
 * caller holds its inode).
 */
int writeback_begin(struct writeback_slot *slot, struct writeback_op *op);

/* A granted HOLD's backing I/O has ended. Grants those that waited for it. */
void writeback_end(struct writeback_slot *slot, struct writeback_op *op);

/* Whether anything is held or waiting; a hint only. */
bool writeback_busy(const struct writeback_slot *slot);

/* Whether the invariants above hold for the slot; for tests. */
bool writeback_check(struct writeback_slot *slot);

#endif
