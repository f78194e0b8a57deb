/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One FUSE connection: see session.h. Requests are served by their queue's thread;
 * replies may come from any. session->lock guards state changes only.
 */
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dispatch.h"
#include "handle.h"
#include "inode.h"
#include "log.h"
#include "ops.h"
#include "stats.h"
#include "transport.h"
#include "util.h"

/* Threads for host calls that block: fsync, copies, allocation. */
#define BLOCKING_CALLS_MAX 8U

int session_create(const struct config *config, int source_fd,
		   struct session **ret)
{
	struct session *session = calloc(1, sizeof(*session));
	int err;

	if (!session)
		return -ENOMEM;
	session->config = config;
	session->end_error = 0;
	atomic_init(&session->state, SESSION_NEW);
	pthread_mutex_init(&session->lock, NULL);
	pthread_cond_init(&session->changed, NULL);
	err = inflight_create(&session->inflight);
	if (err)
		goto out_free;
	err = stats_create(config->workers, &session->stats);
	if (err)
		goto out_inflight;
	err = workqueue_create("ferry-call", BLOCKING_CALLS_MAX,
			       &session->blocking_calls);
	if (err)
		goto out_stats;
	err = workqueue_create("ferry-lock", SESSION_LOCK_WAITERS_MAX,
			       &session->lock_waiters);
	if (err)
		goto out_calls;
	err = inode_table_create(config, source_fd, &session->inodes);
	if (err)
		goto out_waiters;
	err = handle_table_create(session->inodes, &session->handles);
	if (err)
		goto out_inodes;
	*ret = session;
	return 0;

out_inodes:
	inode_table_destroy(session->inodes);
out_waiters:
	workqueue_destroy(session->lock_waiters);
out_calls:
	workqueue_destroy(session->blocking_calls);
out_stats:
	stats_destroy(session->stats);
out_inflight:
	inflight_destroy(session->inflight);
out_free:
	pthread_cond_destroy(&session->changed);
	pthread_mutex_destroy(&session->lock);
	free(session);
	return err;
}

void session_destroy(struct session *session)
{
	workqueue_destroy(session->lock_waiters);
	workqueue_destroy(session->blocking_calls);
	handle_table_destroy(session->handles);
	inode_table_destroy(session->inodes);
	stats_destroy(session->stats);
	inflight_destroy(session->inflight);
	pthread_cond_destroy(&session->changed);
	pthread_mutex_destroy(&session->lock);
	free(session);
}

static void debug_request(const struct request *req)
{
	char text[512];

	if (log_enabled(LOG_LEVEL_DEBUG))
		log_debug("-> %s",
			  wire_request_text(&req->in, req->args.next,
					    req->args.left, text, sizeof(text)));
}

void session_receive(struct request *req, const void *message, size_t bytes)
{
	struct stats_queue *stats = req->queue->stats;
	const uint8_t *start = message;

	if (bytes < sizeof(req->in)) {
		/* Not even a number to answer to. */
		atomic_fetch_add(&stats->malformed, 1);
		log_warning("a message of %zu bytes is too short for a header",
			    bytes);
		request_free(req);
		return;
	}
	req->start_ns = now_ns();
	memcpy(&req->in, start, sizeof(req->in));
	req->args.next = start + sizeof(req->in);
	req->args.left = bytes - sizeof(req->in);
	debug_request(req);
	atomic_fetch_add_explicit(&stats->in_flight, 1, memory_order_relaxed);
	inflight_add(req->queue->session->inflight, req);
	if (req->in.len != bytes) {
		atomic_fetch_add(&stats->malformed, 1);
		session_reply_error(req, -EINVAL);
		return;
	}
	dispatch(req);
}

static void debug_reply(const struct request *req, size_t bytes)
{
	if (req->out.error)
		log_debug("<- %llu %s error %d (%s)",
			  (unsigned long long)req->in.unique,
			  wire_opcode_name(req->in.opcode), -req->out.error,
			  strerror(-req->out.error));
	else
		log_debug("<- %llu %s ok, %zu bytes",
			  (unsigned long long)req->in.unique,
			  wire_opcode_name(req->in.opcode), bytes);
}

/* The common end of every reply; BYTES 0: there is nothing to send. */
static void finish(struct request *req, size_t bytes)
{
	struct queue *queue = req->queue;
	struct session *session = queue->session;

	if (log_enabled(LOG_LEVEL_DEBUG))
		debug_reply(req, bytes);
	stats_request(queue->stats, req->in.opcode, req->out.error,
		      now_ns() - req->start_ns);
	atomic_fetch_sub_explicit(&queue->stats->in_flight, 1,
				  memory_order_relaxed);
	inflight_remove(session->inflight, req);
	session->transport_ops->complete(req, bytes);
}

