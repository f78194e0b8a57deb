/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ferryfs-bench: ferryfs and other passthrough filesystems side by side. This
 * file sets the stage (namespace, folders, signals), goes through the rows and
 * clears everything away again, also after SIGINT and SIGTERM.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

volatile sig_atomic_t bench_stopping;
sigset_t bench_wait_mask;

static void on_signal(int sig)
{
	(void)sig;
	bench_stopping = 1;
}

static int set_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t blocked;

	sigemptyset(&sa.sa_mask);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &blocked, &bench_wait_mask) < 0 ||
	    sigaction(SIGINT, &sa, NULL) < 0 ||
	    sigaction(SIGTERM, &sa, NULL) < 0)
		return -errno;
	sigdelset(&bench_wait_mask, SIGINT);
	sigdelset(&bench_wait_mask, SIGTERM);
	return 0;
}

static bool in_path(const char *name)
{
	const char *path = getenv("PATH");
	char candidate[BENCH_PATH_MAX];

	while (path && *path) {
		const int n = (int)strcspn(path, ":");

		if (snprintf(candidate, sizeof(candidate), "%.*s/%s", n, path,
			     name) < (int)sizeof(candidate) &&
		    !access(candidate, X_OK))
			return true;
		path += n;
		if (*path == ':')
			path++;
	}
	return false;
}

static bool any_of_kind(const struct options *o, enum contender_kind kind)
{
	unsigned int i;

	for (i = 0; i < o->contender_count; i++)
		if (o->contenders[i].kind == kind)
			return true;
	return false;
}

/* As given; else the one that was built with us; else by PATH. */
static int find_ferryfs(struct bench *b)
{
	char self[PATH_MAX], beside[BENCH_PATH_MAX];
	ssize_t n;

	if (!any_of_kind(&b->options, CONTENDER_FERRYFS))
		return 0;
	if (b->options.ferryfs_path) {
		if (access(b->options.ferryfs_path, X_OK) < 0 ||
		    !realpath(b->options.ferryfs_path, self)) {
			fprintf(stderr, "ferryfs-bench: --ferryfs: %s: %s\n",
				b->options.ferryfs_path, strerror(errno));
			return BENCH_USAGE;
		}
		snprintf(b->ferryfs, sizeof(b->ferryfs), "%s", self);
		return 0;
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n > 0) {
		self[n] = '\0';
		if (snprintf(beside, sizeof(beside), "%s/ferryfs",
			     dirname(self)) < (int)sizeof(beside) &&
		    !access(beside, X_OK)) {
			snprintf(b->ferryfs, sizeof(b->ferryfs), "%s", beside);
			return 0;
		}
	}
	if (in_path("ferryfs")) {
		snprintf(b->ferryfs, sizeof(b->ferryfs), "ferryfs");
		return 0;
	}
	fprintf(stderr, "ferryfs-bench: no ferryfs beside this program or in "
			"PATH: say --ferryfs PATH or --no-ferryfs\n");
	return BENCH_USAGE;
}

static int cannot(const char *why)
{
	fprintf(stderr, "ferryfs-bench: cannot run here: %s\n", why);
	return BENCH_CANNOT;
}

static int check_machine(const struct options *o)
{
	const struct row *row;
	const bool mounts = any_of_kind(o, CONTENDER_FERRYFS) ||
			    any_of_kind(o, CONTENDER_PEER);

	if (geteuid() != 0)
		return cannot("needs root, for mounts in a namespace of its "
			      "own");
	if (mounts && access("/dev/fuse", R_OK | W_OK) < 0)
		return cannot("no /dev/fuse");
	for (row = rows_next(NULL); row; row = rows_next(row))
		if (row->needs_fio && rows_selected(o, row) && !in_path("fio"))
			return cannot("no fio: install it, or choose other "
				      "rows with --rows");
	return 0;
}

