/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: what is taken, what is refused and in which words.
 */
#include "config_words.h"

#include <stdlib.h>

#define FUSE_USE_VERSION 35
#include <fuse_opt.h>

#include "config_table.h"
#include "util.h"

static void assert_refused(const char *options, const char *needle)
{
	struct config config;

	assert_int_equal(parse(&config, "-o", options, "/src", "/mnt"),
			 -EINVAL);
	assert_said(needle);
	config_destroy(&config);
}

static void test_defaults(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(parse(&config, "/src", "/mnt"), 0);
	assert_string_equal(said, "");
	assert_int_equal(config.action, CONFIG_MOUNT);
	assert_string_equal(config.source, "/src");
	assert_string_equal(config.mountpoint, "/mnt");
	assert_int_equal(config.cache, CACHE_AUTO);
	assert_int_equal(config.engine, ENGINE_AUTO);
	assert_int_equal(config.workers, 0);
	assert_int_equal(config.max_read_bytes, 1 << 20);
	assert_int_equal(config.max_write_bytes, 1 << 20);
	assert_int_equal(config.max_background, 64);
	assert_int_equal(config.readdirplus, TRI_AUTO);
	assert_int_equal(config.inode_handles, TRI_AUTO);
	assert_int_equal(config.log_level, LOG_LEVEL_INFO);
	assert_int_equal(config.may_block, MAY_BLOCK_WORKER);
	assert_int_equal(config.completion, COMPLETION_AUTO);
	assert_string_equal(config.transport, "auto");
	assert_true(config.xattr && config.flock && config.posix_lock);
	assert_false(config.writeback || config.allow_other);
	assert_false(config.foreground || config.debug || config.read_only);
	assert_true(config.attr_timeout_ns == CONFIG_TIMEOUT_UNSET);
	config_destroy(&config);
}

static void test_values(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(
		parse(&config, "-o",
		      "cache=always,attr_timeout=300ms,entry_timeout=2s",
		      "/src", "-onegative_timeout=1.5,engine=sync,workers=7",
		      "/mnt", "-o", "max_read=64k,max_write=128K,no_xattr",
		      "-o", "posix_acl,no_default_permissions,no_flock"),
		0);
	assert_int_equal(config.cache, CACHE_ALWAYS);
	assert_true(config.attr_timeout_ns == 300 * NSEC_PER_MSEC);
	assert_true(config.entry_timeout_ns == 2 * NSEC_PER_SEC);
	assert_true(config.negative_timeout_ns == 1500 * NSEC_PER_MSEC);
	assert_int_equal(config.engine, ENGINE_SYNC);
	assert_int_equal(config.workers, 7);
	assert_int_equal(config.max_read_bytes, 64 << 10);
	assert_int_equal(config.max_write_bytes, 128 << 10);
	assert_false(config.xattr || config.flock);
	assert_int_equal(config.posix_acl, SWITCH_ON);
	assert_int_equal(config.default_permissions, SWITCH_OFF);
	config_destroy(&config);
}

/* fuse_opt's escapes; spaces and colons stay as they are. */
static void test_escapes(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(parse(&config, "-o",
			       "fsname=a\\,b c:d\\\\e,log_file=/x\\,y",
			       "/s,r:c d", "/mnt"), 0);
	assert_string_equal(config.fsname, "a,b c:d\\e");
	assert_string_equal(config.log_file, "/x,y");
	assert_string_equal(config.source, "/s,r:c d");
	config_destroy(&config);
}

static bool passed_on(const struct config *config, const char *word)
{
	for (int i = 0; i < config->mount_args->argc; i++) {
		if (strcmp(config->mount_args->argv[i], word) == 0)
			return true;
	}
	return false;
}

/* What mount(8) and fstab say. */
static void test_mount_words(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(
		parse(&config, "/src", "/mnt", "-o",
		      "rw,suid,dev,exec,user=bob,nofail,_netdev,_rnetdev,defaults,"
		      "uhelper=udisks2,"
		      "noauto,x-systemd.automount,x-gvfs-name=a b,relatime,"
		      "context=\"u:r\\,s\""), 0);
	assert_true(passed_on(&config, "suid"));
	assert_true(passed_on(&config, "context=\"u:r\\,s\""));
	assert_false(passed_on(&config, "nofail"));
	assert_false(passed_on(&config, "user=bob"));
	assert_false(config.read_only);
	config_destroy(&config);

	assert_int_equal(parse(&config, "/src", "/mnt", "-o", "ro,nosuid"), 0);
	assert_true(config.read_only);
	assert_true(passed_on(&config, "ro"));
	config_destroy(&config);
}

