/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disjoint ranges in a red-black tree. Because they are disjoint, their ends are
 * in the order of their starts, and one descent finds the first that reaches
 * past a point. No locks, no allocation: the caller owns the ranges.
 */
#include "ranges.h"

static int range_compare(const struct range *a, const struct range *b)
{
	return (a->start > b->start) - (a->start < b->start);
}

RB_PROTOTYPE(ranges, range, node, range_compare)
RB_GENERATE(ranges, range, node, range_compare)

bool ranges_empty(const struct ranges *ranges)
{
	return RB_EMPTY(ranges);
}

struct range *ranges_first_overlap(struct ranges *ranges, uint64_t start,
				   uint64_t end)
{
	struct range *range = RB_ROOT(ranges), *found = NULL;

	while (range) {
		if (range->end > start) {
			found = range;
			range = RB_LEFT(range, node);
		} else {
			range = RB_RIGHT(range, node);
		}
	}
	return found && found->start < end ? found : NULL;
}

struct range *ranges_next(struct range *range)
{
	return RB_NEXT(ranges, NULL, range);
}

void ranges_insert(struct ranges *ranges, struct range *range)
{
	RB_INSERT(ranges, ranges, range);
}

void ranges_remove(struct ranges *ranges, struct range *range)
{
	RB_REMOVE(ranges, ranges, range);
}

/* The number of black nodes on every path below RANGE, or -1. */
static int ranges_check_below(struct range *range)
{
	struct range *child[2];
	int depth[2], i, red;

	if (!range)
		return 0;
	red = RB_COLOR(range, node) == RB_RED;
	child[0] = RB_LEFT(range, node);
	child[1] = RB_RIGHT(range, node);
	for (i = 0; i < 2; i++) {
		if (child[i] && RB_PARENT(child[i], node) != range)
			return -1;
		if (child[i] && red && RB_COLOR(child[i], node) == RB_RED)
			return -1;
		depth[i] = ranges_check_below(child[i]);
	}
	if (depth[0] < 0 || depth[0] != depth[1])
		return -1;
	return depth[0] + !red;
}

bool ranges_check(struct ranges *ranges)
{
	struct range *range, *before = NULL;

	if (ranges_check_below(RB_ROOT(ranges)) < 0)
		return false;
	RB_FOREACH(range, ranges, ranges) {
		if (range->start >= range->end)
			return false;
		if (before && before->end > range->start)
			return false;
		before = range;
	}
	return true;
}
