/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statistics as JSON. Reads counters only; the file is replaced by a rename, so
 * that a reader sees the old or the new one, whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handle.h"
#include "inode.h"
#include "session.h"
#include "stats.h"
#include "transport.h"
#include "util.h"

/* Raised when a member changes its meaning; new members do not raise it. */
#define STATS_JSON_VERSION 1

static void add_count(struct json_object *object, const char *name,
		      uint64_t count)
{
	json_object_object_add(object, name, json_object_new_uint64(count));
}

static void add_text(struct json_object *object, const char *name,
		     const char *text)
{
	json_object_object_add(object, name, json_object_new_string(text));
}

static struct json_object *latency_json(const struct stats_op_total *op)
{
	struct json_object *latency = json_object_new_object();
	struct json_object *buckets = json_object_new_array();

	add_count(latency, "p50", stats_percentile_us(op->latency, 500));
	add_count(latency, "p99", stats_percentile_us(op->latency, 990));
	for (unsigned int n = 0; n < STATS_LATENCY_BUCKETS; n++)
		json_object_array_add(buckets,
				      json_object_new_uint64(op->latency[n]));
	json_object_object_add(latency, "buckets", buckets);
	return latency;
}

static struct json_object *requests_json(const struct stats_total *total)
{
	struct json_object *requests = json_object_new_object();

	for (unsigned int i = 0; i < STATS_OPCODES; i++) {
		const struct stats_op_total *op = &total->op[i];
		struct json_object *row;

		if (op->requests == 0)
			continue;
		row = json_object_new_object();
		add_count(row, "count", op->requests);
		add_count(row, "errors", op->errors);
		json_object_object_add(row, "latency_us", latency_json(op));
		json_object_object_add(requests,
				       i ? wire_opcode_name(i) : "OTHER", row);
	}
	return requests;
}

static struct json_object *errors_json(const struct stats_total *total)
{
	struct json_object *errors = json_object_new_object();

	for (unsigned int i = 0; i < STATS_ERRNOS; i++) {
		const char *name = i ? strerrorname_np((int)i) : NULL;
		char number[16];

		if (total->errors_by_errno[i] == 0)
			continue;
		snprintf(number, sizeof(number), "%u", i);
		add_count(errors, name ? name : number,
			  total->errors_by_errno[i]);
	}
	return errors;
}

static void add_inodes(struct json_object *root, struct inode_table *table)
{
	struct inode_table_stats stats;

	inode_table_get_stats(table, &stats);
	add_count(root, "inodes", stats.inodes);
	add_count(root, "inode_fds", stats.fds);
	add_count(root, "inode_fds_max", stats.fds_max);
	add_count(root, "inode_fds_closed", stats.closed);
	add_count(root, "inode_fds_reopened", stats.reopened);
	add_count(root, "inodes_stale", stats.stale);
}

static void add_config(struct json_object *root, struct session *session,
		       const struct stats_total *total)
{
	const struct config *config = session->config;

	add_text(root, "source", config->source);
	add_text(root, "mountpoint", config->mountpoint);
	add_text(root, "transport", session->transport_ops ?
		 session->transport_ops->name : config->transport);
	add_text(root, "engine", total->engine);
	add_text(root, "cache", config_cache_name(config->cache));
	add_count(root, "workers", config->workers);
	add_count(root, "protocol_minor", session->minor);
}

int stats_print_json(struct session *session, FILE *out)
{
	struct stats_total *total = malloc(sizeof(*total));
	struct json_object *root;
	const char *text;
	int error = 0;

	if (!total)
		return -ENOMEM;
	stats_sum(session->stats, total);
	root = json_object_new_object();
	add_count(root, "version", STATS_JSON_VERSION);
	add_text(root, "ferryfs", PACKAGE_VERSION);
	json_object_object_add(root, "uptime_seconds",
			       json_object_new_double((double)total->uptime_ns /
						      (double)NSEC_PER_SEC));
	add_config(root, session, total);
	json_object_object_add(root, "requests", requests_json(total));
	json_object_object_add(root, "errors", errors_json(total));
	add_count(root, "bytes_read", total->bytes_read);
	add_count(root, "bytes_written", total->bytes_written);
	json_object_object_add(root, "in_flight",
			       json_object_new_int64(total->in_flight));
	add_inodes(root, session->inodes);
	add_count(root, "open_files", handle_count(session->handles));
	add_count(root, "malformed", total->malformed);
	add_count(root, "unknown", total->unknown);
	add_count(root, "interrupts", total->interrupts);
	add_count(root, "replies_lost", total->replies_lost);
	add_count(root, "may_block", total->may_block);

	text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!text)
		error = -ENOMEM;
	else if (fprintf(out, "%s\n", text) < 0)
		error = -EIO;
	json_object_put(root);
	free(total);
	return error;
}

int stats_write_file(struct session *session, const char *path)
{
	char *temporary = NULL;
	FILE *out;
	int error;
	int fd;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		error = -errno;
		goto out_free;
	}
	/* For whoever watches the mount; there are no secrets in it. */
	if (fchmod(fd, 0644) != 0) {
		error = -errno;
		close(fd);
		goto out_unlink;
	}
	out = fdopen(fd, "w");
	if (!out) {
		error = -errno;
		close(fd);
		goto out_unlink;
	}
	error = stats_print_json(session, out);
	if (fclose(out) != 0 && error == 0)
		error = -errno;
	if (error == 0 && rename(temporary, path) != 0)
		error = -errno;
	if (error == 0)
		goto out_free;
out_unlink:
	unlink(temporary);
out_free:
	free(temporary);
	return error;
}
