/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes the samples: A B A B, each round beginning with the next contender. For
 * each sample the contender is mounted anew and alone on the same source, so
 * that neither the kernel's nor a server's memory of one sample, nor another
 * contender, weighs on the next. Files are prepared natively and beforehand.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/util.h"

#include "bench.h"

static void progress(const struct bench *b, const struct row *row,
		     unsigned int run, const struct contender *c)
{
	if (!isatty(STDERR_FILENO))
		return;
	if (c)
		fprintf(stderr, "\r\033[K%s, run %u of %u: %s", row->name,
			run + 1, b->options.runs, c->name);
	else
		fputs("\r\033[K", stderr);
}

static int call_prepare(const void *arg, struct outcome *out)
{
	const struct sample *s = arg;

	return s->row->prepare(s, out);
}

static int call_measure(const void *arg, struct outcome *out)
{
	const struct sample *s = arg;

	return s->row->measure(s, out);
}

/* The server's end is part of what it did: a crash is told, with its words. */
static void note_server(const struct contender *c, const struct row *row,
			struct server *server, char *error, size_t size)
{
	char end[128], tail[BENCH_ERROR_MAX / 2];

	if (!server->abnormal)
		return;
	child_describe_end(server->status, end, sizeof(end));
	child_tail(server->output_fd, tail, sizeof(tail));
	close(server->output_fd);
	server->output_fd = -1;
	fprintf(stderr, "ferryfs-bench: %s: the server of %s ended with %s\n",
		row->name, c->name, end);
	if (*tail)
		fprintf(stderr, "  %s\n", tail);
	if (!*error)
		return;
	snprintf(error + strlen(error), size - strlen(error),
		 " (the server ended with %s)", end);
}

static int take_sample(struct bench *b, const struct row *row,
		       const struct contender *c, double *ret,
		       char *message, size_t size)
{
	static unsigned int number;
	const char *root = c->kind == CONTENDER_NATIVE ? b->src : b->mnt;
	struct server server;
	struct sample s = { .bench = b, .row = row };
	char name[64];
	struct outcome out;
	int error;

	if (row->shared_dir)
		snprintf(name, sizeof(name), "%s", row->shared_dir);
	else
		snprintf(name, sizeof(name), "s%05u", number++);
	snprintf(s.native, sizeof(s.native), "%s/%s", b->src, name);
	snprintf(s.path, sizeof(s.path), "%s/%s", root, name);

	error = child_call(call_prepare, &s, b->options.timeout_s, &out);
	if (error) {
		snprintf(message, size, "preparing: %.900s", out.message);
		tree_remove(s.native);
		return error;
	}
	error = mounts_up(b, c, &server, &out);
	if (!error) {
		error = child_call(call_measure, &s, b->options.timeout_s,
				   &out);
		*ret = out.value;
	}
	if (error)
		snprintf(message, size, "%.900s", out.message);
	if (c->kind != CONTENDER_NATIVE)
		mounts_down(b, &server);
	note_server(c, row, &server, message, size);
	/* A mount that will not go away must not be deleted through. */
	if (mounts_is_mounted(b->mnt)) {
		snprintf(message, size, "%.900s cannot be unmounted", b->mnt);
		return -EBUSY;
	}
	if (!row->shared_dir)
		tree_remove(s.native);
	return error;
}

static void record(struct bench *b, const struct contender *c,
		   const struct row *row, unsigned int run, struct result *r)
{
	double value = 0;
	int error;

	progress(b, row, run, c);
	error = take_sample(b, row, c, &value, r->error, sizeof(r->error));
	progress(b, row, run, NULL);
	if (!error) {
		r->samples[r->count++] = value;
		return;
	}
	if (!bench_stopping)
		fprintf(stderr, "ferryfs-bench: %s: %s: %s\n", row->name,
			c->name, r->error);
}

/* All samples of one row. 0, or -EINTR: told to stop. */
int runner_row(struct bench *b, struct row_results *results)
{
	const unsigned int n = b->options.contender_count;
	unsigned int run, i;

	for (run = 0; run < b->options.runs; run++) {
		for (i = 0; i < n; i++) {
			const unsigned int which = (run + i) % n;
			struct result *r = &results->results[which];

			if (*r->error)
				continue;
			record(b, &b->options.contenders[which], results->row,
			       run, r);
			if (bench_stopping)
				return -EINTR;
		}
	}
	return 0;
}

/* Mounts each contender once: better to know now than after half an hour. */
int runner_try_mounts(struct bench *b)
{
	unsigned int i;

	for (i = 0; i < b->options.contender_count; i++) {
		const struct contender *c = &b->options.contenders[i];
		struct server server;
		struct outcome out;
		int error;

		if (c->kind == CONTENDER_NATIVE)
			continue;
		error = mounts_up(b, c, &server, &out);
		if (error) {
			fprintf(stderr, "ferryfs-bench: %s: %s\n", c->name,
				out.message);
			return error;
		}
		mounts_down(b, &server);
		if (server.output_fd >= 0)
			close(server.output_fd);
	}
	return 0;
}
