/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slabs of requests and buffers: see request.h.
 *
 * A queue's lock guards its free lists and counts; it is a leaf, held for a few
 * instructions. The hottest request and buffer are reused first. A buffer that is
 * idle beyond REQUEST_BUFFERS_HOT gives its pages back to the host.
 */
#include "request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "handle.h"
#include "inode.h"
#include "session.h"
#include "stats.h"
#include "util.h"

int queue_init(struct queue *queue, struct session *session, unsigned int index,
	       size_t buffer_bytes)
{
	int err;

	memset(queue, 0, sizeof(*queue));
	queue->session = session;
	queue->index = index;
	queue->buffer_bytes = buffer_bytes;
	err = pthread_mutex_init(&queue->lock, NULL);
	return -err;
}

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* One page before the data, whose end takes the message's head. */
static void *buffer_mapping(const struct request_buffer *buffer)
{
	return buffer->data - page_bytes();
}

static struct request_buffer *buffer_create(const struct queue *queue)
{
	struct request_buffer *buffer = malloc(sizeof(*buffer));
	uint8_t *mapping;

	if (!buffer)
		return NULL;
	mapping = mmap(NULL, page_bytes() + queue->buffer_bytes,
		       PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	if (mapping == MAP_FAILED) {
		free(buffer);
		return NULL;
	}
	buffer->data = mapping + page_bytes();
	buffer->head = buffer->data - REQUEST_HEAD_BYTES;
	buffer->next = NULL;
	return buffer;
}

static void buffer_destroy(const struct queue *queue,
			   struct request_buffer *buffer)
{
	munmap(buffer_mapping(buffer), page_bytes() + queue->buffer_bytes);
	free(buffer);
}

void queue_destroy(struct queue *queue)
{
	while (queue->free_requests) {
		struct request *req = queue->free_requests;

		queue->free_requests = req->next;
		free(req);
	}
	while (queue->free_buffers) {
		struct request_buffer *buffer = queue->free_buffers;

		queue->free_buffers = buffer->next;
		buffer_destroy(queue, buffer);
	}
	pthread_mutex_destroy(&queue->lock);
}

static struct request_buffer *buffer_get_locked(struct queue *queue)
{
	struct request_buffer *buffer = queue->free_buffers;

	if (buffer) {
		queue->free_buffers = buffer->next;
		queue->free_buffer_count--;
		return buffer;
	}
	if (queue->buffer_count >= REQUEST_BUFFERS_MAX)
		return NULL;
	buffer = buffer_create(queue);
	if (buffer)
		queue->buffer_count++;
	return buffer;
}

static struct request *slab_get_locked(struct queue *queue)
{
	struct request *req = queue->free_requests;

	if (req) {
		queue->free_requests = req->next;
		return req;
	}
	if (queue->request_count >= REQUEST_COUNT_MAX)
		return NULL;
	req = malloc(sizeof(*req));
	if (req)
		queue->request_count++;
	return req;
}

struct request *request_get(struct queue *queue)
{
	struct request_buffer *buffer;
	struct request *req = NULL;

	pthread_mutex_lock(&queue->lock);
	buffer = buffer_get_locked(queue);
	if (!buffer)
		goto out_starving;
	req = slab_get_locked(queue);
	if (!req) {
		buffer->next = queue->free_buffers;
		queue->free_buffers = buffer;
		queue->free_buffer_count++;
		goto out_starving;
	}
	pthread_mutex_unlock(&queue->lock);
	memset(req, 0, sizeof(*req));
	req->queue = queue;
	req->buffer = buffer;
	return req;

out_starving:
	queue->starving = true;
	pthread_mutex_unlock(&queue->lock);
	return NULL;
}

static void buffer_put_locked(struct queue *queue, struct request_buffer *buffer)
{
	if (queue->free_buffer_count >= REQUEST_BUFFERS_HOT)
		madvise(buffer_mapping(buffer),
			page_bytes() + queue->buffer_bytes, MADV_DONTNEED);
	buffer->next = queue->free_buffers;
	queue->free_buffers = buffer;
	queue->free_buffer_count++;
}

static void refill_locked(struct queue *queue)
{
	if (queue->starving && queue->refill && queue->free_buffers) {
		queue->starving = false;
		queue->refill(queue);
	}
}

void request_free(struct request *req)
{
	struct queue *queue = req->queue;
	struct session *session = queue->session;

	if (req->handle)
		handle_put(session->handles, req->handle);
	if (req->inode)
		inode_put(session->inodes, req->inode);
	pthread_mutex_lock(&queue->lock);
	if (req->buffer)
		buffer_put_locked(queue, req->buffer);
	req->next = queue->free_requests;
	queue->free_requests = req;
	refill_locked(queue);
	pthread_mutex_unlock(&queue->lock);
}

void request_drop_buffer(struct request *req)
{
	struct queue *queue = req->queue;

	if (!req->buffer)
		return;
	pthread_mutex_lock(&queue->lock);
	buffer_put_locked(queue, req->buffer);
	req->buffer = NULL;
	refill_locked(queue);
	pthread_mutex_unlock(&queue->lock);
	req->args = (struct wire_args){ 0 };
	req->in_iov = NULL;
	req->in_iov_count = 0;
	req->out_iov = NULL;
	req->out_iov_count = 0;
	req->out_max = 0;
}
