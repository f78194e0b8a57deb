/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of the command line: a parse of some words, with what it wrote to
 * stderr caught and looked at. One thread.
 */
#ifndef FERRYFS_TEST_CONFIG_WORDS_H
#define FERRYFS_TEST_CONFIG_WORDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"

#define SAID_MAX 4096

/* What the last call wrote to stderr. */
static char said[SAID_MAX];

static int caught;
static int old_stderr;

static inline void catch_stderr(void)
{
	fflush(stderr);
	caught = memfd_create("stderr", MFD_CLOEXEC);
	assert_true(caught >= 0);
	old_stderr = dup(STDERR_FILENO);
	assert_true(dup2(caught, STDERR_FILENO) >= 0);
}

static inline void release_stderr(void)
{
	ssize_t bytes;

	fflush(stderr);
	dup2(old_stderr, STDERR_FILENO);
	close(old_stderr);
	bytes = pread(caught, said, sizeof(said) - 1, 0);
	assert_true(bytes >= 0);
	said[bytes] = '\0';
	close(caught);
}

/* Parses WORDS, up to NULL. */
static inline int parse_words(struct config *config, const char *const *words)
{
	int argc = 0;
	int error;

	while (words[argc])
		argc++;
	catch_stderr();
	error = config_parse(config, argc, (char **)words);
	release_stderr();
	return error;
}

/* config_parse() of "ferryfs" and the words that follow. */
#define parse(config, ...) \
	parse_words(config, \
		    (const char *const[]){ "ferryfs", ##__VA_ARGS__, NULL })

/* One line that has NEEDLE and begins as ours do. */
static inline void assert_said(const char *needle)
{
	const char *newline = strchr(said, '\n');

	if (!strstr(said, needle))
		fail_msg("'%s' is not in: %s", needle, said);
	assert_int_equal(strncmp(said, "ferryfs: ", 9), 0);
	assert_non_null(newline);
	assert_string_equal(newline, "\n");
}

#endif
