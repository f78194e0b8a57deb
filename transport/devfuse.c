/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /dev/fuse: each queue reads requests from a clone of the mounted descriptor
 * (FUSE_DEV_IOC_CLONE) on its own loop and replies by writev(2) to the descriptor
 * that the request was read from, as the kernel demands. Where /dev/fuse cannot be
 * opened again (an ordinary user's mount by fusermount3), all queues share one.
 *
 * A queue has one read armed at a time. Without a free request it stops reading
 * until one is freed; the kernel keeps the rest.
 *
 * The kernel wakes waiting readers in turn, so more of them than there is work for
 * only means colder caches. A queue that found others waiting PARK_STREAK times in
 * a row parks: it does not read until a queue takes a request and leaves nobody
 * waiting. Somebody always waits, or is about to.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "log.h"
#include "session.h"
#include "stats.h"
#include "transport.h"
#include "transport/transports.h"
#include "util.h"

#define PARK_STREAK 64U
/* Others that wait when a queue may park. */
#define PARK_OTHERS 2

struct devfuse_queue {
	struct transport *transport;
	struct queue *queue;
	int fd;
	bool own_fd;
	atomic_bool parked;
	/* Queue's thread only. */
	struct request *reading;	/* its buffer is the armed read's */
	unsigned int streak;		/* reads that found enough others */
	struct loop_task refill_task;
	struct loop_task unpark_task;	/* its own: both may be posted */
	struct loop_task stop_task;
};

struct transport {
	struct session *session;
	int fd;				/* the mount's */
	unsigned int queue_count;
	atomic_int waiting;		/* queues with a read armed */
	atomic_int busy;		/* reads armed or being handled */
	atomic_bool stopping;		/* no more reads */
	pthread_mutex_t lock;		/* for whoever waits for busy 0 */
	pthread_cond_t idle;
	struct devfuse_queue queues[CONFIG_WORKERS_MAX];
};

static void start_read(struct devfuse_queue *dq);

static int devfuse_open(const struct config *config, struct session *session,
			const struct transport_source *source,
			struct transport **ret)
{
	struct transport *transport;
	int flags;

	if (source->fuse_fd < 0)
		return -EBADF;
	/* A loop waits for more than this descriptor: it must never block here. */
	flags = fcntl(source->fuse_fd, F_GETFL);
	if (flags < 0 ||
	    fcntl(source->fuse_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	transport = calloc(1, sizeof(*transport));
	if (!transport)
		return -ENOMEM;
	transport->session = session;
	transport->fd = source->fuse_fd;
	transport->queue_count = config->workers;
	pthread_mutex_init(&transport->lock, NULL);
	pthread_cond_init(&transport->idle, NULL);
	*ret = transport;
	return 0;
}

/* The mount's own descriptor, or a clone of it with a list of its own. */
static int clone_fd(int fuse_fd)
{
	uint32_t source_fd = (uint32_t)fuse_fd;
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int err;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, FUSE_DEV_IOC_CLONE, &source_fd) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static bool unpark(struct devfuse_queue *dq)
{
	bool parked = true;

	if (!atomic_load(&dq->parked) ||
	    !atomic_compare_exchange_strong(&dq->parked, &parked, false))
		return false;
	loop_post(dq->queue->loop, &dq->unpark_task);
	return true;
}

static void unpark_one(struct transport *transport)
{
	unsigned int i;

	for (i = 0; i < transport->queue_count; i++)
		if (unpark(&transport->queues[i]))
			return;
}

/* A read has ended: someone else must wait for the next request. */
static void leave_somebody_waiting(struct transport *transport)
{
	if (atomic_fetch_sub(&transport->waiting, 1) == 1 &&
	    !atomic_load(&transport->stopping))
		unpark_one(transport);
}

/* The read and what came of it are dealt with: its request is in flight or over. */
static void leave_busy(struct transport *transport)
{
	if (atomic_fetch_sub(&transport->busy, 1) > 1 ||
	    !atomic_load(&transport->stopping))
		return;
	pthread_mutex_lock(&transport->lock);
	pthread_cond_broadcast(&transport->idle);
	pthread_mutex_unlock(&transport->lock);
}

/*
 * Whether enough others have been waiting for long. The kernel's wake for a second
 * request may have come to our poll while it still stood for the first, and woken
 * nobody else: such a request is ours to read. Queue's thread.
 */
static bool may_park(struct devfuse_queue *dq)
{
	struct pollfd pollfd = { .fd = dq->fd, .events = POLLIN };

	if (atomic_load(&dq->transport->waiting) < PARK_OTHERS)
		dq->streak = 0;
	else
		dq->streak++;
	return dq->streak > PARK_STREAK && poll(&pollfd, 1, 0) == 0;
}

static void park(struct devfuse_queue *dq)
{
	dq->streak = 0;
	atomic_store(&dq->parked, true);
	/* They may all have gone before they could see that we parked. */
	if (atomic_load(&dq->transport->waiting) == 0)
		unpark(dq);
}

static void give_back(struct devfuse_queue *dq)
{
	struct request *req = dq->reading;

	dq->reading = NULL;
	request_free(req);
}

static void stop_reading(struct devfuse_queue *dq, ssize_t result)
{
	give_back(dq);
	if (result == -ECANCELED)
		return;
	if (result != -ENODEV && result != -ECONNABORTED)
		log_error("reading /dev/fuse: %s", strerror((int)-result));
	session_ended(dq->transport->session,
		      result == -ENODEV ? 0 : (int)result);
}

static void handle_read(struct devfuse_queue *dq, struct request *req,
			ssize_t result)
{
	if (result == -EINTR || result == -EAGAIN || result == -ENOENT) {
		/* ENOENT: the client gave the request up while we read it. */
		give_back(dq);
		start_read(dq);
		return;
	}
	if (result <= 0) {
		stop_reading(dq, result ? result : -ENODEV);
		return;
	}
	dq->reading = NULL;
	req->out_one.iov_base = req->buffer->data;
	req->out_one.iov_len = dq->queue->buffer_bytes;
	req->out_iov = &req->out_one;
	req->out_iov_count = 1;
	req->out_max = req->out_one.iov_len;
	session_receive(req, req->buffer->head, (size_t)result);
	if (may_park(dq))
		park(dq);
	else
		start_read(dq);
}

static void read_done(struct loop_read *read, ssize_t result)
{
	struct request *req = container_of(read, struct request, read);
	struct devfuse_queue *dq = req->transport_private;

	leave_somebody_waiting(dq->transport);
	handle_read(dq, req, result);
	/* The next read counts for itself. */
	leave_busy(dq->transport);
}

static void start_read(struct devfuse_queue *dq)
{
	struct request *req = request_get(dq->queue);

	if (!req) {
		/* refill() starts it again; others have requests of their own. */
		if (atomic_load(&dq->transport->waiting) == 0)
			unpark_one(dq->transport);
		return;
	}
	req->transport_private = dq;
	req->reply_fd = dq->fd;
	req->read.fd = dq->fd;
	req->read.buffer = req->buffer->head;
	req->read.size = REQUEST_HEAD_BYTES + dq->queue->buffer_bytes;
	req->read.done = read_done;
	dq->reading = req;
	atomic_fetch_add(&dq->transport->busy, 1);
	atomic_fetch_add(&dq->transport->waiting, 1);
	if (atomic_load(&dq->transport->stopping)) {
		give_back(dq);
		leave_somebody_waiting(dq->transport);
		leave_busy(dq->transport);
		return;
	}
	loop_read_start(dq->queue->loop, &req->read);
}

static void start_if_idle(struct devfuse_queue *dq)
{
	if (!dq->reading)
		start_read(dq);
}

static void refill_task(struct loop_task *task)
{
	start_if_idle(container_of(task, struct devfuse_queue, refill_task));
}

static void unpark_task(struct loop_task *task)
{
	start_if_idle(container_of(task, struct devfuse_queue, unpark_task));
}

/* Any thread, with the queue's lock held. */
static void refill(struct queue *queue)
{
	struct devfuse_queue *dq = queue->transport_private;

	loop_post(queue->loop, &dq->refill_task);
}

static void stop_task(struct loop_task *task)
{
	struct devfuse_queue *dq =
		container_of(task, struct devfuse_queue, stop_task);

	if (dq->reading)
		loop_read_cancel(dq->queue->loop, &dq->reading->read);
}

static int devfuse_attach(struct transport *transport, struct queue *queue)
{
	struct devfuse_queue *dq = &transport->queues[queue->index];
	int fd = transport->fd;

	if (queue->index > 0) {
		fd = clone_fd(transport->fd);
		if (fd < 0) {
			log_debug("worker %u shares the first descriptor: %s",
				  queue->index, strerror(-fd));
			fd = transport->fd;
		}
	}
	dq->transport = transport;
	dq->queue = queue;
	dq->own_fd = fd != transport->fd;
	dq->fd = fd;
	dq->refill_task.run = refill_task;
	dq->unpark_task.run = unpark_task;
	dq->stop_task.run = stop_task;
	queue->transport_private = dq;
	queue->refill = refill;
	start_read(dq);
	if (dq->reading)
		return 0;
	/* The queue's loop is closed now: nobody may post to it. */
	dq->queue = NULL;
	queue->refill = NULL;
	return -ENOMEM;
}

/*
 * Delivers one reply: here the kernel completes the request, and for an O_DIRECT
 * read that can block (facts: fuse_release_user_pages). Any thread.
 */
static void deliver(struct request *req)
{
	struct stats_queue *stats = req->queue->stats;
	ssize_t written = writev(req->reply_fd, req->reply_iov,
				 req->reply_iov_count);
	int err;

	if (written < 0) {
		err = errno;
		/* ENOENT: interrupted. ENODEV, ECONNABORTED: all is over. */
		if (err != ENOENT && err != ENODEV && err != ECONNABORTED)
			log_error("the kernel refused the reply to %s (%llu): %s",
				  wire_opcode_name(req->in.opcode),
				  (unsigned long long)req->in.unique,
				  strerror(err));
		atomic_fetch_add_explicit(&stats->replies_lost, 1,
					  memory_order_relaxed);
		session_undelivered(req);
	}
	request_free(req);
}

static void devfuse_complete(struct request *req, size_t out_bytes)
{
	if (!out_bytes)
		request_free(req);
	else
		completer_run(req->queue->completer, req, deliver);
}

static int devfuse_notify(struct transport *transport, const struct iovec *iov,
			  int count)
{
	return writev(transport->fd, iov, count) < 0 ? -errno : 0;
}

static void devfuse_stop(struct transport *transport)
{
	unsigned int i;

	atomic_store(&transport->stopping, true);
	for (i = 0; i < transport->queue_count; i++) {
		struct devfuse_queue *dq = &transport->queues[i];

		if (dq->queue)
			loop_post(dq->queue->loop, &dq->stop_task);
	}
	/* What was read is in flight then, and what was not goes back. */
	pthread_mutex_lock(&transport->lock);
	while (atomic_load(&transport->busy))
		pthread_cond_wait(&transport->idle, &transport->lock);
	pthread_mutex_unlock(&transport->lock);
}

static void devfuse_close(struct transport *transport)
{
	unsigned int i;

	for (i = 0; i < transport->queue_count; i++)
		if (transport->queues[i].own_fd)
			close(transport->queues[i].fd);
	pthread_cond_destroy(&transport->idle);
	pthread_mutex_destroy(&transport->lock);
	free(transport);
}

const struct transport_ops devfuse_ops = {
	.name = "devfuse",
	.summary = "the kernel's /dev/fuse, a clone for each worker",
	.default_completion = COMPLETION_PARALLEL,
	.open = devfuse_open,
	.attach = devfuse_attach,
	.complete = devfuse_complete,
	.notify = devfuse_notify,
	.stop = devfuse_stop,
	.close = devfuse_close,
};
