/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --help and the man page's list of options, from the table.
 */
#include <stdio.h>
#include <string.h>

#include "config_table.h"

#define HELP_COLUMN 26
#define HELP_WIDTH 79

/* The words of TEXT; each line begins at column INDENT, the first is there. */
static void print_wrapped(FILE *out, const char *text, int indent)
{
	int at = indent;

	while (*text) {
		int length = (int)strcspn(text, " ");

		if (at > indent && at + 1 + length > HELP_WIDTH) {
			fprintf(out, "\n%*s", indent, "");
			at = indent;
		}
		at += fprintf(out, "%s%.*s", at > indent ? " " : "", length,
			      text);
		text += length;
		if (*text == ' ')
			text++;
	}
	fputc('\n', out);
}

static const char *row_default(const struct option_row *row)
{
	return row->initial_text ? row->initial_text : row->initial;
}

static void print_item(FILE *out, const char *name, const char *text)
{
	int at = fprintf(out, "  %s", name);

	if (at >= HELP_COLUMN - 1) {
		fputc('\n', out);
		at = 0;
	}
	fprintf(out, "%*s", HELP_COLUMN - at, "");
	print_wrapped(out, text, HELP_COLUMN);
}

static void print_row(FILE *out, const struct option_row *row)
{
	char name[64];
	char text[512];

	if (row->argument)
		snprintf(name, sizeof(name), "%s=%s", row->name, row->argument);
	else
		snprintf(name, sizeof(name), "[no_]%s", row->name);
	snprintf(text, sizeof(text), "%s (default: %s)", row->help,
		 row_default(row));
	print_item(out, name, text);
}

void config_print_help(FILE *out, const char *program)
{
	fprintf(out,
		"Usage: %s [options] SOURCE MOUNTPOINT\n"
		"Mounts the directory SOURCE at MOUNTPOINT through FUSE.\n\n",
		program);
	print_item(out, "-o OPTION[,OPTION]...",
		   "the options below; a comma in a value is written \\,");
	print_item(out, "-f, --foreground", "do not become a daemon");
	print_item(out, "-d, --debug",
		   "a line for each request and reply; stays in the foreground");
	print_item(out, "-s", "one worker: the same as -o workers=1");
	print_item(out, "--check",
		   "mount nothing; say what would fail and how to mend it");
	print_item(out, "-h, --help", "this text");
	print_item(out, "-V, --version", "version and what is built in");
	for (int group = 0; group < GROUP_COUNT; group++) {
		fprintf(out, "\n%s:\n", config_group_titles[group]);
		for (size_t i = 0; i < config_table_rows; i++) {
			if ((int)config_table[i].group == group)
				print_row(out, &config_table[i]);
		}
	}
	fputs("\nThe words of mount(8) (ro, rw, nosuid, nodev, noexec, noatime, "
	      "user=NAME,\nnofail, _netdev, x-... and their like) are "
	      "understood; remount is not possible.\n"
	      "Times: 300ms, 2s, bare numbers are seconds. Sizes: k, M, G.\n"
	      "Exit status: 0 all is well, 1 it failed, 2 wrong usage.\n",
	      out);
}

/* No word of ours begins with a dot or a quote, which mdoc would take as its. */
void config_print_mdoc(FILE *out)
{
	for (int group = 0; group < GROUP_COUNT; group++) {
		fprintf(out, ".Ss %s\n.Bl -tag -width Ds\n",
			config_group_titles[group]);
		for (size_t i = 0; i < config_table_rows; i++) {
			const struct option_row *row = &config_table[i];

			if ((int)row->group != group)
				continue;
			if (row->argument)
				fprintf(out, ".It Cm %s Ns = Ns Ar %s\n",
					row->name, row->argument);
			else
				fprintf(out, ".It Cm %s , no_%s\n", row->name,
					row->name);
			print_wrapped(out, row->help, 0);
			fprintf(out, "(default: %s).\n", row_default(row));
		}
		fputs(".El\n", out);
	}
}
