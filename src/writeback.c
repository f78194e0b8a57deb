/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may touch which bytes of a file now. An operation counts, when it arrives,
 * the earlier HOLDs that it overlaps, held or waiting, and goes when the last of
 * them has ended. So nothing that comes later delays it, and held ranges are
 * always disjoint:
 *
 *   held     blockers == 0, in the tree
 *   waiting  blockers > 0, in the list, sequences ascending
 *   idle     neither held nor waiting: there is no struct writeback
 *
 * Locks: striped by the slot's address; each guards the struct writeback of its
 * slots and is a leaf. Looking for NULL needs none: a PASS that finds nothing in
 * flight came before whatever starts at the same time.
 *
 * Does not know about files, and does no I/O.
 */
#include "writeback.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "util.h"

#define STRIPES 64U

struct writeback {
	struct ranges held;
	struct writeback_op *waiting;	/* by arrival */
	struct writeback_op **waiting_end;
	uint64_t sequence;		/* of the next to arrive */
};

struct stripe {
	pthread_mutex_t lock;
	struct writeback *spare;	/* so that a lone write allocates nothing */
} __attribute__((aligned(64)));

static struct stripe stripes[STRIPES] = {
	[0 ... STRIPES - 1] = { .lock = PTHREAD_MUTEX_INITIALIZER },
};

static struct stripe *stripe_of(const struct writeback_slot *slot)
{
	uint64_t hash = (uintptr_t)slot * 0x9e3779b97f4a7c15ULL;

	return &stripes[hash >> 58];
}

static struct writeback *writeback_get_locked(struct stripe *stripe,
					      struct writeback_slot *slot)
{
	struct writeback *wb = atomic_load(&slot->current);

	if (wb)
		return wb;
	wb = stripe->spare;
	stripe->spare = NULL;
	if (!wb)
		wb = malloc(sizeof(*wb));
	if (!wb)
		return NULL;
	ranges_init(&wb->held);
	wb->waiting = NULL;
	wb->waiting_end = &wb->waiting;
	wb->sequence = 0;
	atomic_store(&slot->current, wb);
	return wb;
}

static void writeback_put_locked(struct stripe *stripe,
				 struct writeback_slot *slot)
{
	struct writeback *wb = atomic_load(&slot->current);

	if (!ranges_empty(&wb->held) || wb->waiting)
		return;
	atomic_store(&slot->current, NULL);
	if (stripe->spare)
		free(wb);
	else
		stripe->spare = wb;
}

static uint32_t writeback_count_blockers(struct writeback *wb,
					 const struct writeback_op *op)
{
	const struct writeback_op *waiting;
	struct range *range;
	uint32_t count = 0;

	range = ranges_first_overlap(&wb->held, op->range.start, op->range.end);
	for (; range && range->start < op->range.end; range = ranges_next(range))
		count++;
	for (waiting = wb->waiting; waiting && waiting != op;
	     waiting = waiting->next)
		if (waiting->kind == WRITEBACK_HOLD &&
		    range_overlaps(&waiting->range, &op->range))
			count++;
	return count;
}

static bool range_empty(const struct range *range)
{
	return range->start >= range->end;
}

static void writeback_run_granted(struct loop_task *task)
{
	struct writeback_op *op =
		container_of(task, struct writeback_op, task);

	op->granted(op);
}

int writeback_begin(struct writeback_slot *slot, struct writeback_op *op)
{
	struct stripe *stripe;
	struct writeback *wb;
	int granted = 1;

	if (range_empty(&op->range))
		return 1;
	if (op->kind == WRITEBACK_PASS && !writeback_busy(slot))
		return 1;
	stripe = stripe_of(slot);
	pthread_mutex_lock(&stripe->lock);
	wb = writeback_get_locked(stripe, slot);
	if (!wb) {
		granted = -ENOMEM;
		goto out_unlock;
	}
	op->next = NULL;
	op->sequence = wb->sequence++;
	op->blockers = writeback_count_blockers(wb, op);
	if (op->blockers) {
		op->task.run = writeback_run_granted;
		*wb->waiting_end = op;
		wb->waiting_end = &op->next;
		granted = 0;
	} else if (op->kind == WRITEBACK_HOLD) {
		ranges_insert(&wb->held, &op->range);
	} else {
		writeback_put_locked(stripe, slot);
	}
out_unlock:
	pthread_mutex_unlock(&stripe->lock);
	return granted;
}

/* Takes ENDED off its waiters' counts; returns those that may go, in order. */
static struct writeback_op *
writeback_take_granted_locked(struct writeback *wb,
			      const struct writeback_op *ended)
{
	struct writeback_op *granted = NULL, **granted_end = &granted;
	struct writeback_op **link = &wb->waiting, *op;

	while ((op = *link)) {
		if (op->sequence > ended->sequence &&
		    range_overlaps(&op->range, &ended->range))
			op->blockers--;
		if (op->blockers) {
			link = &op->next;
			continue;
		}
		*link = op->next;
		op->next = NULL;
		*granted_end = op;
		granted_end = &op->next;
		if (op->kind == WRITEBACK_HOLD)
			ranges_insert(&wb->held, &op->range);
	}
	wb->waiting_end = link;
	return granted;
}

void writeback_end(struct writeback_slot *slot, struct writeback_op *op)
{
	struct stripe *stripe = stripe_of(slot);
	struct writeback_op *granted, *next;
	struct writeback *wb;

	if (range_empty(&op->range))
		return;
	pthread_mutex_lock(&stripe->lock);
	wb = atomic_load(&slot->current);
	ranges_remove(&wb->held, &op->range);
	granted = writeback_take_granted_locked(wb, op);
	writeback_put_locked(stripe, slot);
	pthread_mutex_unlock(&stripe->lock);

	/* Once posted, an operation may be gone before we look at it again. */
	for (; granted; granted = next) {
		next = granted->next;
		loop_post(granted->loop, &granted->task);
	}
}

bool writeback_busy(const struct writeback_slot *slot)
{
	return atomic_load(&slot->current) != NULL;
}

bool writeback_check(struct writeback_slot *slot)
{
	struct stripe *stripe = stripe_of(slot);
	const struct writeback_op *op;
	struct writeback *wb;
	bool good = true;

	pthread_mutex_lock(&stripe->lock);
	wb = atomic_load(&slot->current);
	if (wb) {
		good = ranges_check(&wb->held) &&
		       (wb->waiting || !ranges_empty(&wb->held));
		for (op = wb->waiting; op; op = op->next)
			if (!op->blockers ||
			    (op->next && op->sequence >= op->next->sequence))
				good = false;
	}
	pthread_mutex_unlock(&stripe->lock);
	return good;
}
