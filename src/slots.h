/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbered slots with generations: what makes a nodeid or an fh. An id is
 * generation << 32 | slot, so an id of a slot that has been freed, or one that
 * was never given out, is told from a live one. Objects live in chunks that are
 * never freed while the table lives: a stale id can be looked at safely.
 *
 * Threads: every function may be called from any thread.
 */
#ifndef FERRYFS_SLOTS_H
#define FERRYFS_SLOTS_H

#include <stddef.h>
#include <stdint.h>

struct slots;

/* Head of every object in a table. Its fields are slots.c's business. */
struct slot {
	/*
	 * generation << 32 | references, in one word so that an id is checked and
	 * referenced in one step. The generation is of the id that is, or will
	 * next be, valid. No references: the slot is free or being freed.
	 */
	_Atomic uint64_t state;
	uint32_t index;
	uint32_t next_free;		/* under the table's lock */
};

/* Objects of OBJECT_BYTES, each beginning with a struct slot; at most COUNT_MAX. */
int slots_create(size_t object_bytes, uint32_t count_max, struct slots **ret);
void slots_destroy(struct slots *slots);

/*
 * A free object with one reference, all bytes after its head zero. NULL when
 * count_max are in use or memory is short. The first one has the id 1
 * (generation 0, slot 1).
 */
struct slot *slots_alloc(struct slots *slots);

/* The object of ID with a reference more, or NULL if the id is not live. */
struct slot *slots_get(struct slots *slots, uint64_t id);

/* The object at INDEX, which was given out once; live or not. */
struct slot *slots_at(struct slots *slots, uint32_t index);

/* One reference more, if there is one at all. */
int slot_get_unless_zero(struct slot *slot);

/*
 * Drops COUNT references. Returns 1 if they were the last: the caller takes the
 * object apart and calls slots_free().
 */
int slot_put(struct slot *slot, uint64_t count);

/* Makes the id stale for good and the slot free. References are 0. */
void slots_free(struct slots *slots, struct slot *slot);

uint64_t slot_id(const struct slot *slot);

/* Objects in use. */
uint32_t slots_count(struct slots *slots);

/*
 * Calls visit for each object that has references, for statistics and teardown.
 * Nothing is allocated or freed meanwhile, so visit must do neither.
 */
void slots_each(struct slots *slots, void (*visit)(struct slot *slot, void *arg),
		void *arg);

#endif
