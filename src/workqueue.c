/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work items with Linux's rules: see workqueue.h.
 *
 * One lock a queue guards everything in it. Threads are started when an item
 * finds none idle and the bound allows one, and stay until the queue is
 * destroyed; the thread that has been idle for the shortest time (its caches are
 * warm) is woken first.
 *
 * A bounded queue wakes or starts a thread for each item. An unbounded one does so
 * only if no thread is awake; a thread of its own, the manager, looks every
 * WORKQUEUE_STALL_NS whether items wait and none was taken, and then adds one. We
 * cannot see as Linux does that an item sleeps, so time stands for it. The manager
 * rests when the queue does.
 */
#include "workqueue.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "util.h"

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

/* Looks without anything to do before the manager rests. */
#define MANAGER_IDLE_LOOKS 10U

struct workqueue {
	pthread_mutex_t lock;
	pthread_cond_t changed;		/* an item ended: flush, cancel, destroy */
	bool unbounded;
	bool manager_rests;
	pthread_t manager;
	pthread_cond_t manager_wake;
	unsigned int awake_count;	/* threads that run or were woken */
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
 * Where the first pending item hangs that does not run already: one that does must
 * wait for its own end (non-reentrancy), and holds up nobody else meanwhile.
 */
static struct work **next_locked(struct workqueue *queue)
{
	struct work **link = &queue->head;

	while (*link && is_running_locked(queue, *link, (*link)->run))
		link = &(*link)->next;
	return link;
}

/* Takes the pending item that hangs at LINK out of the queue, if there is one. */
static struct work *take_locked(struct workqueue *queue, struct work **link)
{
	struct work *work = *link;

	if (!work)
		return NULL;
	*link = work->next;
	if (queue->tail == &work->next)
		queue->tail = link;
	work->pending = false;
	queue->started_sequence++;
	return work;
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
		struct work *work = take_locked(queue, next_locked(queue));

		if (work) {
			run_locked(worker, work);
			continue;
		}
		if (queue->stopping && !queue->head)
			break;
		worker->woken = false;
		worker->idle_next = queue->idle;
		queue->idle = worker;
		queue->awake_count--;
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
	queue->awake_count++;
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
	queue->awake_count++;
	return 0;
}

/* Adds a thread for what waits, if the bound allows one. */
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

static void manager_wait_locked(struct workqueue *queue)
{
	struct timespec until;
	uint64_t ns = now_ns() + WORKQUEUE_STALL_NS;

	until.tv_sec = (time_t)(ns / NSEC_PER_SEC);
	until.tv_nsec = (long)(ns % NSEC_PER_SEC);
	pthread_cond_timedwait(&queue->manager_wake, &queue->lock, &until);
}

static void *manager_main(void *arg)
{
	struct workqueue *queue = arg;
	unsigned int idle_looks = 0;
	uint64_t before;

	pthread_mutex_lock(&queue->lock);
	while (!queue->stopping) {
		if (idle_looks >= MANAGER_IDLE_LOOKS) {
			queue->manager_rests = true;
			pthread_cond_wait(&queue->manager_wake, &queue->lock);
			queue->manager_rests = false;
			idle_looks = 0;
			continue;
		}
		before = queue->started_sequence;
		manager_wait_locked(queue);
		if (queue->started_sequence != before || queue->head)
			idle_looks = 0;
		else
			idle_looks++;
		if (queue->started_sequence == before && *next_locked(queue))
			provide_locked(queue);
	}
	pthread_mutex_unlock(&queue->lock);
	return NULL;
}

static int start_manager(struct workqueue *queue)
{
	pthread_condattr_t attributes;
	int err;

	err = pthread_condattr_init(&attributes);
	if (err)
		return err;
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->manager_wake, &attributes);
	pthread_condattr_destroy(&attributes);
	queue->unbounded = true;
	err = pthread_create(&queue->manager, &queue->attributes, manager_main,
			     queue);
	if (err)
		pthread_cond_destroy(&queue->manager_wake);
	else
		pthread_setname_np(queue->manager, queue->name);
	return err;
}

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
	if (!max_active) {
		err = start_manager(queue);
		if (err)
			goto out_conditions;
	}
	*ret = queue;
	return 0;

out_conditions:
	pthread_cond_destroy(&queue->changed);
	pthread_mutex_destroy(&queue->lock);
out_attributes:
	pthread_attr_destroy(&queue->attributes);
out_free:
	free(queue);
	return -err;
}

void work_init(struct work *work, void (*run)(struct work *work))
{
	work->run = run;
	work->next = NULL;
	work->pending = false;
}

/* Sees to it that somebody will take what was just queued. */
static void announce_locked(struct workqueue *queue)
{
	if (!queue->unbounded || !queue->awake_count)
		provide_locked(queue);
	else if (queue->manager_rests)
		pthread_cond_signal(&queue->manager_wake);
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
		announce_locked(queue);
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
	struct work **link = &queue->head;
	bool cancelled;

	pthread_mutex_lock(&queue->lock);
	while (*link && *link != work)
		link = &(*link)->next;
	cancelled = take_locked(queue, link) != NULL;
	if (cancelled)
		pthread_cond_broadcast(&queue->changed);
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
	if (queue->unbounded)
		pthread_cond_signal(&queue->manager_wake);
	pthread_mutex_unlock(&queue->lock);
	if (queue->unbounded) {
		pthread_join(queue->manager, NULL);
		pthread_cond_destroy(&queue->manager_wake);
	}
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
