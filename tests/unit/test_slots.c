/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots against a naive list of live and dead ids, and from several threads.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "slots.h"

#define COUNT_MAX 3000U
#define STEPS 60000
#define DEAD_KEPT 512
#define THREADS 4
#define THREAD_STEPS 30000

struct object {
	struct slot slot;
	uint64_t id;			/* its own; 0 when fresh */
	uint64_t junk[3];
};

static unsigned int seed = 1;

static unsigned int pick(unsigned int below)
{
	return (unsigned int)rand_r(&seed) % below;
}

static void first_id_is_1(void **state)
{
	struct slots *slots;
	struct slot *slot;

	(void)state;
	assert_int_equal(slots_create(sizeof(struct object), 2, &slots), 0);
	slot = slots_alloc(slots);
	assert_int_equal(slot_id(slot), 1);
	assert_non_null(slots_alloc(slots));
	assert_null(slots_alloc(slots));
	assert_null(slots_get(slots, 0));
	assert_null(slots_get(slots, 3));
	assert_null(slots_get(slots, UINT64_MAX));
	assert_null(slots_get(slots, 1ULL << 32 | 1));
	assert_int_equal(slot_put(slot, 1), 1);
	assert_null(slots_get(slots, 1));
	assert_int_equal(slot_get_unless_zero(slot), 0);
	slots_free(slots, slot);
	assert_null(slots_get(slots, 1));
	assert_null(slots_get(slots, 1ULL << 32 | 1));
	slot = slots_alloc(slots);
	assert_int_equal(slot_id(slot), 1ULL << 32 | 1);
	slots_destroy(slots);
	assert_int_equal(slots_create(8, 2, &slots), -EINVAL);
}

static void references_are_counted(void **state)
{
	struct slots *slots;
	struct slot *slot;

	(void)state;
	assert_int_equal(slots_create(sizeof(struct object), 2, &slots), 0);
	slot = slots_alloc(slots);
	assert_ptr_equal(slots_get(slots, 1), slot);
	assert_int_equal(slot_get_unless_zero(slot), 1);
	assert_int_equal(slot_put(slot, 2), 0);
	assert_int_equal(slot_put(slot, 1), 1);
	slots_free(slots, slot);
	assert_int_equal(slots_count(slots), 0);
	slots_destroy(slots);
}

static void count_one(struct slot *slot, void *arg)
{
	assert_int_equal(((struct object *)slot)->id, slot_id(slot));
	++*(unsigned int *)arg;
}

static void as_a_naive_list(void **state)
{
	static struct object *live[COUNT_MAX];
	static uint64_t dead[DEAD_KEPT];
	unsigned int count = 0, visited = 0, victim;
	struct slots *slots;
	struct object *object;
	int step;

	(void)state;
	assert_int_equal(slots_create(sizeof(*object), COUNT_MAX, &slots), 0);
	for (step = 0; step < STEPS; step++) {
		if (pick(100) < (step / 10000 % 2 ? 30U : 70U)) {
			object = (struct object *)slots_alloc(slots);
			if (count == COUNT_MAX) {
				assert_null(object);
				continue;
			}
			assert_non_null(object);
			assert_int_equal(object->id | object->junk[0] |
						 object->junk[2], 0);
			object->id = slot_id(&object->slot);
			object->junk[0] = object->junk[2] = UINT64_MAX;
			live[count++] = object;
		} else if (count) {
			victim = pick(count);
			object = live[victim];
			assert_int_equal(slot_put(&object->slot, 1), 1);
			slots_free(slots, &object->slot);
			dead[pick(DEAD_KEPT)] = object->id;
			live[victim] = live[--count];
		}
		if (count) {
			object = live[pick(count)];
			assert_ptr_equal(slots_get(slots, object->id), object);
			assert_int_equal(slot_put(&object->slot, 1), 0);
		}
		assert_null(slots_get(slots, dead[pick(DEAD_KEPT)]));
		assert_int_equal(slots_count(slots), count);
	}
	slots_each(slots, count_one, &visited);
	assert_int_equal(visited, count);
	slots_destroy(slots);
}

struct worker {
	pthread_t thread;
	struct slots *slots;
	unsigned int seed;
};

/* Every thread gets and puts by guessed ids; whoever is last frees. */
static void *run_worker(void *arg)
{
	struct worker *worker = arg;
	struct slot *slot;
	uint64_t id;
	int i;

	for (i = 0; i < THREAD_STEPS; i++) {
		id = (uint64_t)(rand_r(&worker->seed) % 2000) << 32 |
		     (rand_r(&worker->seed) % 16 + 1U);
		slot = rand_r(&worker->seed) % 2 ?
			       slots_alloc(worker->slots) :
			       slots_get(worker->slots, id);
		if (!slot)
			continue;
		if (slot_put(slot, 1))
			slots_free(worker->slots, slot);
	}
	return NULL;
}

static void threads_share_slots(void **state)
{
	struct worker workers[THREADS];
	struct slots *slots;
	int i;

	(void)state;
	assert_int_equal(slots_create(sizeof(struct object), 16, &slots), 0);
	for (i = 0; i < THREADS; i++) {
		workers[i].slots = slots;
		workers[i].seed = seed + (unsigned int)i;
		assert_int_equal(pthread_create(&workers[i].thread, NULL,
						run_worker, &workers[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	assert_int_equal(slots_count(slots), 0);
	slots_destroy(slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_id_is_1),
		cmocka_unit_test(references_are_counted),
		cmocka_unit_test(as_a_naive_list),
		cmocka_unit_test(threads_share_slots),
	};
	const char *text = getenv("FERRYFS_SEED");

	if (text)
		seed = (unsigned int)strtoul(text, NULL, 0);
	printf("FERRYFS_SEED=%u\n", seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
