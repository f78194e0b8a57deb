/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rows about data, measured by fio on one file that exists. For buffered rows
 * it is in the host's page cache, and was read through the mount once as well;
 * whether that helps is the contender's affair (those that drop cached pages at
 * open start again). For direct rows it is out of the host's page cache: some
 * servers do not pass O_DIRECT on, and would be measured against memory. After a
 * row that writes, the file is written back before anything else is measured.
 *
 * Sequential buffered rows run for a fixed time; the others touch each block
 * once, so that the answer does not depend on how much of the file a slow
 * contender got to, or found in memory the second time.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/util.h"

#include "bench.h"

#define DATA_FILE "file"
#define CHUNK_BYTES (1U << 20)
#define ARGS_MAX 32
#define ARG_MAX_BYTES (BENCH_PATH_MAX + 128)

struct data {
	const char *rw;
	const char *block;
	const char *engine;
	unsigned int depth;
	bool direct;
	bool timed;
	bool writes;
	bool in_bytes;		/* the value: bytes, or operations */
};

/* Reads or, from a buffer of noise, writes a whole file. */
static int pass_over(const char *path, int flags, uint64_t size,
		     struct outcome *out)
{
	const bool writes = flags & O_CREAT;
	uint32_t noise = 2463534242U, *word;
	uint64_t done = 0;
	int fd, error = 0;
	char *chunk;

	chunk = malloc(CHUNK_BYTES);
	if (!chunk)
		return outcome_fail(out, -ENOMEM, "warm-up");
	for (word = (uint32_t *)(void *)chunk;
	     word < (uint32_t *)(void *)(chunk + CHUNK_BYTES); word++) {
		noise ^= noise << 13;
		noise ^= noise >> 17;
		noise ^= noise << 5;
		*word = noise;
	}
	fd = open(path, flags | O_CLOEXEC, 0644);
	if (fd < 0) {
		error = outcome_fail(out, -errno, "open %s", path);
		goto out_free;
	}
	while (done < size && !error) {
		const size_t want = (size_t)min_u64(CHUNK_BYTES, size - done);
		ssize_t n = writes ? write(fd, chunk, want) :
				     read(fd, chunk, want);

		if (n < 0)
			error = outcome_fail(out, -errno, "%s", path);
		else if (!n)
			error = outcome_fail(out, 0, "%s is short", path);
		else
			done += (uint64_t)n;
	}
	if (writes && !error && fsync(fd) < 0)
		error = outcome_fail(out, -errno, "fsync %s", path);
	close(fd);
out_free:
	free(chunk);
	return error;
}

/* Clean pages leave the host's cache; the file has been written back before. */
static int evict(const char *path, struct outcome *out)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	int error;

	if (fd < 0)
		return outcome_fail(out, -errno, "open %s", path);
	error = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
	return error ? outcome_fail(out, -error, "fadvise %s", path) : 0;
}

static int data_prepare(const struct sample *s, struct outcome *out)
{
	const uint64_t size = s->bench->options.size_bytes;
	const struct data *d = s->row->detail;
	char path[BENCH_PATH_MAX + 96];
	struct stat st;
	int error = 0;

	if (mkdir(s->native, 0755) < 0 && errno != EEXIST)
		return outcome_fail(out, -errno, "mkdir %s", s->native);
	snprintf(path, sizeof(path), "%s/" DATA_FILE, s->native);
	if (stat(path, &st) || (uint64_t)st.st_size != size)
		error = pass_over(path, O_WRONLY | O_CREAT | O_TRUNC, size,
				  out);
	else if (!d->direct)
		error = pass_over(path, O_RDONLY, size, out);
	if (!error && d->direct)
		error = evict(path, out);
	return error;
}

/* One row of fio's report: jobs[0].read or .write. */
static int parse_report(const char *path, const struct data *d,
			struct outcome *out)
{
	struct json_object *root, *jobs, *job, *part, *value;
	double amount, ms;
	int64_t failed = 0;

	/* fio may put a warning before the JSON. */
	root = json_object_from_file(path);
	if (!root)
		return outcome_fail(out, 0, "fio's report: %s",
				    json_util_get_last_err());
	if (!json_object_object_get_ex(root, "jobs", &jobs) ||
	    !json_object_is_type(jobs, json_type_array))
		goto out_strange;
	job = json_object_array_get_idx(jobs, 0);
	if (!job)
		goto out_strange;
	if (json_object_object_get_ex(job, "error", &value))
		failed = json_object_get_int64(value);
	if (failed) {
		json_object_put(root);
		return outcome_fail(out, -(int)failed, "fio");
	}
	if (!json_object_object_get_ex(job, d->writes ? "write" : "read",
				       &part) ||
	    !json_object_object_get_ex(part, "runtime", &value))
		goto out_strange;
	ms = json_object_get_double(value);
	if (!json_object_object_get_ex(part,
				       d->in_bytes ? "io_bytes" : "total_ios",
				       &value))
		goto out_strange;
	amount = json_object_get_double(value);
	json_object_put(root);
	if (amount <= 0)
		return outcome_fail(out, 0, "fio did nothing");
	out->value = amount * 1000.0 / (ms > 0 ? ms : 1.0);
	return 0;

out_strange:
	json_object_put(root);
	return outcome_fail(out, 0, "fio's report has an unknown form");
}