static void test_switches(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(parse(&config, "-f", "-s", "/src", "/mnt"), 0);
	assert_true(config.foreground);
	assert_int_equal(config.workers, 1);
	config_destroy(&config);

	assert_int_equal(parse(&config, "--debug", "/src", "/mnt"), 0);
	assert_true(config.foreground && config.debug);
	assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
	config_destroy(&config);

	assert_int_equal(parse(&config, "--check", "/src", "/mnt"), 0);
	assert_int_equal(config.action, CONFIG_CHECK);
	config_destroy(&config);

	assert_int_equal(parse(&config, "-V"), 0);
	assert_int_equal(config.action, CONFIG_VERSION);
	config_destroy(&config);

	assert_int_equal(parse(&config, "-V", "--help"), 0);
	assert_int_equal(config.action, CONFIG_HELP);
	config_destroy(&config);

	assert_int_equal(parse(&config, "--", "-src", "/mnt"), 0);
	assert_string_equal(config.source, "-src");
	config_destroy(&config);
}

static void test_refused_options(void **state)
{
	static const struct {
		const char *options;
		const char *said;
	} cases[] = {
		{ "cach=none", "'cache' meant" },
		{ "no_xatr", "'no_xattr' meant" },
		{ "noxattr", "'no_xattr' meant" },
		{ "entirely_unknown", "'entirely_unknown' is not known; see" },
		{ "cache=some", "none, auto or always" },
		{ "cache", "cache needs a value: none, auto or always" },
		{ "no_cache", "not known" },
		{ "no_cache=none", "not known" },
		{ "xattr=yes", "xattr takes no value" },
		{ "workers=65", "0 to 64" },
		{ "workers=-1", "0 to 64" },
		{ "workers=", "0 to 64" },
		{ "workers=1x", "0 to 64" },
		{ "workers=18446744073709551617", "0 to 64" },
		{ "max_read=3k", "from 4k to 1M" },
		{ "max_read=5000", "multiple of the page" },
		{ "max_write=2M", "from 4k to 1M" },
		{ "max_write=17179869184G", "from 4k to 1M" },
		{ "attr_timeout=fast", "300ms, 2s or 1.5" },
		{ "attr_timeout=1h", "300ms" },
		{ "attr_timeout=-1", "300ms" },
		{ "attr_timeout=.", "300ms" },
		{ "attr_timeout=1e3", "300ms" },
		{ "attr_timeout=999999999999", "at most 31536000" },
		{ "max_background=0", "1 to 65535" },
		{ "fd_limit=3", "from 16" },
		{ "log=loud", "error, warning, info or debug" },
		{ "log_file=", "not empty" },
		{ "remount,ro", "unmount /mnt and mount" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_refused(cases[i].options, cases[i].said);
}

static void test_refused_arguments(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(parse(&config), -EINVAL);
	assert_said("SOURCE and MOUNTPOINT are missing");
	config_destroy(&config);
	assert_int_equal(parse(&config, "/src"), -EINVAL);
	assert_said("MOUNTPOINT is missing");
	config_destroy(&config);
	assert_int_equal(parse(&config, "/src", "/mnt", "/more"),
			 -EINVAL);
	assert_said("'/more' is one argument too many");
	config_destroy(&config);
	assert_int_equal(parse(&config, "/src", "/mnt", "-o"), -EINVAL);
	assert_said("-o needs options");
	config_destroy(&config);
	assert_int_equal(parse(&config, "/src", "/mnt", "--chek"),
			 -EINVAL);
	assert_said("'--chek' is not known");
	config_destroy(&config);
}

/* Every row: its default is a value it takes, and a junk value is refused. */
static void test_every_row(void **state)
{
	struct config config;

	(void)state;
	for (size_t i = 0; i < config_table_rows; i++) {
		const struct option_row *row = &config_table[i];
		char word[128];

		assert_non_null(row->help);
		assert_true(row->initial || row->initial_text);
		if (!row->argument) {
			assert_int_equal(parse(&config, "-o", row->name, "/s",
					       "/m"), 0);
			config_destroy(&config);
			continue;
		}
		snprintf(word, sizeof(word), "%s=", row->name);
		assert_int_equal(parse(&config, "-o", word, "/s", "/m"),
				 -EINVAL);
		assert_said("allowed is");
		config_destroy(&config);
		if (!row->initial)
			continue;
		snprintf(word, sizeof(word), "%s=%s", row->name, row->initial);
		assert_int_equal(parse(&config, "-o", word, "/s", "/m"),
				 0);
		config_destroy(&config);
	}
}

/* --help and the man page name every option. */
static void test_help(void **state)
{
	char *help = NULL;
	char *mdoc = NULL;
	size_t bytes;
	FILE *out;

	(void)state;
	out = open_memstream(&help, &bytes);
	config_print_help(out, "ferryfs");
	fclose(out);
	out = open_memstream(&mdoc, &bytes);
	config_print_mdoc(out);
	fclose(out);
	for (size_t i = 0; i < config_table_rows; i++) {
		assert_non_null(strstr(help, config_table[i].name));
		assert_non_null(strstr(mdoc, config_table[i].name));
	}
	for (char *line = strtok(help, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 80);
	free(help);
	free(mdoc);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_mount_words),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_refused_options),
		cmocka_unit_test(test_refused_arguments),
		cmocka_unit_test(test_every_row),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
