/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ranges against a naive list, over seeded random sequences.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ranges.h"

#define RANGES 200U
#define STEPS 50000
#define SPACE 4000U

static unsigned int seed = 1;

static unsigned int pick(unsigned int below)
{
	return (unsigned int)rand_r(&seed) % below;
}

/* The first that is in and overlaps, by looking at all. */
static struct range *naive_first(struct range *all, const bool *in,
				 uint64_t start, uint64_t end)
{
	struct range *first = NULL;
	unsigned int i;

	for (i = 0; i < RANGES; i++)
		if (in[i] && all[i].start < end && start < all[i].end &&
		    (!first || all[i].start < first->start))
			first = &all[i];
	return first;
}

static void as_a_naive_list(void **state)
{
	struct ranges ranges;
	struct range all[RANGES], *found;
	bool in[RANGES] = { false };
	unsigned int i, step, count = 0;
	uint64_t start, end;

	(void)state;
	ranges_init(&ranges);
	for (step = 0; step < STEPS; step++) {
		i = pick(RANGES);
		start = pick(SPACE);
		end = pick(50) ? start + 1 + pick(40) : UINT64_MAX;
		found = ranges_first_overlap(&ranges, start, end);
		assert_ptr_equal(found, naive_first(all, in, start, end));
		if (in[i]) {
			ranges_remove(&ranges, &all[i]);
			in[i] = false;
			count--;
		} else if (!found) {
			all[i].start = start;
			all[i].end = end;
			ranges_insert(&ranges, &all[i]);
			in[i] = true;
			count++;
		}
		assert_int_equal(ranges_empty(&ranges), count == 0);
		if (step % 16 == 0)
			assert_true(ranges_check(&ranges));
	}
	found = ranges_first_overlap(&ranges, 0, UINT64_MAX);
	for (; found; found = ranges_next(found))
		count--;
	assert_int_equal(count, 0);
}

static void ends_are_exclusive(void **state)
{
	struct range range = { .start = 10, .end = 20 };
	struct ranges ranges;

	(void)state;
	ranges_init(&ranges);
	assert_true(ranges_empty(&ranges));
	ranges_insert(&ranges, &range);
	assert_null(ranges_first_overlap(&ranges, 0, 10));
	assert_null(ranges_first_overlap(&ranges, 20, UINT64_MAX));
	assert_ptr_equal(ranges_first_overlap(&ranges, 0, 11), &range);
	assert_ptr_equal(ranges_first_overlap(&ranges, 19, 20), &range);
}

static void check_sees_damage(void **state)
{
	struct range a = { .start = 0, .end = 10 };
	struct range b = { .start = 10, .end = 20 };
	struct ranges ranges;

	(void)state;
	ranges_init(&ranges);
	ranges_insert(&ranges, &a);
	ranges_insert(&ranges, &b);
	assert_true(ranges_check(&ranges));
	a.end = 11;
	assert_false(ranges_check(&ranges));
	a.end = 0;
	assert_false(ranges_check(&ranges));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_a_naive_list),
		cmocka_unit_test(ends_are_exclusive),
		cmocka_unit_test(check_sees_damage),
	};
	const char *text = getenv("FERRYFS_SEED");

	if (text)
		seed = (unsigned int)strtoul(text, NULL, 0);
	printf("FERRYFS_SEED=%u\n", seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
