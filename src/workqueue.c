/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work items with Linux's rules: see workqueue.h.
 *
 * One lock a queue guards everything in it. Threads are started when an item
 * finds none idle and the bound allows one, and stay until the queue is
 * destroyed; the thread that has been idle for the shortest time (its caches are
 * warm) is woken first.
 *
 * It does not notice a blocked item and help out: an unbounded queue starts a
 * thread for every item that would have to wait, so that none ever depends on
 * another's progress.
 */
#include "workqueue.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* Enough for a host call or a delivery; sanitizers need several times that. */
#define WORKER_STACK_BYTES (512U * 1024U)

struct worker {
	struct workqueue *queue;
	pthread_t thread;
	pthread_cond_t wake;
	/* What it runs: compared, never followed (see the header). */
	const struct work *running;
	void (*running_function)(struct work *work);
	uint64_t running_sequence;
	bool woken;
	struct worker *idle_next;
	struct worker *next;
};

struct workqueue {
	pthread_mutex_t lock;
	pthread_cond_t changed;		/* an item ended: flush, cancel, destroy */
	pthread_attr_t attributes;
	char name[16];
	unsigned int threads_max;
	unsigned int thread_count;
	struct worker *workers;
	struct worker *idle;		/* most recently idle first */
	struct work *head;
	struct work **tail;
	uint64_t queued_sequence;	/* items queued so far */
	uint64_t started_sequence;	/* items taken or cancelled so far */
	bool stopping;
};

int workqueue_create(const char *name, unsigned int max_active,
		     struct workqueue **ret)
{
	struct workqueue *queue;
	int err;

	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	err = pthread_attr_init(&queue->attributes);
	if (err)
		goto out_free;
	err = pthread_attr_setstacksize(&queue->attributes, WORKER_STACK_BYTES);
	if (err)
		goto out_attributes;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->changed, NULL);
	snprintf(queue->name, sizeof(queue->name), "%s", name);
	queue->threads_max = max_active ? max_active : WORKQUEUE_THREADS_MAX;
	queue->tail = &queue->head;
	*ret = queue;
	return 0;

out_attributes:
	pthread_attr_destroy(&queue->attributes);
out_free:
	free(queue);
	return -err;
}

static bool is_running_locked(const struct workqueue *queue,
			      const struct work *work,
			      void (*function)(struct work *))
{
	const struct worker *worker;

	for (worker = queue->workers; worker; worker = worker->next)
		if (worker->running == work &&
		    worker->running_function == function)
			return true;
	return false;
}

/*
 * The first pending item that does not run already: one that does must wait for
 * its own end (non-reentrancy), and holds up nobody else meanwhile.
 */
static struct work *take_locked(struct workqueue *queue)
{
	struct work **link;

	for (link = &queue->head; *link; link = &(*link)->next) {
		struct work *work = *link;

		if (is_running_locked(queue, work, work->run))
			continue;
		*link = work->next;
		if (queue->tail == &work->next)
			queue->tail = link;
		work->pending = false;
		queue->started_sequence++;
		return work;
	}
	return NULL;
}

static void run_locked(struct worker *worker, struct work *work)
{
	struct workqueue *queue = worker->queue;
	void (*function)(struct work *) = work->run;

	worker->running = work;
	worker->running_function = function;
	worker->running_sequence = queue->started_sequence;
	pthread_mutex_unlock(&queue->lock);
	function(work);
	pthread_mutex_lock(&queue->lock);
	worker->running = NULL;
	worker->running_function = NULL;
	pthread_cond_broadcast(&queue->changed);
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	struct workqueue *queue = worker->queue;

	pthread_mutex_lock(&queue->lock);
	for (;;) {
		struct work *work = take_locked(queue);

		if (work) {
			run_locked(worker, work);
			continue;
		}
		if (queue->stopping && !queue->head)
			break;
		worker->woken = false;
		worker->idle_next = queue->idle;
		queue->idle = worker;
		while (!worker->woken)
			pthread_cond_wait(&worker->wake, &queue->lock);
	}
	pthread_mutex_unlock(&queue->lock);
	return NULL;
}

static void wake_one_locked(struct workqueue *queue)
{
	struct worker *worker = queue->idle;

	queue->idle = worker->idle_next;
	worker->woken = true;
	pthread_cond_signal(&worker->wake);
}

