/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of ferryfs-bench share: the options, the contenders, the rows
 * and one sample. The main process is single-threaded and never touches a
 * mounted filesystem itself: every touch is made by a child with a time limit
 * (child.c), so a filesystem that hangs costs a row, not the whole run.
 *
 * It measures; it does not check that what it reads is right (ferryfs-stress
 * and the test suite do).
 */
#ifndef FERRYFS_BENCH_H
#define FERRYFS_BENCH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define BENCH_CONTENDERS_MAX 16
#define BENCH_RUNS_MAX 1000
#define BENCH_FILES_MAX 10000000UL
#define BENCH_PATH_MAX 4096
#define BENCH_ERROR_MAX 1024

/* The floor under which ferryfs's ratio to the best peer is marked. */
#define BENCH_FLOOR 0.9

enum exit_code {
	BENCH_OK = 0,
	BENCH_FAILED = 1,
	BENCH_USAGE = 2,
	BENCH_CANNOT = 77,
};

enum contender_kind { CONTENDER_NATIVE, CONTENDER_FERRYFS, CONTENDER_PEER };

struct contender {
	enum contender_kind kind;
	const char *name;
	/* FERRYFS: the text for its -o, or NULL. PEER: a shell command. */
	const char *command;
};

struct options {
	const char *rows;	/* patterns, separated by commas; NULL: all */
	unsigned int runs;
	const char *json_path;
	const char *ferryfs_path; /* NULL: beside this program, else by PATH */
	const char *dir;
	uint64_t size_bytes;	/* of the data file */
	unsigned long files;	/* of the stat rows; others take a part of it */
	unsigned int timeout_s;	/* for one sample */
	bool quick;
	unsigned int contender_count;
	struct contender contenders[BENCH_CONTENDERS_MAX];
};

/* What a child tells: in memory that it shares with the main process. */
struct outcome {
	double value;
	int error;		/* 0 or -errno */
	char message[BENCH_ERROR_MAX];
};

/* One server that is mounted, or is being mounted. */
struct server {
	pid_t pid;		/* what was started; it may have daemonized */
	int output_fd;		/* its stdout and stderr, a memfd */
	bool abnormal;		/* ended by a signal or with a failure */
	int status;
};

struct bench {
	struct options options;
	char work[BENCH_PATH_MAX];	/* everything of ours, native */
	char src[BENCH_PATH_MAX];	/* the tree that all serve */
	char mnt[BENCH_PATH_MAX];	/* where each is mounted in turn */
	char ferryfs[BENCH_PATH_MAX];
};

struct row;

/* One measurement: a row for a contender. */
struct sample {
	const struct bench *bench;
	const struct row *row;
	char native[BENCH_PATH_MAX + 64];	/* this sample's directory in src */
	char path[BENCH_PATH_MAX + 64];	/* the same one through the contender */
};

struct row {
	const char *name;
	const char *unit;	/* "/s" of operations, or "B/s" */
	const char *what;
	bool needs_fio;
	/* A directory that all samples of the row share and do not change;
	 * NULL: each sample has a fresh one. */
	const char *shared_dir;
	/*
	 * Required. In a child, before mounting: makes s->native, which for a
	 * shared directory may exist already. 0 or -errno, with out->message.
	 */
	int (*prepare)(const struct sample *s, struct outcome *out);
	/*
	 * Required. In a child, mounted: warms up, measures, and sets
	 * out->value. 0 or -errno, with out->message.
	 */
	int (*measure)(const struct sample *s, struct outcome *out);
	unsigned int threads;
	const void *detail;	/* of the family: meta.c, data.c, tree.c */
};

struct result {
	unsigned int count;
	double *samples;	/* room for options.runs */
	char error[BENCH_ERROR_MAX]; /* not empty: the row failed */
};

/* What a row gave: a result for each contender. */
struct row_results {
	const struct row *row;
	struct result results[BENCH_CONTENDERS_MAX];
};

/*
 * Set by SIGINT and SIGTERM: stop, clean up, end. The main process has them (and
 * SIGCHLD) blocked except while it waits, with bench_wait_mask.
 */
extern volatile sig_atomic_t bench_stopping;
extern sigset_t bench_wait_mask;

/* options.c: 0, or an exit code plus one with everything said. */
int options_parse(int argc, char **argv, struct options *ret);

/* child.c */
typedef int (*child_fn)(const void *arg, struct outcome *out);
int child_call(child_fn fn, const void *arg, unsigned int timeout_s,
	       struct outcome *out);
pid_t child_spawn(char *const argv[], int output_fd);
int child_wait(pid_t pid, unsigned int timeout_ms, int *ret_status);
int child_run_tool(char *const argv[], struct outcome *out);
void child_reap_all(unsigned int patience_ms, struct server *server);
void child_describe_end(int status, char *buf, size_t size);
void child_tail(int fd, char *buf, size_t size);
int outcome_fail(struct outcome *out, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* mounts.c */
int mounts_private(void);
int mounts_up(const struct bench *b, const struct contender *c,
	      struct server *server, struct outcome *out);
void mounts_down(const struct bench *b, struct server *server);
bool mounts_is_mounted(const char *path);

/* rows.c, and the families */
/* The row after this one; after NULL the first; NULL after the last. */
const struct row *rows_next(const struct row *row);
bool rows_selected(const struct options *o, const struct row *row);
extern const struct row meta_rows[];
extern const size_t meta_row_count;
extern const struct row data_rows[];
extern const size_t data_row_count;
extern const struct row tree_rows[];
extern const size_t tree_row_count;

/* tree.c */
int tree_remove(const char *path);

/* runner.c */
int runner_try_mounts(struct bench *b);
int runner_row(struct bench *b, struct row_results *results);

/* report.c */
void report_head(const struct options *o);
void report_row(const struct options *o, const struct row_results *r);
void report_foot(const struct options *o, const struct row_results *rows,
		 size_t count);
int report_json(const struct bench *b, const struct row_results *rows,
		size_t count);
double report_best_peer(const struct options *o, const struct row_results *r);

#endif
