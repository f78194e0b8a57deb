/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One FUSE connection: what INIT negotiated, and the way of requests in and
 * replies out.
 *
 *   state      means                                 leaves by
 *   NEW        no INIT yet; anything else gets EIO   INIT answered
 *   RUNNING    requests are served                   DESTROY, or the transport ends
 *   ENDED      the client is gone                    -
 */
#ifndef FERRYFS_SESSION_H
#define FERRYFS_SESSION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "request.h"

struct handle_table;
struct inode_table;
struct stats;
struct transport;
struct transport_ops;
struct workqueue;

enum session_state { SESSION_NEW, SESSION_RUNNING, SESSION_ENDED };

struct session {
	const struct config *config;
	const struct transport_ops *transport_ops;
	struct transport *transport;
	struct inode_table *inodes;
	struct handle_table *handles;
	struct inflight *inflight;
	struct stats *stats;
	struct workqueue *blocking_calls; /* fsync, copies: bounded */
	struct workqueue *lock_waiters;	/* one thread for a waiting lock */
	atomic_uint lock_waiter_count;

	/* Set by INIT before RUNNING; constant after. */
	uint32_t minor;
	uint64_t flags;			/* FUSE_* of INIT, 64 bits */
	uint32_t max_write_bytes;
	uint32_t max_read_bytes;

	/* state changes under the lock; changed is signalled. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	_Atomic enum session_state state;
	bool init_answered;		/* under the lock */
	int end_error;			/* why it ended, 0: unmounted */
};

/* Waiting locks at once; one more gets ENOLCK. */
#define SESSION_LOCK_WAITERS_MAX 256U

int session_create(const struct config *config, int source_fd,
		   struct session **ret);
/* After the transport is closed and nothing is in flight. */
void session_destroy(struct session *session);

static inline bool session_has(const struct session *session, uint64_t flag)
{
	return (session->flags & flag) != 0;
}

/*
 * A message of BYTES bytes (header included) came into req's buffer: req->in and
 * req->args are not set yet. MESSAGE is contiguous; a WRITE's data follows its
 * fuse_write_in. Queue's thread. Consumes the request: a reply, or none for
 * FORGET, follows, perhaps later.
 */
void session_receive(struct request *req, const void *message, size_t bytes);

/* Replies. Any thread; exactly one of them for each request. */
void session_reply_error(struct request *req, int error);  /* 0 or -errno */
void session_reply_small(struct request *req, size_t bytes); /* of req->small */
void session_reply_data(struct request *req, size_t bytes);  /* of out_iov */
/* BYTES_SMALL of req->small, then BYTES_DATA of out_iov. */
void session_reply_both(struct request *req, size_t bytes_small,
			size_t bytes_data);
void session_reply_none(struct request *req);	/* FORGET and its like */

/* The transport says that no request will come any more (0 or -errno). */
void session_ended(struct session *session, int error);

/* For op_init: its reply is on its way. */
void session_init_answered(struct session *session);

/* Waits for INIT's answer (0), or the end before it (-errno). */
int session_wait_running(struct session *session);

/* Waits for the end; returns why (0: unmounted, else -errno). */
int session_wait_ended(struct session *session);

/*
 * The transport could not deliver req's reply: takes back the lookups and handles
 * that it gave out. The thread that delivers, before request_free().
 */
void session_undelivered(struct request *req);

/* Negotiation: fills reply from request and config. 0 or -errno. init.c */
int session_negotiate(struct session *session, const struct fuse_init_in *in,
		      size_t in_bytes, struct fuse_init_out *out);
/* Every flag that the table of init.c decides on; for tests. */
uint64_t session_known_flags(void);
/* Sends INIT's answer, then goes RUNNING. Handler of FUSE_INIT. */
int op_init(struct request *req);

#endif
