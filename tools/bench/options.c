/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of ferryfs-bench. Texts are kept as pointers into argv,
 * which outlives all. Names of contenders are unique and short, so that the
 * table stays one.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define NAME_MAX_CHARS 20

enum {
	OPT_ROWS = 256,
	OPT_RUNS,
	OPT_JSON,
	OPT_FERRYFS,
	OPT_VARIANT,
	OPT_PEER,
	OPT_NO_NATIVE,
	OPT_NO_FERRYFS,
	OPT_DIR,
	OPT_SIZE,
	OPT_FILES,
	OPT_TIMEOUT,
	OPT_QUICK,
};

static const struct option long_options[] = {
	{ "rows", required_argument, NULL, OPT_ROWS },
	{ "runs", required_argument, NULL, OPT_RUNS },
	{ "json", required_argument, NULL, OPT_JSON },
	{ "ferryfs", required_argument, NULL, OPT_FERRYFS },
	{ "variant", required_argument, NULL, OPT_VARIANT },
	{ "peer", required_argument, NULL, OPT_PEER },
	{ "no-native", no_argument, NULL, OPT_NO_NATIVE },
	{ "no-ferryfs", no_argument, NULL, OPT_NO_FERRYFS },
	{ "dir", required_argument, NULL, OPT_DIR },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "files", required_argument, NULL, OPT_FILES },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "quick", no_argument, NULL, OPT_QUICK },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* What is known only when all arguments were seen. */
struct parse {
	const char *ferryfs_options;
	bool native;
	bool ferryfs;
	bool runs_given;
	bool files_given;
	bool size_given;
	unsigned int variant_count;
	struct contender variants[BENCH_CONTENDERS_MAX];
	unsigned int peer_count;
	struct contender peers[BENCH_CONTENDERS_MAX];
};

