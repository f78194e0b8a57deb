/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request: one FUSE message on its way through, from the transport that
 * received it to the transport that delivers its reply. Requests come from their
 * queue's slab, buffers from a bounded pool of the same queue; both go back under
 * the queue's lock, whichever thread ends the request.
 *
 * Ownership: the transport owns it until session_receive(); then dispatch and
 * the handler; session_reply_*() hands it to the transport, whose delivery frees
 * it. Nobody touches a request after replying.
 *
 * A request is in flight from session_receive() to its reply and can be found by
 * its unique number then (INTERRUPT).
 */
#ifndef FERRYFS_REQUEST_H
#define FERRYFS_REQUEST_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "completer.h"
#include "engine.h"
#include "loop.h"
#include "wire.h"
#include "workqueue.h"
#include "writeback.h"

struct handle;
struct inode;
struct queue;
struct session;
struct stats_queue;

/* Requests alive in one queue, parked ones included. */
#define REQUEST_COUNT_MAX 4096U
/* Buffers of one queue, and how many idle ones keep their memory. */
#define REQUEST_BUFFERS_MAX 512U
#define REQUEST_BUFFERS_HOT 8U

/*
 * Where a WRITE's data begins in a message: the buffer is laid so that this
 * falls on a page boundary and O_DIRECT backing files can take it as it is.
 */
#define REQUEST_HEAD_BYTES \
	(sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in))

struct request_buffer {
	struct request_buffer *next;	/* under the queue's lock */
	uint8_t *head;			/* message_bytes; data is page-aligned */
	uint8_t *data;			/* head + REQUEST_HEAD_BYTES */
};

/* The largest reply body that is not bulk data. */
union request_small {
	struct fuse_entry_out entry;
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} create;
	struct fuse_attr_out attr;
	struct fuse_statx_out statx;
	struct fuse_open_out open;
	struct fuse_write_out write;
	struct fuse_statfs_out statfs;
	struct fuse_getxattr_out getxattr;
	struct fuse_lk_out lk;
	struct fuse_init_out init;
	struct fuse_lseek_out lseek;
	struct fuse_copy_file_range_out copy_file_range;
	struct {
		struct fuse_ioctl_out head;
		uint8_t data[64];
	} ioctl;
};

#define REQUEST_REPLY_IOV_MAX 4

struct request {
	struct queue *queue;
	struct fuse_in_header in;	/* a copy: the message may be gone */

	/* The message after its header, while the buffer is held. */
	struct wire_args args;
	/* Bulk data that the client sent (WRITE): transport's memory. */
	struct iovec *in_iov;
	int in_iov_count;
	/*
	 * Room for bulk data in the reply: transport's memory, which may overlap
	 * args beyond REQUEST_HEAD_BYTES of the message.
	 */
	struct iovec *out_iov;
	int out_iov_count;
	size_t out_max;			/* bytes of room in out_iov */

	/* The reply. */
	struct fuse_out_header out;
	union request_small small;
	struct iovec reply_iov[REQUEST_REPLY_IOV_MAX];
	int reply_iov_count;
	struct completion completion;

	/* References that end with the request; may be NULL. */
	struct inode *inode;
	struct handle *handle;
	/* Lookups this reply gives out, taken back if it cannot be delivered. */
	struct inode *looked_up;

	/* For handlers. */
	struct io_op io;
	struct iovec io_iov[2];
	struct writeback_op writeback;
	struct work work;		/* a blocking call outside the loop */
	struct loop_task task;		/* the way back to the loop */
	union {
		struct fuse_lk_in lk;
		struct fuse_fallocate_in fallocate;
		struct fuse_copy_file_range_in copy_file_range;
		struct fuse_setattr_in setattr;
		struct fuse_fsync_in fsync;
		struct fuse_flush_in flush;
		struct fuse_release_in release;
		struct fuse_read_in read;
		struct fuse_write_in write;
		struct fuse_open_in open;
		struct fuse_lseek_in lseek;
	} saved;			/* arguments, once the buffer is gone */
	int result;			/* of work */
	uint32_t op_state;		/* a handler's own bits */
	void *op_private;		/* a handler's own, e.g. its lock waiter */
	/*
	 * Ends a parked request early; called with the in-flight lock held on
	 * any thread. NULL: cannot be interrupted.
	 */
	void (*interrupt)(struct request *req);
	bool interrupted;		/* under the in-flight lock */
	struct request *inflight_next;	/* under the in-flight lock */
	bool inflight;

	uint64_t start_ns;

	/* The transport's. */
	struct request_buffer *buffer;
	struct loop_read read;
	struct iovec in_one;
	struct iovec out_one;
	int reply_fd;
	void *transport_private;

	struct request *next;		/* slab or transport list */
};

/* What one worker has: a loop's thread, an engine, a slab, a completer. */
struct queue {
	unsigned int index;
	struct session *session;
	struct loop *loop;		/* set by its thread before requests */
	struct io_engine *engine;
	struct completer *completer;	/* the connection's, or this queue's own */
	struct stats_queue *stats;

	pthread_mutex_t lock;
	struct request *free_requests;
	unsigned int request_count;
	struct request_buffer *free_buffers;
	unsigned int free_buffer_count;
	unsigned int buffer_count;
	size_t buffer_bytes;
	/* Called with the lock held when something was freed after none was. */
	void (*refill)(struct queue *queue);
	bool starving;
	void *transport_private;
};

/* BUFFER_BYTES: room after REQUEST_HEAD_BYTES for data, a multiple of a page. */
int queue_init(struct queue *queue, struct session *session, unsigned int index,
	       size_t buffer_bytes);
void queue_destroy(struct queue *queue);

/*
 * A request with a buffer, all else zero. NULL when the queue's bound is reached;
 * then queue->refill is called once something is free again.
 */
struct request *request_get(struct queue *queue);

/* Any thread. Gives request and buffer back and drops its references. */
void request_free(struct request *req);

/*
 * Gives the buffer back and keeps the request: for one that parks long. Its
 * arguments must have been copied to req->saved.
 */
void request_drop_buffer(struct request *req);

/* Requests that can be found by their unique number: for INTERRUPT. */
struct inflight;
int inflight_create(struct inflight **ret);
void inflight_destroy(struct inflight *inflight);
void inflight_add(struct inflight *inflight, struct request *req);
void inflight_remove(struct inflight *inflight, struct request *req);

/*
 * Sets how REQ is to be interrupted from now on (NULL: not any more). Returns
 * -EINTR if that had been asked for already: the handler then ends by itself.
 */
int inflight_interruptible(struct inflight *inflight, struct request *req,
			   void (*interrupt)(struct request *req));

/*
 * Tells the request of that number, or remembers it for one that is still on its
 * way to inflight_add().
 */
void inflight_interrupt(struct inflight *inflight, uint64_t unique);

/* At the end of a session: interrupts whatever can be. */
void inflight_interrupt_all(struct inflight *inflight);

/* Waits until no request is in flight. */
void inflight_wait_none(struct inflight *inflight);

unsigned int inflight_count(struct inflight *inflight);

/* The lock that req->interrupt runs under; for handlers that end a request. */
void inflight_lock(struct inflight *inflight, struct request *req);
void inflight_unlock(struct inflight *inflight, struct request *req);

#endif
