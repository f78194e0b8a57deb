/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the check_*.c files share. A check looks at one thing, writes a sentence
 * and says how bad it is. One thread.
 */
#ifndef FERRYFS_CHECK_H
#define FERRYFS_CHECK_H

#include <stdbool.h>

#include "config.h"

/* SKIP: does not matter for what was asked; prints nothing. */
enum check_result { CHECK_OK, CHECK_WARN, CHECK_FAIL, CHECK_SKIP };

struct check {
	struct config *config;
	bool source_ok;
	bool mountpoint_ok;
	unsigned int failed;
	unsigned int warned;
	char text[CONFIG_WHY_BYTES];
};

/* Writes check->text and returns RESULT. */
enum check_result check_say(struct check *check, enum check_result result,
			    const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A line of the report, counted. */
void check_print(struct check *check, enum check_result result,
		 const char *name, const char *text);

/* check_system.c: who we are and what the machine permits. */
enum check_result check_privileges(struct check *check);
enum check_result check_allow_other(struct check *check);
enum check_result check_mounting(struct check *check);
enum check_result check_device(struct check *check);
enum check_result check_fusermount(struct check *check);
enum check_result check_io_uring(struct check *check);
enum check_result check_fd_limit(struct check *check);
enum check_result check_memlock(struct check *check);

/* check_files.c: what the source and the other files can do. */
enum check_result check_handles(struct check *check);
enum check_result check_xattr(struct check *check);
enum check_result check_acl(struct check *check);
enum check_result check_log_file(struct check *check);
enum check_result check_stats_file(struct check *check);

#endif
