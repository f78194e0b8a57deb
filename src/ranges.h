/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disjoint byte ranges in a red-black tree (libbsd's sys/tree.h), ordered by
 * their start. A pure data structure: no locks, no allocation.
 */
#ifndef FERRYFS_RANGES_H
#define FERRYFS_RANGES_H

#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* [start, end): end is exclusive; UINT64_MAX means "to the end of any file". */
struct range {
	RB_ENTRY(range) node;
	uint64_t start;
	uint64_t end;
};

RB_HEAD(ranges, range);

static inline void ranges_init(struct ranges *ranges)
{
	RB_INIT(ranges);
}

static inline bool range_overlaps(const struct range *a, const struct range *b)
{
	return a->start < b->end && b->start < a->end;
}

bool ranges_empty(const struct ranges *ranges);

/* The first range (by start) that overlaps [start, end), or NULL. */
struct range *ranges_first_overlap(struct ranges *ranges, uint64_t start,
				   uint64_t end);

/* The range after RANGE, or NULL. */
struct range *ranges_next(struct range *range);

/* RANGE is not empty and overlaps none that is in. */
void ranges_insert(struct ranges *ranges, struct range *range);
void ranges_remove(struct ranges *ranges, struct range *range);

/* Whether order and disjointness hold; for tests and --enable-checks. */
bool ranges_check(struct ranges *ranges);

#endif
