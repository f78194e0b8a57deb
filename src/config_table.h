/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options table as the config_*.c files share it. Private to them: everybody
 * else reads struct config.
 */
#ifndef FERRYFS_CONFIG_TABLE_H
#define FERRYFS_CONFIG_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "config.h"

enum option_kind {
	OPTION_FLAG,	/* bool: name, no_name */
	OPTION_SWITCH,	/* enum switch_state: name, no_name, auto if neither */
	OPTION_CHOICE,	/* an enum whose values count choices[] */
	OPTION_COUNT,	/* unsigned int */
	OPTION_SIZE,	/* uint32_t bytes, a multiple of the page */
	OPTION_TIME,	/* uint64_t nanoseconds */
	OPTION_TEXT,	/* char *, owned by the config */
};

enum option_group {
	GROUP_CACHE,
	GROUP_IO,
	GROUP_FILES,
	GROUP_MOUNT,
	GROUP_REPORT,
	GROUP_COUNT,
};

/* One row an option. */
struct option_row {
	const char *name;
	enum option_kind kind;
	enum option_group group;
	size_t offset;			/* in struct config */
	uint64_t min;			/* COUNT, SIZE (bytes), TIME (ns) */
	uint64_t max;
	const char *const *choices;	/* CHOICE: ends with NULL */
	const char *initial;		/* parsed first; NULL: zero, or derived */
	const char *initial_text;	/* how help says it; NULL: initial */
	const char *argument;		/* what help calls the value */
	const char *help;
};

extern const struct option_row config_table[];
extern const size_t config_table_rows;
extern const char *const config_group_titles[GROUP_COUNT];

/* Row of NAME (BYTES long), or NULL. */
const struct option_row *config_row(const char *name, size_t bytes);

/*
 * Sets the row's field from VALUE. -EINVAL with a line on stderr that says what is
 * allowed; -ENOMEM.
 */
int config_set(struct config *config, const struct option_row *row,
	       const char *value);
/* name (ON) or no_name of a FLAG or SWITCH. */
void config_set_flag(struct config *config, const struct option_row *row,
		     bool on);

/* "none, auto or always": what a row's value may be. Returns buffer. */
const char *config_allowed_text(const struct option_row *row, char *buffer,
				size_t bytes);

/* "ferryfs: ..." on stderr, one line. */
void config_complain(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#endif