static int usage_error(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static int usage_error(const char *format, ...)
{
	va_list args;

	fputs("ferryfs-bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return BENCH_USAGE + 1;
}

static void print_help(void)
{
	const struct row *row;

	puts("usage: ferryfs-bench [options]\n"
	     "\n"
	     "Mounts ferryfs and other passthrough filesystems on the same "
	     "directory, gives\n"
	     "them the same work in turn, and compares them with the directory "
	     "itself.\n"
	     "\n"
	     "  --peer 'NAME=COMMAND'     another contender; {src} and {mnt} "
	     "are replaced\n"
	     "  -o OPTIONS                ferryfs's mount options\n"
	     "  --variant 'NAME=OPTIONS'  ferryfs once more, with these "
	     "options instead\n"
	     "  --ferryfs PATH            the program (default: beside this "
	     "one, then PATH)\n"
	     "  --no-native, --no-ferryfs leave these out\n"
	     "  --rows PATTERN[,...]      only these rows (shell patterns)\n"
	     "  --runs N                  samples of each (default 5)\n"
	     "  --files N                 files of the stat rows (default "
	     "15000)\n"
	     "  --size SIZE               the data file, with k, M, G (default "
	     "256M)\n"
	     "  --quick                   a try: one run, 500 files, 8M\n"
	     "  --dir DIR                 where to work (default /var/tmp)\n"
	     "  --timeout SECONDS         for one sample (default 180)\n"
	     "  --json FILE               every sample, as JSON\n"
	     "  -h, --help; -V, --version\n"
	     "\n"
	     "Rows:");
	for (row = rows_next(NULL); row; row = rows_next(row))
		printf("  %-17s %s\n", row->name, row->what);
}

static int parse_number(const char *name, const char *text, bool units,
			unsigned long long max, unsigned long long *ret)
{
	unsigned long long n, factor = 1;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (units && end != text) {
		if (*end == 'k' || *end == 'K')
			factor = 1ULL << 10;
		else if (*end == 'M')
			factor = 1ULL << 20;
		else if (*end == 'G')
			factor = 1ULL << 30;
		if (factor > 1)
			end++;
	}
	if (errno || end == text || *end || *text == '-' || !n ||
	    n > max / factor)
		return usage_error("%s: '%s' is not a %s from 1 to %llu", name,
				   text, units ? "size" : "number", max);
	*ret = n * factor;
	return 0;
}

/* NAME=REST: *text is cut in two. */
static int parse_named(const char *option, char *text, enum contender_kind kind,
		       struct contender *list, unsigned int *count)
{
	char *equals = strchr(text, '=');

	if (!equals || equals == text || !equals[1])
		return usage_error("%s: '%s' is not of the form NAME=%s",
				   option, text,
				   kind == CONTENDER_PEER ? "COMMAND" :
							    "OPTIONS");
	*equals = '\0';
	if (strlen(text) > NAME_MAX_CHARS)
		return usage_error("%s: the name '%s' is longer than %d",
				   option, text, NAME_MAX_CHARS);
	if (kind == CONTENDER_PEER && !strstr(equals + 1, "{mnt}"))
		return usage_error("%s: the command of '%s' has no {mnt}",
				   option, text);
	if (*count == BENCH_CONTENDERS_MAX)
		return usage_error("more than %d contenders",
				   BENCH_CONTENDERS_MAX);
	list[*count].kind = kind;
	list[*count].name = text;
	list[*count].command = equals + 1;
	++*count;
	return 0;
}

static int add_contender(struct options *o, const struct contender *c)
{
	unsigned int i;

	for (i = 0; i < o->contender_count; i++)
		if (!strcmp(o->contenders[i].name, c->name))
			return usage_error("two contenders are named '%s'",
					   c->name);
	if (o->contender_count == BENCH_CONTENDERS_MAX)
		return usage_error("more than %d contenders",
				   BENCH_CONTENDERS_MAX);
	o->contenders[o->contender_count++] = *c;
	return 0;
}

/* The order of the table: native, ferryfs, its variants, the peers. */
static int collect(struct options *o, const struct parse *p)
{
	const struct contender native = { CONTENDER_NATIVE, "native", NULL };
	const struct contender ferryfs = { CONTENDER_FERRYFS, "ferryfs",
					   p->ferryfs_options };
	unsigned int i;
	int error = 0;

	if (p->native)
		error = add_contender(o, &native);
	if (!error && p->ferryfs)
		error = add_contender(o, &ferryfs);
	for (i = 0; !error && i < p->variant_count; i++)
		error = add_contender(o, &p->variants[i]);
	for (i = 0; !error && i < p->peer_count; i++)
		error = add_contender(o, &p->peers[i]);
	if (!error && !o->contender_count)
		error = usage_error("nothing is left to measure");
	return error;
}

static int check_rows(const struct options *o)
{
	const struct row *row;

	for (row = rows_next(NULL); row; row = rows_next(row))
		if (rows_selected(o, row))
			return 0;
	return usage_error("--rows: no row is named '%s' (--help lists them)",
			   o->rows);
}

static int parse_numeric(int option, const char *arg, struct options *o,
			 struct parse *p)
{
	unsigned long long n;
	int error;

	switch (option) {
	case OPT_RUNS:
		error = parse_number("--runs", arg, false, BENCH_RUNS_MAX, &n);
		if (!error)
			o->runs = (unsigned int)n;
		p->runs_given = true;
		return error;
	case OPT_SIZE:
		error = parse_number("--size", arg, true, 1ULL << 40, &n);
		if (!error && n % (1 << 20))
			error = usage_error("--size: '%s' is not a multiple "
					    "of 1M", arg);
		if (!error)
			o->size_bytes = n;
		p->size_given = true;
		return error;
	case OPT_FILES:
		error = parse_number("--files", arg, false, BENCH_FILES_MAX,
				     &n);
		if (!error)
			o->files = (unsigned long)n;
		p->files_given = true;
		return error;
	default:
		error = parse_number("--timeout", arg, false, 86400, &n);
		if (!error)
			o->timeout_s = (unsigned int)n;
		return error;
	}
}

static int parse_one(int option, char *arg, struct options *o, struct parse *p)
{
	switch (option) {
	case 'o':
		p->ferryfs_options = arg;
		return 0;
	case OPT_ROWS:
		o->rows = arg;
		return 0;
	case OPT_JSON:
		o->json_path = arg;
		return 0;
	case OPT_FERRYFS:
		o->ferryfs_path = arg;
		return 0;
	case OPT_VARIANT:
		return parse_named("--variant", arg, CONTENDER_FERRYFS,
				   p->variants, &p->variant_count);
	case OPT_PEER:
		return parse_named("--peer", arg, CONTENDER_PEER, p->peers,
				   &p->peer_count);
	case OPT_NO_NATIVE:
		p->native = false;
		return 0;
	case OPT_NO_FERRYFS:
		p->ferryfs = false;
		return 0;
	case OPT_DIR:
		o->dir = arg;
		return 0;
	case OPT_QUICK:
		o->quick = true;
		return 0;
	case 'h':
		print_help();
		return BENCH_OK + 1;
	case 'V':
		puts("ferryfs-bench " PACKAGE_VERSION);
		return BENCH_OK + 1;
	case '?':
		return BENCH_USAGE + 1;	/* getopt has said why */
	default:
		return parse_numeric(option, arg, o, p);
	}
}

int options_parse(int argc, char **argv, struct options *ret)
{
	struct parse p = { .native = true, .ferryfs = true };
	struct options o = { .dir = "/var/tmp", .timeout_s = 180 };
	int option, error = 0;

	while (!error && (option = getopt_long(argc, argv, "o:hV", long_options,
					       NULL)) != -1)
		error = parse_one(option, optarg, &o, &p);
	if (error)
		return error;
	if (optind < argc)
		return usage_error("'%s' is not an option", argv[optind]);
	if (!p.runs_given)
		o.runs = o.quick ? 1 : 5;
	if (!p.files_given)
		o.files = o.quick ? 500 : 15000;
	if (!p.size_given)
		o.size_bytes = o.quick ? 8 << 20 : 256 << 20;
	error = collect(&o, &p);
	if (!error)
		error = check_rows(&o);
	if (!error)
		*ret = o;
	return error;
}