static void add_reply_data(struct request *req, size_t bytes)
{
	int i;

	for (i = 0; i < req->out_iov_count && bytes; i++) {
		struct iovec *iov = &req->reply_iov[req->reply_iov_count++];

		*iov = req->out_iov[i];
		iov->iov_len = min_u64(iov->iov_len, bytes);
		bytes -= iov->iov_len;
	}
}

void session_reply_both(struct request *req, size_t bytes_small,
			size_t bytes_data)
{
	size_t bytes = sizeof(req->out) + bytes_small + bytes_data;

	req->out.len = (uint32_t)bytes;
	req->out.error = 0;
	req->out.unique = req->in.unique;
	req->reply_iov[0].iov_base = &req->out;
	req->reply_iov[0].iov_len = sizeof(req->out);
	req->reply_iov_count = 1;
	if (bytes_small) {
		req->reply_iov[1].iov_base = &req->small;
		req->reply_iov[1].iov_len = bytes_small;
		req->reply_iov_count = 2;
	}
	add_reply_data(req, bytes_data);
	finish(req, bytes);
}

void session_reply_small(struct request *req, size_t bytes)
{
	session_reply_both(req, bytes, 0);
}

void session_reply_data(struct request *req, size_t bytes)
{
	session_reply_both(req, 0, bytes);
}

void session_reply_error(struct request *req, int error)
{
	req->out.len = sizeof(req->out);
	/* Linux refuses a reply with an error outside (-512, 0]. */
	req->out.error = error > -512 && error <= 0 ? error : -EIO;
	req->out.unique = req->in.unique;
	req->reply_iov[0].iov_base = &req->out;
	req->reply_iov[0].iov_len = sizeof(req->out);
	req->reply_iov_count = 1;
	finish(req, sizeof(req->out));
}

void session_reply_none(struct request *req)
{
	req->out.error = 0;
	finish(req, 0);
}

static void take_back_handle(struct session *session, const struct request *req,
			     uint64_t fh)
{
	enum handle_kind kind = req->in.opcode == FUSE_OPENDIR ?
		HANDLE_DIRECTORY : HANDLE_FILE;
	struct handle *handle;

	if (handle_get(session->handles, fh, kind, NULL, &handle))
		return;
	handle_release(session->handles, handle);
	handle_put(session->handles, handle);
}

void session_undelivered(struct request *req)
{
	struct session *session = req->queue->session;

	if (req->out.error)
		return;
	switch (req->in.opcode) {
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		take_back_handle(session, req, req->small.open.fh);
		break;
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		take_back_handle(session, req, req->small.create.open.fh);
		break;
	case FUSE_READDIRPLUS:
		readdirplus_unlookup(req, req->out.len - sizeof(req->out));
		break;
	default:
		break;
	}
	if (req->looked_up)
		inode_unlookup(session->inodes, req->looked_up, 1);
}

void session_init_answered(struct session *session)
{
	pthread_mutex_lock(&session->lock);
	session->init_answered = true;
	pthread_cond_broadcast(&session->changed);
	pthread_mutex_unlock(&session->lock);
}

void session_ended(struct session *session, int error)
{
	pthread_mutex_lock(&session->lock);
	if (atomic_load(&session->state) != SESSION_ENDED) {
		session->end_error = error;
		atomic_store(&session->state, SESSION_ENDED);
		pthread_cond_broadcast(&session->changed);
	}
	pthread_mutex_unlock(&session->lock);
}

int session_wait_running(struct session *session)
{
	int err = 0;

	pthread_mutex_lock(&session->lock);
	while (!session->init_answered &&
	       atomic_load(&session->state) != SESSION_ENDED)
		pthread_cond_wait(&session->changed, &session->lock);
	if (!session->init_answered)
		err = session->end_error ? session->end_error : -ENOTCONN;
	pthread_mutex_unlock(&session->lock);
	return err;
}

int session_wait_ended(struct session *session)
{
	int err;

	pthread_mutex_lock(&session->lock);
	while (atomic_load(&session->state) != SESSION_ENDED)
		pthread_cond_wait(&session->changed, &session->lock);
	err = session->end_error;
	pthread_mutex_unlock(&session->lock);
	return err;
}