static int make_folders(struct bench *b)
{
	char dir[PATH_MAX];

	if (!realpath(b->options.dir, dir)) {
		fprintf(stderr, "ferryfs-bench: --dir: %s: %s\n",
			b->options.dir, strerror(errno));
		return BENCH_USAGE;
	}
	/* Room for the names below it, wherever they go. */
	if (strlen(dir) > BENCH_PATH_MAX / 2) {
		fprintf(stderr, "ferryfs-bench: --dir: %s: too long\n", dir);
		return BENCH_USAGE;
	}
	snprintf(b->work, BENCH_PATH_MAX, "%s/ferryfs-bench.XXXXXX", dir);
	if (!mkdtemp(b->work)) {
		fprintf(stderr, "ferryfs-bench: %s: %s\n", b->work,
			strerror(errno));
		return BENCH_FAILED;
	}
	snprintf(b->src, BENCH_PATH_MAX, "%.*s/src", BENCH_PATH_MAX - 8,
		 b->work);
	snprintf(b->mnt, BENCH_PATH_MAX, "%.*s/mnt", BENCH_PATH_MAX - 8,
		 b->work);
	if (mkdir(b->src, 0755) < 0 || mkdir(b->mnt, 0755) < 0) {
		fprintf(stderr, "ferryfs-bench: mkdir in %s: %s\n", b->work,
			strerror(errno));
		tree_remove(b->work);
		return BENCH_FAILED;
	}
	return 0;
}

/* Failed: native or ferryfs has a row without a number. Peers may fail. */
static bool row_failed(const struct options *o, const struct row_results *r)
{
	unsigned int i;

	for (i = 0; i < o->contender_count; i++)
		if (o->contenders[i].kind != CONTENDER_PEER &&
		    *r->results[i].error)
			return true;
	return false;
}

static int allocate(const struct options *o, struct row_results *r)
{
	unsigned int i;

	for (i = 0; i < o->contender_count; i++) {
		r->results[i].samples = calloc(o->runs, sizeof(double));
		if (!r->results[i].samples)
			return -ENOMEM;
	}
	return 0;
}

static int run_rows(struct bench *b, struct row_results *rows, size_t *count)
{
	const struct options *o = &b->options;
	const struct row *row;
	int status = BENCH_OK;

	report_head(o);
	for (row = rows_next(NULL); row; row = rows_next(row)) {
		struct row_results *r = &rows[*count];

		if (!rows_selected(o, row))
			continue;
		r->row = row;
		if (allocate(o, r) < 0) {
			fprintf(stderr, "ferryfs-bench: out of memory\n");
			return BENCH_FAILED;
		}
		++*count;
		if (runner_row(b, r) < 0) {
			/* What was interrupted is no result. */
			--*count;
			fprintf(stderr, "ferryfs-bench: stopped\n");
			return BENCH_FAILED;
		}
		report_row(o, r);
		if (row_failed(o, r))
			status = BENCH_FAILED;
	}
	return status;
}

static void free_rows(struct row_results *rows, size_t count)
{
	size_t n, i;

	for (n = 0; n < count; n++)
		for (i = 0; i < BENCH_CONTENDERS_MAX; i++)
			free(rows[n].results[i].samples);
	free(rows);
}

static int run(struct bench *b)
{
	const size_t max = meta_row_count + data_row_count + tree_row_count;
	struct row_results *rows;
	size_t count = 0;
	int status;

	rows = calloc(max, sizeof(*rows));
	if (!rows)
		return BENCH_FAILED;
	if (runner_try_mounts(b) < 0) {
		status = BENCH_FAILED;
		goto out_free;
	}
	status = run_rows(b, rows, &count);
	if (count)
		report_foot(&b->options, rows, count);
	if (report_json(b, rows, count) < 0)
		status = BENCH_FAILED;
out_free:
	free_rows(rows, max);
	return status;
}

int main(int argc, char **argv)
{
	static struct bench b;
	int status, error;

	status = options_parse(argc, argv, &b.options);
	if (status)
		return status - 1;
	status = check_machine(&b.options);
	if (!status)
		status = find_ferryfs(&b);
	if (status)
		return status;
	error = set_signals();
	if (error) {
		fprintf(stderr, "ferryfs-bench: signals: %s\n",
			strerror(-error));
		return BENCH_FAILED;
	}
	error = mounts_private();
	if (error == -EPERM)
		return cannot("mount namespaces are not permitted");
	if (error) {
		fprintf(stderr, "ferryfs-bench: mount namespace: %s\n",
			strerror(-error));
		return BENCH_FAILED;
	}
	umask(022);
	status = make_folders(&b);
	if (status)
		return status;
	status = run(&b);
	error = tree_remove(b.work);
	if (error) {
		fprintf(stderr, "ferryfs-bench: left behind: %s: %s\n", b.work,
			strerror(-error));
		status = BENCH_FAILED;
	}
	return status;
}
