/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: libfuse's fuse_opt splits it (and -o with its escapes), each
 * word is then an action, a row of the table, or a word of mount(8). Whatever is
 * none of them is refused in one line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FUSE_USE_VERSION 35
#include <fuse_opt.h>

#include "config_table.h"
#include "util.h"

/* Words that libfuse's mount understands: they go there. */
static const char *const kernel_words[] = {
	"ro", "rw", "suid", "nosuid", "dev", "nodev", "exec", "noexec", "sync",
	"async", "dirsync", "atime", "noatime",
};

/* With a value, for security modules; likewise. */
static const char *const kernel_values[] = {
	"context=", "fscontext=", "defcontext=", "rootcontext=",
};

/*
 * What mount(8) and fstab add for their own use, or what means nothing to a FUSE
 * mount: understood and dropped.
 */
static const char *const dropped_words[] = {
	"defaults", "auto", "noauto", "user", "nouser", "users", "owner",
	"group", "nofail", "_netdev", "_rnetdev", "diratime", "nodiratime", "relatime",
	"norelatime", "strictatime", "nostrictatime", "lazytime",
	"nolazytime", "iversion", "noiversion", "mand", "nomand", "silent",
	"loud",
};

static const char *const dropped_prefixes[] = {
	"user=", "x-", "X-", "comment=", "helper=", "uhelper=",
};

static bool word_in(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(word, list[i]) == 0)
			return true;
	}
	return false;
}

static bool prefix_in(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strncmp(word, list[i], strlen(list[i])) == 0)
			return true;
	}
	return false;
}

/* Edits (insert, delete, replace) between two names, at most 64 bytes each. */
static unsigned int name_distance(const char *a, size_t a_bytes, const char *b)
{
	unsigned int row[65];
	size_t b_bytes = strlen(b);

	if (a_bytes > 64 || b_bytes > 64)
		return 64;
	for (size_t j = 0; j <= b_bytes; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= a_bytes; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= b_bytes; j++) {
			unsigned int above = row[j];
			unsigned int best = diagonal + (a[i - 1] != b[j - 1]);

			best = (unsigned int)min_u64(best, above + 1U);
			best = (unsigned int)min_u64(best, row[j - 1] + 1U);
			diagonal = above;
			row[j] = best;
		}
	}
	return row[b_bytes];
}

/* The row that a mistyped NAME is likely to mean, or NULL. */
static const struct option_row *nearest_row(const char *name, size_t bytes)
{
	const struct option_row *nearest = NULL;
	unsigned int distance_max = bytes < 5 ? 1 : 2;
	unsigned int best = distance_max + 1;

	for (size_t i = 0; i < config_table_rows; i++) {
		const char *candidate = config_table[i].name;
		unsigned int distance = name_distance(name, bytes, candidate);

		if (distance < best) {
			best = distance;
			nearest = &config_table[i];
		}
	}
	return nearest;
}

static int complain_unknown(const char *word)
{
	size_t bytes = strcspn(word, "=");
	const char *name = word;
	const struct option_row *row;
	bool negated = false;

	if (strncmp(name, "no_", 3) == 0 && bytes > 3) {
		name += 3;
		bytes -= 3;
		negated = true;
	} else if (strncmp(name, "no", 2) == 0 && bytes > 2 &&
		   config_row(name + 2, bytes - 2)) {
		name += 2;
		bytes -= 2;
		negated = true;
	}
	row = nearest_row(name, bytes);
	if (row)
		config_complain("option '%s' is not known; is '%s%s' meant? "
				"See --help", word,
				negated && !row->argument ? "no_" : "",
				row->name);
	else
		config_complain("option '%s' is not known; see --help", word);
	return -EINVAL;
}

/* A word of -o that the table has: 1. 0: it has not. -errno: refused. */
static int parse_row(struct config *config, const char *word)
{
	size_t bytes = strcspn(word, "=");
	const struct option_row *row = config_row(word, bytes);
	bool on = true;
	int error;

	if (!row && strncmp(word, "no_", 3) == 0) {
		row = config_row(word + 3, bytes - 3);
		if (row && row->argument)
			row = NULL;
		on = false;
	}
	if (!row)
		return 0;
	if (row->kind == OPTION_FLAG || row->kind == OPTION_SWITCH) {
		if (word[bytes] == '=') {
			config_complain("%s: %s takes no value; allowed is %s "
					"or no_%s", word, row->name, row->name,
					row->name);
			return -EINVAL;
		}
		config_set_flag(config, row, on);
		return 1;
	}
	if (word[bytes] != '=') {
		char allowed[160];

		config_complain("%s needs a value: %s", row->name,
				config_allowed_text(row, allowed,
						    sizeof(allowed)));
		return -EINVAL;
	}
	error = config_set(config, row, word + bytes + 1);
	return error ? error : 1;
}

/* Hands a word on to libfuse's mount, its commas and backslashes escaped. */
static int pass_to_mount(struct config *config, const char *word)
{
	char *escaped = NULL;
	int error = 0;

	if (fuse_opt_add_opt_escaped(&escaped, word) != 0 ||
	    fuse_opt_add_arg(config->mount_args, "-o") != 0 ||
	    fuse_opt_add_arg(config->mount_args, escaped) != 0)
		error = -ENOMEM;
	free(escaped);
	return error;
}

