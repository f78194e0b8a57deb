/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table on stdout, a line as soon as its row is done, and the JSON file with
 * every sample. More is better in every row: a ratio over 1 is faster.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define CELL 20

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const struct result *r)
{
	double sorted[BENCH_RUNS_MAX];

	memcpy(sorted, r->samples, r->count * sizeof(sorted[0]));
	qsort(sorted, r->count, sizeof(sorted[0]), compare);
	if (r->count % 2)
		return sorted[r->count / 2];
	return (sorted[r->count / 2 - 1] + sorted[r->count / 2]) / 2;
}

/* 0 where the row has failed. */
static double value(const struct result *r)
{
	return *r->error || !r->count ? 0 : median(r);
}

static double native_value(const struct options *o, const struct row_results *r)
{
	unsigned int i;

	for (i = 0; i < o->contender_count; i++)
		if (o->contenders[i].kind == CONTENDER_NATIVE)
			return value(&r->results[i]);
	return 0;
}

double report_best_peer(const struct options *o, const struct row_results *r)
{
	double best = 0;
	unsigned int i;

	for (i = 0; i < o->contender_count; i++)
		if (o->contenders[i].kind == CONTENDER_PEER &&
		    value(&r->results[i]) > best)
			best = value(&r->results[i]);
	return best;
}

static void scaled(double v, char *buf, size_t size)
{
	static const char units[] = " kMGT";
	unsigned int unit = 0;

	while (v >= 999.5 && units[unit + 1]) {
		v /= 1000;
		unit++;
	}
	snprintf(buf, size, "%.*f%.1s", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v,
		 unit ? units + unit : "");
}

void report_head(const struct options *o)
{
	bool any_peer = false;
	unsigned int i;

	for (i = 0; i < o->contender_count; i++)
		if (o->contenders[i].kind == CONTENDER_PEER)
			any_peer = true;
	printf("Medians of %u, more is better; in brackets the ratio to "
	       "native%s.\n\n",
	       o->runs,
	       any_peer ? ", then to the best peer (!: under 0.9)" : "");
	printf("%-17s", "");
	for (i = 0; i < o->contender_count; i++)
		printf(" %-*s", o->contenders[i].kind == CONTENDER_NATIVE ?
		       CELL / 2 : CELL, o->contenders[i].name);
	printf("\n");
	fflush(stdout);
}

static void print_cell(const struct options *o, unsigned int i,
		       const struct row_results *r)
{
	const enum contender_kind kind = o->contenders[i].kind;
	const double v = value(&r->results[i]);
	const double native = native_value(o, r);
	const double best = report_best_peer(o, r);
	char number[32], ratio[32] = "", against[32] = "", cell[128];

	if (v <= 0) {
		snprintf(cell, sizeof(cell), "-");
	} else {
		scaled(v, number, sizeof(number));
		if (kind != CONTENDER_NATIVE && native > 0)
			snprintf(ratio, sizeof(ratio), "%.*f",
				 v / native < 0.0995 ? 3 : 2, v / native);
		if (kind == CONTENDER_FERRYFS && best > 0)
			snprintf(against, sizeof(against), "%s%.2f%s",
				 *ratio ? ", " : "", v / best,
				 v / best < BENCH_FLOOR ? "!" : "");
		if (*ratio || *against)
			snprintf(cell, sizeof(cell), "%s (%s%s)", number, ratio,
				 against);
		else
			snprintf(cell, sizeof(cell), "%s", number);
	}
	printf(" %-*s", kind == CONTENDER_NATIVE ? CELL / 2 : CELL, cell);
}

void report_row(const struct options *o, const struct row_results *r)
{
	unsigned int i;

	printf("%-17s", r->row->name);
	for (i = 0; i < o->contender_count; i++)
		print_cell(o, i, r);
	printf(" %s\n", r->row->unit);
	fflush(stdout);
}

void report_foot(const struct options *o, const struct row_results *rows,
		 size_t count)
{
	unsigned int i;
	size_t n;

	printf("\n");
	for (i = 0; i < o->contender_count; i++) {
		unsigned int compared = 0, below = 0;

		if (o->contenders[i].kind != CONTENDER_FERRYFS)
			continue;
		for (n = 0; n < count; n++) {
			const double best = report_best_peer(o, &rows[n]);

			if (best <= 0)
				continue;
			compared++;
			if (value(&rows[n].results[i]) < BENCH_FLOOR * best)
				below++;
		}
		if (compared)
			printf("%s: %u of %u rows under %.1f of the best "
			       "peer\n",
			       o->contenders[i].name, below, compared,
			       BENCH_FLOOR);
	}
}

