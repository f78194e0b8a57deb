/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rows about names and attributes: stat, open and close, create, rename,
 * unlink, mkdir, with one and four threads, and a walk (readdir and stat). Each
 * thread has a directory of its own. Runs in a child; the threads share nothing
 * but the barrier that starts them.
 *
 * Rows that change nothing pass over all files once to warm up, natively and
 * through the mount, and then wait until what a client keeps for one second (the
 * usual timeout of entries and attributes) is out of date: each operation is
 * then a request, whether a pass takes longer than a second or not. Rows that
 * change names warm up with names of their own and then meet each name for the
 * first time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/util.h"

#include "bench.h"

#define THREADS_MAX 16
#define WALK_DIRECTORIES 20
#define WARM_UP_PART 20

/* Longer than the default timeouts of all contenders (1 s). */
static const struct timespec stale_after = { .tv_sec = 1,
					     .tv_nsec = 150000000 };

typedef int (*meta_op)(int dirfd, const char *name);

struct meta {
	meta_op op;
	bool needs_files;	/* prepare makes what op works on */
	unsigned int divisor;	/* of --files */
};

/* What one thread does. */
struct job {
	pthread_t thread;
	pthread_barrier_t *start;
	meta_op op;
	int dirfd;
	char prefix;
	unsigned long count;
	uint64_t began;
	uint64_t ended;
	int error;
	char failed[32];
};

static int op_stat(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW);
}

static int op_open_close(int dirfd, const char *name)
{
	const int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : close(fd);
}

