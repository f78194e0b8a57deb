/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --check: what would fail, and how to mend it. A table of checks, a line each;
 * nothing is mounted, started or changed. One thread.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "mount.h"
#include "util.h"

static const char *const result_words[] = {
	[CHECK_OK] = "ok",
	[CHECK_WARN] = "warn",
	[CHECK_FAIL] = "FAIL",
};

enum check_result check_say(struct check *check, enum check_result result,
			    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(check->text, sizeof(check->text), format, args);
	va_end(args);
	return result;
}

static enum check_result check_source(struct check *check)
{
	if (config_resolve_source(check->config, check->text) != 0)
		return CHECK_FAIL;
	check->source_ok = true;
	return check_say(check, CHECK_OK, "%s", check->config->source);
}

static enum check_result check_mountpoint(struct check *check)
{
	if (config_resolve_mountpoint(check->config, check->text) != 0)
		return CHECK_FAIL;
	check->mountpoint_ok = true;
	return check_say(check, CHECK_OK, "%s", check->config->mountpoint);
}

static enum check_result check_nesting(struct check *check)
{
	if (!check->source_ok || !check->mountpoint_ok)
		return CHECK_SKIP;
	if (config_check_nesting(check->config, check->text) != 0)
		return CHECK_FAIL;
	return check_say(check, CHECK_OK,
			 "source and mountpoint are apart");
}

/* Each broken rule is a line of its own; this prints all but the last. */
static enum check_result check_options(struct check *check)
{
	unsigned int next = 0;
	const char *rule = config_broken_rule(check->config, &next);
	const char *more;

	if (!rule)
		return check_say(check, CHECK_OK,
				 "nothing that excludes each other");
	while ((more = config_broken_rule(check->config, &next))) {
		check_print(check, CHECK_FAIL, "options", rule);
		rule = more;
	}
	return check_say(check, CHECK_FAIL, "%s", rule);
}

static const struct {
	const char *name;
	enum check_result (*run)(struct check *check);
} checks[] = {
	{ "source", check_source },
	{ "mountpoint", check_mountpoint },
	{ "places", check_nesting },
	{ "options", check_options },
	{ "privileges", check_privileges },
	{ "allow_other", check_allow_other },
	{ "mounting", check_mounting },
	{ "/dev/fuse", check_device },
	{ "fusermount3", check_fusermount },
	{ "io_uring", check_io_uring },
	{ "open files", check_fd_limit },
	{ "locked memory", check_memlock },
	{ "file handles", check_handles },
	{ "xattr", check_xattr },
	{ "posix_acl", check_acl },
	{ "log_file", check_log_file },
	{ "stats_file", check_stats_file },
};

void check_print(struct check *check, enum check_result result,
		 const char *name, const char *text)
{
	printf("%-5s %s: %s\n", result_words[result], name, text);
	if (result == CHECK_FAIL)
		check->failed++;
	else if (result == CHECK_WARN)
		check->warned++;
}

int check_run(struct config *config)
{
	struct check check = { .config = config };

	config_fill(config);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		enum check_result result;

		check.text[0] = '\0';
		result = checks[i].run(&check);
		if (result != CHECK_SKIP)
			check_print(&check, result, checks[i].name, check.text);
	}
	printf("%u would fail, %u to know about\n", check.failed, check.warned);
	return check.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