/* ---- JSON ---- */

static void put(struct json_object *o, const char *key, struct json_object *v)
{
	/* Out of memory while reporting: nothing sensible is left to do. */
	if (json_object_object_add(o, key, v) < 0)
		abort();
}

static void put_text(struct json_object *o, const char *key, const char *text)
{
	put(o, key, text ? json_object_new_string(text) : NULL);
}

static void put_ratio(struct json_object *o, const char *key, double v,
		      double of)
{
	put(o, key, v > 0 && of > 0 ? json_object_new_double(v / of) : NULL);
}

static struct json_object *json_result(const struct options *o, unsigned int i,
				       const struct row_results *row)
{
	struct json_object *one = json_object_new_object();
	struct json_object *samples = json_object_new_array();
	const struct result *r = &row->results[i];
	const double v = value(r);
	unsigned int n;

	for (n = 0; n < r->count; n++)
		json_object_array_add(samples,
				      json_object_new_double(r->samples[n]));
	put_text(one, "contender", o->contenders[i].name);
	put(one, "samples", samples);
	put(one, "median", v > 0 ? json_object_new_double(v) : NULL);
	put_ratio(one, "to_native", v, native_value(o, row));
	if (o->contenders[i].kind == CONTENDER_FERRYFS)
		put_ratio(one, "to_best_peer", v, report_best_peer(o, row));
	put_text(one, "error", *r->error ? r->error : NULL);
	return one;
}

static struct json_object *json_contenders(const struct options *o)
{
	static const char *const kinds[] = {
		[CONTENDER_NATIVE] = "native",
		[CONTENDER_FERRYFS] = "ferryfs",
		[CONTENDER_PEER] = "peer",
	};
	struct json_object *all = json_object_new_array();
	unsigned int i;

	for (i = 0; i < o->contender_count; i++) {
		const struct contender *c = &o->contenders[i];
		struct json_object *one = json_object_new_object();

		put_text(one, "name", c->name);
		put_text(one, "kind", kinds[c->kind]);
		put_text(one, c->kind == CONTENDER_FERRYFS ? "options" :
							     "command",
			 c->command);
		json_object_array_add(all, one);
	}
	return all;
}

static struct json_object *json_rows(const struct options *o,
				     const struct row_results *rows,
				     size_t count)
{
	struct json_object *all = json_object_new_array();
	unsigned int i;
	size_t n;

	for (n = 0; n < count; n++) {
		struct json_object *one = json_object_new_object();
		struct json_object *results = json_object_new_array();

		for (i = 0; i < o->contender_count; i++)
			json_object_array_add(results,
					      json_result(o, i, &rows[n]));
		put_text(one, "row", rows[n].row->name);
		put_text(one, "what", rows[n].row->what);
		put_text(one, "unit", rows[n].row->unit);
		put(one, "results", results);
		json_object_array_add(all, one);
	}
	return all;
}

int report_json(const struct bench *b, const struct row_results *rows,
		size_t count)
{
	const struct options *o = &b->options;
	struct json_object *root;
	struct utsname kernel;
	int error = 0;

	if (!o->json_path)
		return 0;
	root = json_object_new_object();
	put_text(root, "version", PACKAGE_VERSION);
	if (!uname(&kernel))
		put_text(root, "kernel", kernel.release);
	put(root, "cpus", json_object_new_int64(sysconf(_SC_NPROCESSORS_ONLN)));
	put(root, "time", json_object_new_int64((int64_t)time(NULL)));
	put(root, "runs", json_object_new_int64(o->runs));
	put(root, "files", json_object_new_int64((int64_t)o->files));
	put(root, "size_bytes", json_object_new_int64((int64_t)o->size_bytes));
	put(root, "contenders", json_contenders(o));
	put(root, "rows", json_rows(o, rows, count));
	if (json_object_to_file_ext(o->json_path, root,
				    JSON_C_TO_STRING_PRETTY) < 0) {
		fprintf(stderr, "ferryfs-bench: cannot write %s: %s",
			o->json_path, json_util_get_last_err());
		error = -EIO;
	}
	json_object_put(root);
	return error;
}