/* A word of -o, unescaped. */
static int parse_mount_word(struct config *config, const char *word)
{
	int found;

	if (strcmp(word, "") == 0)
		return 0;
	found = parse_row(config, word);
	if (found)
		return found < 0 ? found : 0;
	if (strcmp(word, "ro") == 0 || strcmp(word, "rw") == 0)
		config->read_only = word[1] == 'o';
	if (word_in(word, kernel_words, ARRAY_SIZE(kernel_words)) ||
	    prefix_in(word, kernel_values, ARRAY_SIZE(kernel_values)))
		return pass_to_mount(config, word);
	if (word_in(word, dropped_words, ARRAY_SIZE(dropped_words)) ||
	    prefix_in(word, dropped_prefixes, ARRAY_SIZE(dropped_prefixes)))
		return 0;
	if (strcmp(word, "remount") == 0) {
		config->remount = true;
		return 0;
	}
	if (strcmp(word, "debug") == 0) {
		config->debug = true;
		return 0;
	}
	return complain_unknown(word);
}

/* A word with dashes. */
static int parse_switch(struct config *config, const char *word)
{
	if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
		config->action = CONFIG_HELP;
	} else if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0) {
		if (config->action != CONFIG_HELP)
			config->action = CONFIG_VERSION;
	} else if (strcmp(word, "--check") == 0) {
		if (config->action == CONFIG_MOUNT)
			config->action = CONFIG_CHECK;
	} else if (strcmp(word, "-f") == 0 ||
		   strcmp(word, "--foreground") == 0) {
		config->foreground = true;
	} else if (strcmp(word, "-d") == 0 || strcmp(word, "--debug") == 0) {
		config->debug = true;
	} else if (strcmp(word, "-s") == 0) {
		config->workers = 1;
	} else if (strcmp(word, "-r") == 0) {
		return parse_mount_word(config, "ro");
	} else if (strcmp(word, "-w") == 0) {
		return parse_mount_word(config, "rw");
	} else if (strcmp(word, "-n") != 0) {
		/* mount(8) helpers may get -n: no mtab, which nobody has now. */
		config_complain("option '%s' is not known; see --help", word);
		return -EINVAL;
	}
	return 0;
}

static int parse_place(struct config *config, const char *word)
{
	char **place = config->source ? &config->mountpoint : &config->source;

	if (*place) {
		config_complain("'%s' is one argument too many; allowed are "
				"SOURCE and MOUNTPOINT", word);
		return -EINVAL;
	}
	*place = strdup(word);
	return *place ? 0 : -ENOMEM;
}

struct parse_state {
	struct config *config;
	int error;
};

/* fuse_opt's callback: -1 stops it, 0 drops the word. */
static int parse_word(void *data, const char *word, int key,
		      struct fuse_args *rest)
{
	struct parse_state *state = data;

	(void)rest;
	if (key == FUSE_OPT_KEY_NONOPT)
		state->error = parse_place(state->config, word);
	else if (word[0] == '-')
		state->error = parse_switch(state->config, word);
	else
		state->error = parse_mount_word(state->config, word);
	return state->error ? -1 : 0;
}

static int set_initial(struct config *config)
{
	memset(config, 0, sizeof(*config));
	config->attr_timeout_ns = CONFIG_TIMEOUT_UNSET;
	config->entry_timeout_ns = CONFIG_TIMEOUT_UNSET;
	config->negative_timeout_ns = CONFIG_TIMEOUT_UNSET;
	for (size_t i = 0; i < config_table_rows; i++) {
		const struct option_row *row = &config_table[i];
		int error;

		if (!row->initial)
			continue;
		if (row->kind == OPTION_FLAG) {
			config_set_flag(config, row,
					strcmp(row->initial, "yes") == 0);
			continue;
		}
		error = config_set(config, row, row->initial);
		if (error)
			return error;
	}
	config->mount_args = calloc(1, sizeof(*config->mount_args));
	if (!config->mount_args ||
	    fuse_opt_add_arg(config->mount_args, "ferryfs") != 0)
		return -ENOMEM;
	return 0;
}

/* What can only be said once all words are known. */
static int parse_finish(struct config *config)
{
	if (config->debug) {
		config->foreground = true;
		config->log_level = LOG_LEVEL_DEBUG;
	}
	if (config->action == CONFIG_HELP || config->action == CONFIG_VERSION)
		return 0;
	if (!config->source) {
		config_complain("SOURCE and MOUNTPOINT are missing; see --help");
		return -EINVAL;
	}
	if (!config->mountpoint) {
		config_complain("MOUNTPOINT is missing: ferryfs [options] SOURCE "
				"MOUNTPOINT; see --help");
		return -EINVAL;
	}
	if (config->remount) {
		config_complain("remount is not possible: unmount %s and mount "
				"it again with the new options",
				config->mountpoint);
		return -EINVAL;
	}
	return 0;
}

int config_parse(struct config *config, int argc, char **argv)
{
	/* An empty template list: every word comes to parse_word(). */
	static const struct fuse_opt no_templates[] = { FUSE_OPT_END };
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct parse_state state = { .config = config };
	int error = set_initial(config);

	if (error)
		return error;
	if (argc > 1 && strcmp(argv[argc - 1], "-o") == 0) {
		config_complain("-o needs options after it; see --help");
		return -EINVAL;
	}
	if (fuse_opt_parse(&args, &state, no_templates, parse_word) != 0)
		error = state.error ? state.error : -ENOMEM;
	fuse_opt_free_args(&args);
	if (error == -ENOMEM)
		config_complain("out of memory");
	return error ? error : parse_finish(config);
}
