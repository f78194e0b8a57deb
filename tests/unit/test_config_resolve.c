/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What follows from the options, which of them exclude each other, and where
 * source and mountpoint may be.
 */
#include "config_words.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "util.h"

static void test_fill(void **state)
{
	static const struct {
		const char *options;
		uint64_t attr_ns;
		uint64_t negative_ns;
	} cases[] = {
		{ "cache=none", 0, 0 },
		{ "cache=auto", NSEC_PER_SEC, 0 },
		{ "cache=always", 31536000 * NSEC_PER_SEC,
		  31536000 * NSEC_PER_SEC },
		{ "cache=none,attr_timeout=5,negative_timeout=1us",
		  5 * NSEC_PER_SEC, 1000 },
		{ "cache=always,attr_timeout=0,negative_timeout=0", 0, 0 },
	};
	struct config config;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse(&config, "-o", cases[i].options, "/s",
				       "/m"), 0);
		config_fill(&config);
		assert_true(config.attr_timeout_ns == cases[i].attr_ns);
		assert_true(config.negative_timeout_ns == cases[i].negative_ns);
		assert_in_range(config.workers, 4, 16);
		config_destroy(&config);
	}
}

static void test_permissions(void **state)
{
	static const struct {
		const char *options;
		int kernel;	/* default_permissions for the kernel */
		int check;	/* -1: as privileged */
		int acl;
	} cases[] = {
		{ "rw", 0, -1, 0 },
		{ "allow_other", 1, 1, -1 },
		{ "default_permissions", 1, 1, -1 },
		{ "no_default_permissions", 0, 0, 0 },
		{ "allow_other,no_default_permissions", 0, 0, 0 },
		{ "posix_acl", 1, 1, 1 },
		{ "allow_other,no_posix_acl", 1, 1, 0 },
		{ "allow_other,no_xattr", 1, 1, 0 },
	};
	struct config config;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int privileged;

		assert_int_equal(parse(&config, "-o", cases[i].options, "/s",
				       "/m"), 0);
		config_fill(&config);
		privileged = config.privileged;
		assert_int_equal(config.default_permissions_on,
				 cases[i].kernel);
		assert_int_equal(config.check_permissions,
				 cases[i].check < 0 ? privileged :
						      cases[i].check);
		assert_int_equal(config.use_posix_acl,
				 cases[i].acl < 0 ? privileged : cases[i].acl);
		config_destroy(&config);
	}
}

/* Users who are checked by us: the kernel may not keep names. */
static void test_guarded_names(void **state)
{
	static const struct {
		const char *options;
		bool guarded;
		bool refused;
	} cases[] = {
		{ "allow_other,no_default_permissions", true, false },
		{ "allow_other,no_default_permissions,cache=always", true,
		  false },
		{ "allow_other,no_default_permissions,entry_timeout=0,"
		  "readdirplus=never", true, false },
		{ "allow_other,no_default_permissions,entry_timeout=1", true,
		  true },
		{ "allow_other,no_default_permissions,attr_timeout=1", true,
		  true },
		{ "allow_other,no_default_permissions,negative_timeout=1us",
		  true, true },
		{ "allow_other,no_default_permissions,readdirplus=always", true,
		  true },
		{ "no_default_permissions", false, false },
		{ "allow_other,entry_timeout=1,readdirplus=always", false,
		  false },
	};
	struct config config;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int next = 0;
		bool guarded;
		const char *rule;

		assert_int_equal(parse(&config, "-o", cases[i].options, "/s",
				       "/m"), 0);
		config_fill(&config);
		guarded = config.privileged && cases[i].guarded;
		rule = config_broken_rule(&config, &next);
		assert_int_equal(rule != NULL,
				 config.privileged && cases[i].refused);
		if (rule) {
			assert_non_null(strstr(rule, "may not search"));
		} else if (guarded) {
			assert_true(config.attr_timeout_ns == 0);
			assert_true(config.entry_timeout_ns == 0);
			assert_true(config.negative_timeout_ns == 0);
			assert_int_equal(config.readdirplus, TRI_NEVER);
		} else {
			assert_true(config.entry_timeout_ns > 0);
		}
		config_destroy(&config);
	}
}

static void test_rules(void **state)
{
	static const struct {
		const char *options;
		const char *said;
	} cases[] = {
		{ "writeback,cache=none", "writeback needs" },
		{ "explicit_inval_data,cache=none", "explicit_inval_data" },
		{ "posix_acl,no_xattr", "extended attributes" },
		{ "posix_acl,no_default_permissions", "check permissions" },
	};
	struct config config;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int error;

		assert_int_equal(parse(&config, "-o", cases[i].options, "/",
				       "/"), 0);
		catch_stderr();
		error = config_resolve(&config);
		release_stderr();
		assert_int_equal(error, -EINVAL);
		assert_said(cases[i].said);
		config_destroy(&config);
	}
}

/* A directory of the test's own, with src, src/in, mnt and file. */
static int setup_places(void **state)
{
	char *directory = strdup("/tmp/ferryfs-config.XXXXXX");

	*state = directory;
	if (!mkdtemp(directory) || chdir(directory) != 0 ||
	    mkdir("src", 0755) != 0 || mkdir("src/in", 0755) != 0 ||
	    mkdir("mnt", 0755) != 0 || symlink("src", "link") != 0 ||
	    close(creat("file", 0644)) != 0)
		return -1;
	return 0;
}

static int teardown_places(void **state)
{
	unlink("file");
	unlink("link");
	rmdir("mnt");
	rmdir("src/in");
	rmdir("src");
	if (chdir("/") != 0)
		return -1;
	rmdir(*state);
	free(*state);
	return 0;
}

static void test_places(void **state)
{
	static const struct {
		const char *source;
		const char *mountpoint;
		const char *said;	/* NULL: fine */
	} cases[] = {
		{ "src", "mnt", NULL },
		{ "link", "mnt/.", NULL },
		{ "none", "mnt", "source none: No such file" },
		{ "file", "mnt", "source file: Not a directory" },
		{ "src", "none", "mountpoint none: No such file" },
		{ "src", "file", "mountpoint file: Not a directory" },
		{ "src", "link", "is the source itself" },
		{ "src/in", "src", "inside its own mountpoint" },
		{ "link", "src/in", "is inside the source" },
		{ "/", "mnt", "is inside the source" },
	};
	char expected[PATH_MAX];
	struct config config;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int error;

		assert_int_equal(parse(&config, "-o", "stats_file=s.json",
				       cases[i].source, cases[i].mountpoint), 0);
		catch_stderr();
		error = config_resolve(&config);
		release_stderr();
		if (cases[i].said) {
			assert_int_equal(error, -EINVAL);
			assert_said(cases[i].said);
		} else {
			assert_int_equal(error, 0);
			snprintf(expected, sizeof(expected), "%s/src",
				 (char *)*state);
			assert_string_equal(config.source, expected);
			snprintf(expected, sizeof(expected), "%s/s.json",
				 (char *)*state);
			assert_string_equal(config.stats_file, expected);
		}
		config_destroy(&config);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_guarded_names),
		cmocka_unit_test(test_rules),
		cmocka_unit_test_setup_teardown(test_places, setup_places,
						teardown_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
