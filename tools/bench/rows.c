/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of rows in the order in which they are run, and the choice that the
 * user made among them. A new family of rows is one file and one line here.
 */
#include <fnmatch.h>
#include <string.h>

#include "src/util.h"

#include "bench.h"

static const struct {
	const struct row *rows;
	const size_t *count;
} families[] = {
	{ meta_rows, &meta_row_count },
	{ data_rows, &data_row_count },
	{ tree_rows, &tree_row_count },
};

const struct row *rows_next(const struct row *row)
{
	size_t f;

	if (!row)
		return families[0].rows;
	for (f = 0; f < ARRAY_SIZE(families); f++) {
		const struct row *last = families[f].rows + *families[f].count;

		if (row < families[f].rows || row >= last)
			continue;
		if (row + 1 < last)
			return row + 1;
		return f + 1 < ARRAY_SIZE(families) ? families[f + 1].rows :
						      NULL;
	}
	return NULL;
}

bool rows_selected(const struct options *o, const struct row *row)
{
	const char *at = o->rows;

	if (!at)
		return true;
	for (;;) {
		const size_t n = strcspn(at, ",");
		char pattern[128];

		if (n && n < sizeof(pattern)) {
			memcpy(pattern, at, n);
			pattern[n] = '\0';
			if (!fnmatch(pattern, row->name, 0))
				return true;
		}
		if (!at[n])
			return false;
		at += n + 1;
	}
}
