/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots with generations. Objects live in chunks that are allocated as they are
 * needed and given back only with the table, so any index below `used` can be
 * looked at without a lock; the generation in the object's head says whether an
 * id still means it.
 *
 * Threads: any. The lock guards the free list and growth; references are atomic.
 * It does not call anybody when the last reference goes: slot_put() tells, and
 * its caller takes the object apart.
 */
#include "slots.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define CHUNK_OBJECTS 1024U
#define REFS_MASK 0xffffffffULL

struct slots {
	size_t object_bytes;
	uint32_t count_max;
	_Atomic uint32_t used;		/* indices 1..used were given out once */
	pthread_mutex_t lock;
	uint32_t free_head;		/* under the lock; 0: none */
	uint32_t count;			/* under the lock */
	_Atomic(char *) *chunks;
};

int slots_create(size_t object_bytes, uint32_t count_max, struct slots **ret)
{
	struct slots *slots;
	size_t chunks;

	if (object_bytes < sizeof(struct slot) || !count_max ||
	    count_max == UINT32_MAX)
		return -EINVAL;
	slots = calloc(1, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	chunks = (size_t)count_max / CHUNK_OBJECTS + 1;
	slots->chunks = calloc(chunks, sizeof(*slots->chunks));
	if (!slots->chunks) {
		free(slots);
		return -ENOMEM;
	}
	slots->object_bytes = round_up(object_bytes, 8);
	slots->count_max = count_max;
	pthread_mutex_init(&slots->lock, NULL);
	*ret = slots;
	return 0;
}

void slots_destroy(struct slots *slots)
{
	uint32_t i;

	if (!slots)
		return;
	for (i = 0; i <= slots->used / CHUNK_OBJECTS; i++)
		free(slots->chunks[i]);
	pthread_mutex_destroy(&slots->lock);
	free((void *)slots->chunks);
	free(slots);
}

struct slot *slots_at(struct slots *slots, uint32_t index)
{
	char *chunk = atomic_load_explicit(
		&slots->chunks[index / CHUNK_OBJECTS], memory_order_acquire);

	return (struct slot *)(chunk + (size_t)(index % CHUNK_OBJECTS) *
					       slots->object_bytes);
}

/* A slot that was never used. NULL: no room, no memory. */
static struct slot *slots_grow_locked(struct slots *slots)
{
	uint32_t index = slots->used + 1;
	struct slot *slot;
	char *chunk;

	if (slots->used == slots->count_max)
		return NULL;
	if (!slots->chunks[index / CHUNK_OBJECTS]) {
		chunk = calloc(CHUNK_OBJECTS, slots->object_bytes);
		if (!chunk)
			return NULL;
		atomic_store_explicit(&slots->chunks[index / CHUNK_OBJECTS],
				      chunk, memory_order_release);
	}
	slot = slots_at(slots, index);
	slot->index = index;
	atomic_store_explicit(&slots->used, index, memory_order_release);
	return slot;
}

struct slot *slots_alloc(struct slots *slots)
{
	struct slot *slot;

	pthread_mutex_lock(&slots->lock);
	if (slots->free_head) {
		slot = slots_at(slots, slots->free_head);
		slots->free_head = slot->next_free;
	} else {
		slot = slots_grow_locked(slots);
	}
	if (slot)
		slots->count++;
	pthread_mutex_unlock(&slots->lock);
	if (!slot)
		return NULL;
	memset(slot + 1, 0, slots->object_bytes - sizeof(*slot));
	/* Stale ids fail on the generation, which only slots_free() changes. */
	atomic_fetch_add_explicit(&slot->state, 1, memory_order_release);
	return slot;
}

struct slot *slots_get(struct slots *slots, uint64_t id)
{
	uint32_t index = (uint32_t)id;
	struct slot *slot;
	uint64_t state;

	if (!index ||
	    index > atomic_load_explicit(&slots->used, memory_order_acquire))
		return NULL;
	slot = slots_at(slots, index);
	state = atomic_load_explicit(&slot->state, memory_order_relaxed);
	do {
		if (state >> 32 != id >> 32 || !(state & REFS_MASK))
			return NULL;
	} while (!atomic_compare_exchange_weak_explicit(
		&slot->state, &state, state + 1, memory_order_acquire,
		memory_order_relaxed));
	return slot;
}

int slot_get_unless_zero(struct slot *slot)
{
	uint64_t state =
		atomic_load_explicit(&slot->state, memory_order_relaxed);

	do {
		if (!(state & REFS_MASK))
			return 0;
	} while (!atomic_compare_exchange_weak_explicit(
		&slot->state, &state, state + 1, memory_order_acquire,
		memory_order_relaxed));
	return 1;
}

int slot_put(struct slot *slot, uint64_t count)
{
	uint64_t before = atomic_fetch_sub_explicit(&slot->state, count,
						    memory_order_acq_rel);

	return (before & REFS_MASK) == count;
}

void slots_free(struct slots *slots, struct slot *slot)
{
	uint64_t state =
		atomic_load_explicit(&slot->state, memory_order_relaxed);

	/* No references: nobody else changes the word. */
	atomic_store_explicit(&slot->state, ((state >> 32) + 1) << 32,
			      memory_order_release);
	pthread_mutex_lock(&slots->lock);
	slot->next_free = slots->free_head;
	slots->free_head = slot->index;
	slots->count--;
	pthread_mutex_unlock(&slots->lock);
}

uint64_t slot_id(const struct slot *slot)
{
	uint64_t state =
		atomic_load_explicit(&slot->state, memory_order_relaxed);

	return (state & ~REFS_MASK) | slot->index;
}

uint32_t slots_count(struct slots *slots)
{
	uint32_t count;

	pthread_mutex_lock(&slots->lock);
	count = slots->count;
	pthread_mutex_unlock(&slots->lock);
	return count;
}

void slots_each(struct slots *slots, void (*visit)(struct slot *slot, void *arg),
		void *arg)
{
	struct slot *slot;
	uint32_t i;

	pthread_mutex_lock(&slots->lock);
	for (i = 1; i <= slots->used; i++) {
		slot = slots_at(slots, i);
		if (atomic_load_explicit(&slot->state, memory_order_acquire) &
		    REFS_MASK)
			visit(slot, arg);
	}
	pthread_mutex_unlock(&slots->lock);
}