struct arguments {
	char *argv[ARGS_MAX];
	unsigned int count;
};

static void add(struct arguments *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct arguments *a, const char *format, ...)
{
	char *text = malloc(ARG_MAX_BYTES);
	va_list args;

	/* The child that measures ends soon: what it allocates goes then. */
	if (!text || a->count + 1 >= ARGS_MAX)
		abort();
	va_start(args, format);
	vsnprintf(text, ARG_MAX_BYTES, format, args);
	va_end(args);
	a->argv[a->count++] = text;
	a->argv[a->count] = NULL;
}

/* fio takes ':' in a file name for a separator. */
static void escape_name(const char *path, char *buf, size_t size)
{
	size_t n = 0;

	for (; *path && n + 3 < size; path++) {
		if (*path == ':' || *path == '\\')
			buf[n++] = '\\';
		buf[n++] = *path;
	}
	buf[n] = '\0';
}

static int run_fio(const struct sample *s, const char *file,
		   struct outcome *out)
{
	const struct options *o = &s->bench->options;
	const struct data *d = s->row->detail;
	char report[BENCH_PATH_MAX + 64], name[BENCH_PATH_MAX + 96];
	struct arguments a = { .count = 0 };
	int error;

	snprintf(report, sizeof(report), "%s/fio.json", s->bench->work);
	escape_name(file, name, sizeof(name));
	add(&a, "fio");
	add(&a, "--output-format=json");
	add(&a, "--output=%s", report);
	add(&a, "--name=%s", s->row->name);
	add(&a, "--filename=%s", name);
	add(&a, "--rw=%s", d->rw);
	add(&a, "--bs=%s", d->block);
	add(&a, "--ioengine=%s", d->engine);
	add(&a, "--iodepth=%u", d->depth);
	add(&a, "--direct=%d", d->direct);
	add(&a, "--size=%llu", (unsigned long long)o->size_bytes);
	add(&a, "--thread");
	add(&a, "--invalidate=0");	/* caches are warm */
	add(&a, "--allow_file_create=0");
	add(&a, "--fallocate=none");
	add(&a, "--overwrite=1");
	add(&a, "--randrepeat=1");
	if (d->timed) {
		add(&a, "--time_based");
		add(&a, "--runtime=%s", o->quick ? "200ms" : "2s");
	}
	unlink(report);
	error = child_run_tool(a.argv, out);
	if (!error)
		error = parse_report(report, d, out);
	unlink(report);
	return error;
}

static int data_measure(const struct sample *s, struct outcome *out)
{
	const uint64_t size = s->bench->options.size_bytes;
	const struct data *d = s->row->detail;
	char file[BENCH_PATH_MAX + 96];
	int error = 0, fd;

	snprintf(file, sizeof(file), "%s/" DATA_FILE, s->path);
	if (!d->direct)
		error = pass_over(file, O_RDONLY, size, out);
	if (!error)
		error = run_fio(s, file, out);
	if (error || !d->writes)
		return error;
	fd = open(file, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return outcome_fail(out, -errno, "open %s", file);
	if (fsync(fd) < 0)
		error = outcome_fail(out, -errno, "fsync %s", file);
	close(fd);
	return error;
}

static const struct data seq_read = { .rw = "read", .block = "1M",
	.engine = "psync", .depth = 1, .timed = true, .in_bytes = true };
static const struct data seq_write = { .rw = "write", .block = "1M",
	.engine = "psync", .depth = 1, .timed = true, .in_bytes = true,
	.writes = true };
static const struct data rand_read = { .rw = "randread", .block = "4k",
	.engine = "psync", .depth = 1 };
static const struct data rand_write = { .rw = "randwrite", .block = "4k",
	.engine = "psync", .depth = 1, .writes = true };
static const struct data direct_rand = { .rw = "randread", .block = "4k",
	.engine = "libaio", .depth = 32, .direct = true };
static const struct data direct_seq = { .rw = "read", .block = "1M",
	.engine = "libaio", .depth = 4, .direct = true, .in_bytes = true };
static const struct data mmap_read = { .rw = "randread", .block = "4k",
	.engine = "mmap", .depth = 1 };

#define DATA(row_name, row_unit, row_what, row_detail)                    \
	{                                                                 \
		.name = row_name, .unit = row_unit, .what = row_what,     \
		.needs_fio = true, .shared_dir = "data", .threads = 1,    \
		.prepare = data_prepare, .measure = data_measure,         \
		.detail = row_detail                                      \
	}

const struct row data_rows[] = {
	DATA("seq-read", "B/s", "sequential read 1M, buffered", &seq_read),
	DATA("seq-write", "B/s", "sequential write 1M, buffered", &seq_write),
	DATA("rand-read", "/s", "random read 4k, buffered", &rand_read),
	DATA("rand-write", "/s", "random write 4k, buffered", &rand_write),
	DATA("direct-rand-read", "/s", "direct random read 4k, 32 at a time",
	     &direct_rand),
	DATA("direct-seq-read", "B/s", "direct sequential read 1M, 4 at a time",
	     &direct_seq),
	DATA("mmap-rand-read", "/s", "random read 4k of a mapping", &mmap_read),
};
const size_t data_row_count = ARRAY_SIZE(data_rows);