static int op_create(int dirfd, const char *name)
{
	const int fd = openat(dirfd, name,
			      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	return fd < 0 ? -1 : close(fd);
}

static int op_rename(int dirfd, const char *name)
{
	char to[40];

	snprintf(to, sizeof(to), "r%s", name);
	return renameat(dirfd, name, dirfd, to);
}

static int op_unlink(int dirfd, const char *name)
{
	return unlinkat(dirfd, name, 0);
}

static int op_mkdir(int dirfd, const char *name)
{
	return mkdirat(dirfd, name, 0755);
}

static void *job_run(void *arg)
{
	struct job *job = arg;
	unsigned long i;

	if (job->start)
		pthread_barrier_wait(job->start);
	/* By its own clock: another thread's may come late to a short pass. */
	job->began = now_ns();
	for (i = 0; i < job->count; i++) {
		snprintf(job->failed, sizeof(job->failed), "%c%07lu",
			 job->prefix, i);
		if (job->op(job->dirfd, job->failed) < 0) {
			job->error = -errno;
			break;
		}
	}
	job->ended = now_ns();
	return NULL;
}

static void close_jobs(struct job *jobs, unsigned int count)
{
	while (count--)
		close(jobs[count].dirfd);
}

/* Opens (when make is set, makes) the directory of each thread under path. */
static int open_jobs(const char *path, unsigned int threads, bool make,
		     struct job *jobs, struct outcome *out)
{
	char dir[BENCH_PATH_MAX + 96];
	unsigned int i;

	for (i = 0; i < threads; i++) {
		snprintf(dir, sizeof(dir), "%s/t%u", path, i);
		if (make && mkdir(dir, 0755) < 0 && errno != EEXIST) {
			outcome_fail(out, -errno, "mkdir %s", dir);
			goto out_close;
		}
		jobs[i].dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (jobs[i].dirfd < 0) {
			outcome_fail(out, -errno, "open %s", dir);
			goto out_close;
		}
	}
	return 0;

out_close:
	close_jobs(jobs, i);
	return out->error;
}

/* Applies op to count names in all, by all threads at once; *ret_ns: how long. */
static int pass(struct job *jobs, unsigned int threads, meta_op op, char prefix,
		unsigned long count, uint64_t *ret_ns, struct outcome *out)
{
	pthread_barrier_t start;
	uint64_t began = UINT64_MAX, ended = 0;
	unsigned int i, started;
	int error;

	error = pthread_barrier_init(&start, NULL, threads);
	if (error)
		return outcome_fail(out, -error, "pthread_barrier_init");
	for (started = 0; started < threads; started++) {
		struct job *job = &jobs[started];

		job->start = &start;
		job->op = op;
		job->prefix = prefix;
		job->count = count / threads;
		job->error = 0;
		error = pthread_create(&job->thread, NULL, job_run, job);
		/* Those that run wait at the barrier; the child ends anyway. */
		if (error)
			return outcome_fail(out, -error, "pthread_create");
	}
	for (i = 0; i < threads; i++) {
		pthread_join(jobs[i].thread, NULL);
		began = min_u64(began, jobs[i].began);
		ended = max_u64(ended, jobs[i].ended);
	}
	*ret_ns = ended > began ? ended - began : 1;
	pthread_barrier_destroy(&start);
	for (i = 0; i < threads; i++)
		if (jobs[i].error)
			return outcome_fail(out, jobs[i].error, "%s in t%u",
					    jobs[i].failed, i);
	return 0;
}

static unsigned long meta_count(const struct sample *s)
{
	const struct meta *meta = s->row->detail;
	const unsigned long count = s->bench->options.files / meta->divisor;

	return count < s->row->threads ? s->row->threads : count;
}

static unsigned long warm_up_count(const struct sample *s)
{
	return meta_count(s) / WARM_UP_PART + s->row->threads;
}

static int meta_prepare(const struct sample *s, struct outcome *out)
{
	const struct meta *meta = s->row->detail;
	struct job jobs[THREADS_MAX] = { 0 };
	uint64_t ns;
	int error;

	if (mkdir(s->native, 0755) < 0) {
		if (errno == EEXIST && s->row->shared_dir)
			return 0;
		return outcome_fail(out, -errno, "mkdir %s", s->native);
	}
	error = open_jobs(s->native, s->row->threads, true, jobs, out);
	if (error)
		return error;
	if (meta->needs_files) {
		error = pass(jobs, s->row->threads, op_create, 'f',
			     meta_count(s), &ns, out);
		if (!error && !s->row->shared_dir)
			error = pass(jobs, s->row->threads, op_create, 'w',
				     warm_up_count(s), &ns, out);
	}
	close_jobs(jobs, s->row->threads);
	return error;
}

/* One pass over the same files by path, which is the native or the mounted. */
static int warm_up_same(const struct sample *s, const char *path,
			struct outcome *out)
{
	const struct meta *meta = s->row->detail;
	struct job jobs[THREADS_MAX] = { 0 };
	uint64_t ns;
	int error;

	error = open_jobs(path, s->row->threads, false, jobs, out);
	if (error)
		return error;
	error = pass(jobs, s->row->threads, meta->op, 'f', meta_count(s), &ns,
		     out);
	close_jobs(jobs, s->row->threads);
	return error;
}

static int meta_measure(const struct sample *s, struct outcome *out)
{
	const struct meta *meta = s->row->detail;
	const unsigned int threads = s->row->threads;
	struct job jobs[THREADS_MAX] = { 0 };
	uint64_t ns;
	int error;

	if (s->row->shared_dir) {
		error = warm_up_same(s, s->native, out);
		if (!error)
			error = warm_up_same(s, s->path, out);
		if (error)
			return error;
		nanosleep(&stale_after, NULL);
	}
	error = open_jobs(s->path, threads, false, jobs, out);
	if (error)
		return error;
	if (!s->row->shared_dir)
		error = pass(jobs, threads, meta->op, 'w', warm_up_count(s),
			     &ns, out);
	if (!error)
		error = pass(jobs, threads, meta->op, 'f', meta_count(s), &ns,
			     out);
	if (!error)
		out->value = (double)(meta_count(s) / threads * threads) *
			     (double)NSEC_PER_SEC / (double)ns;
	close_jobs(jobs, threads);
	return error;
}

/* ---- the walk ---- */

static int walk_prepare(const struct sample *s, struct outcome *out)
{
	const unsigned long each = s->bench->options.files / WALK_DIRECTORIES;
	char dir[BENCH_PATH_MAX + 96];
	struct job job = { 0 };
	uint64_t ns;
	unsigned int i;
	int error;

	if (mkdir(s->native, 0755) < 0) {
		if (errno == EEXIST)
			return 0;
		return outcome_fail(out, -errno, "mkdir %s", s->native);
	}
	for (i = 0; i < WALK_DIRECTORIES; i++) {
		snprintf(dir, sizeof(dir), "%s/d%02u", s->native, i);
		if (mkdir(dir, 0755) < 0)
			return outcome_fail(out, -errno, "mkdir %s", dir);
		error = open_jobs(dir, 1, true, &job, out);
		if (error)
			return error;
		error = pass(&job, 1, op_create, 'f', each ? each : 1, &ns, out);
		close_jobs(&job, 1);
		if (error)
			return error;
	}
	return 0;
}

/* Reads a directory, asks for every entry's attributes, and goes down. */
static int walk(int dirfd, const char *path, unsigned long *entries,
		struct outcome *out)
{
	struct dirent *e;
	struct stat st;
	int fd, error = 0;
	DIR *dir;

	fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return outcome_fail(out, -errno, "open %s", path);
	dir = fdopendir(fd);
	if (!dir) {
		error = outcome_fail(out, -errno, "fdopendir %s", path);
		close(fd);
		return error;
	}
	while (!error) {
		errno = 0;
		e = readdir(dir);
		if (!e) {
			if (errno)
				error = outcome_fail(out, -errno, "readdir %s",
						     path);
			break;
		}
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		++*entries;
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			error = outcome_fail(out, -errno, "stat %s", e->d_name);
		else if (S_ISDIR(st.st_mode))
			error = walk(fd, e->d_name, entries, out);
	}
	closedir(dir);
	return error;
}

static int walk_measure(const struct sample *s, struct outcome *out)
{
	unsigned long entries = 0;
	uint64_t began;
	int error;

	error = walk(AT_FDCWD, s->native, &entries, out);
	if (!error)
		error = walk(AT_FDCWD, s->path, &entries, out);
	if (error)
		return error;
	nanosleep(&stale_after, NULL);
	entries = 0;
	began = now_ns();
	error = walk(AT_FDCWD, s->path, &entries, out);
	if (!error)
		out->value = (double)entries * (double)NSEC_PER_SEC /
			     (double)(now_ns() - began);
	return error;
}

static const struct meta stats = { op_stat, true, 1 };
static const struct meta opens = { op_open_close, true, 1 };
static const struct meta creates = { op_create, false, 2 };
static const struct meta renames = { op_rename, true, 2 };
static const struct meta unlinks = { op_unlink, true, 2 };
static const struct meta mkdirs = { op_mkdir, false, 4 };

#define META(row_name, row_what, count, dir, row_detail)                   \
	{                                                                  \
		.name = row_name, .unit = "/s", .what = row_what,          \
		.threads = count, .shared_dir = dir, .detail = row_detail, \
		.prepare = meta_prepare, .measure = meta_measure           \
	}

const struct row meta_rows[] = {
	META("stat-1", "stat, 1 thread", 1, "flat-1", &stats),
	META("stat-4", "stat, 4 threads", 4, "flat-4", &stats),
	META("open-close-1", "open and close, 1 thread", 1, "flat-1", &opens),
	META("open-close-4", "open and close, 4 threads", 4, "flat-4", &opens),
	META("create-1", "create and close, 1 thread", 1, NULL, &creates),
	META("create-4", "create and close, 4 threads", 4, NULL, &creates),
	META("rename-1", "rename, 1 thread", 1, NULL, &renames),
	META("rename-4", "rename, 4 threads", 4, NULL, &renames),
	META("unlink-1", "unlink, 1 thread", 1, NULL, &unlinks),
	META("unlink-4", "unlink, 4 threads", 4, NULL, &unlinks),
	META("mkdir-1", "mkdir, 1 thread", 1, NULL, &mkdirs),
	META("mkdir-4", "mkdir, 4 threads", 4, NULL, &mkdirs),
	{ .name = "readdir-stat", .unit = "/s", .threads = 1,
	  .what = "walk: readdir, and stat of each entry",
	  .shared_dir = "walk", .prepare = walk_prepare,
	  .measure = walk_measure },
};
const size_t meta_row_count = ARRAY_SIZE(meta_rows);