static int start_worker_locked(struct workqueue *queue)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int err;

	if (!worker)
		return -ENOMEM;
	worker->queue = queue;
	pthread_cond_init(&worker->wake, NULL);
	err = pthread_create(&worker->thread, &queue->attributes, worker_main,
			     worker);
	if (err) {
		pthread_cond_destroy(&worker->wake);
		free(worker);
		return -err;
	}
	pthread_setname_np(worker->thread, queue->name);
	worker->next = queue->workers;
	queue->workers = worker;
	queue->thread_count++;
	return 0;
}

/* Sees to it that somebody will take what was just queued. */
static void provide_locked(struct workqueue *queue)
{
	int err;

	if (queue->idle) {
		wake_one_locked(queue);
		return;
	}
	if (queue->thread_count >= queue->threads_max)
		return;
	err = start_worker_locked(queue);
	if (err && !queue->thread_count) {
		/* Nobody would ever run it, and somebody waits for it. */
		log_error("cannot start the first thread of %s: %s",
			  queue->name, strerror(-err));
		abort();
	}
	if (err)
		log_warning("cannot start another thread of %s: %s",
			    queue->name, strerror(-err));
}

void work_init(struct work *work, void (*run)(struct work *work))
{
	work->run = run;
	work->next = NULL;
	work->pending = false;
}

bool workqueue_queue(struct workqueue *queue, struct work *work)
{
	bool queued = false;

	pthread_mutex_lock(&queue->lock);
	if (!work->pending) {
		work->pending = true;
		work->next = NULL;
		*queue->tail = work;
		queue->tail = &work->next;
		queue->queued_sequence++;
		provide_locked(queue);
		queued = true;
	}
	pthread_mutex_unlock(&queue->lock);
	return queued;
}

/* Whether an item that was queued as one of the first SEQUENCE is unfinished. */
static bool busy_before_locked(const struct workqueue *queue, uint64_t sequence)
{
	const struct worker *worker;

	if (queue->started_sequence < sequence && queue->head)
		return true;
	for (worker = queue->workers; worker; worker = worker->next)
		if (worker->running && worker->running_sequence <= sequence)
			return true;
	return false;
}

void workqueue_flush(struct workqueue *queue)
{
	uint64_t sequence;

	pthread_mutex_lock(&queue->lock);
	sequence = queue->queued_sequence;
	while (busy_before_locked(queue, sequence))
		pthread_cond_wait(&queue->changed, &queue->lock);
	pthread_mutex_unlock(&queue->lock);
}

bool workqueue_cancel_sync(struct workqueue *queue, struct work *work)
{
	void (*function)(struct work *) = work->run;
	struct work **link;
	bool cancelled = false;

	pthread_mutex_lock(&queue->lock);
	for (link = &queue->head; *link; link = &(*link)->next) {
		if (*link != work)
			continue;
		*link = work->next;
		if (queue->tail == &work->next)
			queue->tail = link;
		work->pending = false;
		queue->started_sequence++;
		cancelled = true;
		pthread_cond_broadcast(&queue->changed);
		break;
	}
	while (is_running_locked(queue, work, function))
		pthread_cond_wait(&queue->changed, &queue->lock);
	pthread_mutex_unlock(&queue->lock);
	return cancelled;
}

unsigned int workqueue_thread_count(struct workqueue *queue)
{
	unsigned int count;

	pthread_mutex_lock(&queue->lock);
	count = queue->thread_count;
	pthread_mutex_unlock(&queue->lock);
	return count;
}

void workqueue_destroy(struct workqueue *queue)
{
	struct worker *worker, *next;

	pthread_mutex_lock(&queue->lock);
	while (busy_before_locked(queue, queue->queued_sequence))
		pthread_cond_wait(&queue->changed, &queue->lock);
	queue->stopping = true;
	while (queue->idle)
		wake_one_locked(queue);
	pthread_mutex_unlock(&queue->lock);
	for (worker = queue->workers; worker; worker = next) {
		next = worker->next;
		pthread_join(worker->thread, NULL);
		pthread_cond_destroy(&worker->wake);
		free(worker);
	}
	pthread_cond_destroy(&queue->changed);
	pthread_mutex_destroy(&queue->lock);
	pthread_attr_destroy(&queue->attributes);
	free(queue);
}
