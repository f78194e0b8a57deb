/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests by their unique number, from arrival to reply: what INTERRUPT looks
 * in. Hashed into buckets with a lock each (leaf locks). A request's interrupt
 * callback runs under its bucket's lock, so that it cannot end meanwhile; the
 * callback only posts, cancels or signals.
 *
 * An INTERRUPT can overtake its request: another worker reads it before the first
 * has come here. Answering EAGAIN would not bring it back, since Linux looks the
 * request up only among those of the descriptor that answers (fuse_dev_do_write,
 * fpq). So a bucket remembers the last unique numbers that it missed; they are
 * never used again, so one that came too late does no harm.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "request.h"
#include "util.h"

#define INFLIGHT_BUCKETS 256U
/* Interrupts that a bucket keeps for requests that are still to come. */
#define INFLIGHT_EARLY_MAX 16U

struct inflight_bucket {
	pthread_mutex_t lock;
	struct request *first;
	uint64_t early[INFLIGHT_EARLY_MAX];
	unsigned int early_next;
};

struct inflight {
	atomic_uint count;
	pthread_mutex_t empty_lock;	/* for waiters of count 0 */
	pthread_cond_t empty;
	struct inflight_bucket bucket[INFLIGHT_BUCKETS];
};

int inflight_create(struct inflight **ret)
{
	struct inflight *inflight = calloc(1, sizeof(*inflight));
	unsigned int i;

	if (!inflight)
		return -ENOMEM;
	pthread_mutex_init(&inflight->empty_lock, NULL);
	pthread_cond_init(&inflight->empty, NULL);
	for (i = 0; i < INFLIGHT_BUCKETS; i++)
		pthread_mutex_init(&inflight->bucket[i].lock, NULL);
	*ret = inflight;
	return 0;
}

void inflight_destroy(struct inflight *inflight)
{
	unsigned int i;

	for (i = 0; i < INFLIGHT_BUCKETS; i++)
		pthread_mutex_destroy(&inflight->bucket[i].lock);
	pthread_cond_destroy(&inflight->empty);
	pthread_mutex_destroy(&inflight->empty_lock);
	free(inflight);
}

/* Linux's unique numbers rise by 2; bit 0 marks an interrupt. */
static struct inflight_bucket *bucket_of(struct inflight *inflight,
					 uint64_t unique)
{
	return &inflight->bucket[(unique >> 1) % INFLIGHT_BUCKETS];
}

static bool take_early_locked(struct inflight_bucket *bucket, uint64_t unique)
{
	unsigned int i;

	for (i = 0; i < INFLIGHT_EARLY_MAX; i++) {
		if (bucket->early[i] != unique || !unique)
			continue;
		bucket->early[i] = 0;
		return true;
	}
	return false;
}

void inflight_add(struct inflight *inflight, struct request *req)
{
	struct inflight_bucket *bucket = bucket_of(inflight, req->in.unique);

	pthread_mutex_lock(&bucket->lock);
	req->inflight_next = bucket->first;
	bucket->first = req;
	req->inflight = true;
	req->interrupted = take_early_locked(bucket, req->in.unique);
	pthread_mutex_unlock(&bucket->lock);
	atomic_fetch_add(&inflight->count, 1);
}

void inflight_remove(struct inflight *inflight, struct request *req)
{
	struct inflight_bucket *bucket = bucket_of(inflight, req->in.unique);
	struct request **link;

	pthread_mutex_lock(&bucket->lock);
	for (link = &bucket->first; *link; link = &(*link)->inflight_next) {
		if (*link == req) {
			*link = req->inflight_next;
			break;
		}
	}
	req->inflight = false;
	req->interrupt = NULL;
	pthread_mutex_unlock(&bucket->lock);
	if (atomic_fetch_sub(&inflight->count, 1) == 1) {
		pthread_mutex_lock(&inflight->empty_lock);
		pthread_cond_broadcast(&inflight->empty);
		pthread_mutex_unlock(&inflight->empty_lock);
	}
}

void inflight_wait_none(struct inflight *inflight)
{
	pthread_mutex_lock(&inflight->empty_lock);
	while (atomic_load(&inflight->count))
		pthread_cond_wait(&inflight->empty, &inflight->empty_lock);
	pthread_mutex_unlock(&inflight->empty_lock);
}

int inflight_interruptible(struct inflight *inflight, struct request *req,
			   void (*interrupt)(struct request *req))
{
	struct inflight_bucket *bucket = bucket_of(inflight, req->in.unique);
	int err;

	pthread_mutex_lock(&bucket->lock);
	err = req->interrupted ? -EINTR : 0;
	req->interrupt = interrupt;
	pthread_mutex_unlock(&bucket->lock);
	return err;
}

void inflight_interrupt(struct inflight *inflight, uint64_t unique)
{
	struct inflight_bucket *bucket = bucket_of(inflight, unique);
	struct request *req;

	pthread_mutex_lock(&bucket->lock);
	for (req = bucket->first; req; req = req->inflight_next) {
		if (req->in.unique != unique)
			continue;
		req->interrupted = true;
		if (req->interrupt)
			req->interrupt(req);
		break;
	}
	if (!req)
		bucket->early[bucket->early_next++ % INFLIGHT_EARLY_MAX] =
			unique;
	pthread_mutex_unlock(&bucket->lock);
}

void inflight_interrupt_all(struct inflight *inflight)
{
	unsigned int i;

	for (i = 0; i < INFLIGHT_BUCKETS; i++) {
		struct inflight_bucket *bucket = &inflight->bucket[i];
		struct request *req;

		pthread_mutex_lock(&bucket->lock);
		for (req = bucket->first; req; req = req->inflight_next) {
			req->interrupted = true;
			if (req->interrupt)
				req->interrupt(req);
		}
		pthread_mutex_unlock(&bucket->lock);
	}
}

unsigned int inflight_count(struct inflight *inflight)
{
	return atomic_load_explicit(&inflight->count, memory_order_relaxed);
}

void inflight_lock(struct inflight *inflight, struct request *req)
{
	pthread_mutex_lock(&bucket_of(inflight, req->in.unique)->lock);
}

void inflight_unlock(struct inflight *inflight, struct request *req)
{
	pthread_mutex_unlock(&bucket_of(inflight, req->in.unique)->lock);
}
