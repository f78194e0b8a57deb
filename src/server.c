/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The workers: see server.h. The main thread starts and stops them; each opens its
 * loop and engine itself, since a ring belongs to the thread that made it.
 */
#include "server.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "creds.h"
#include "engine.h"
#include "log.h"
#include "session.h"
#include "stats.h"
#include "util.h"

struct worker {
	struct server *server;
	struct queue queue;
	pthread_t thread;
	bool queue_ready;
	bool started;
	/* Under the server's lock. */
	bool up;
	int error;
	const char *engine_name;
};

struct server {
	const struct config *config;
	const struct transport_ops *ops;
	struct session *session;
	struct transport *transport;
	struct completer completer;
	unsigned int worker_count;
	struct worker *workers;
	pthread_mutex_t lock;
	pthread_cond_t worker_up;
};

static int open_loop(struct worker *worker, struct loop **ret)
{
	const struct config *config = worker->server->config;
	int err = loop_open(LOOP_URING, config->poll_us, ret);

	if (!err)
		return 0;
	if (config->engine == ENGINE_URING) {
		log_error("engine=uring: io_uring cannot be used here: %s (kernel.io_uring_disabled, seccomp?); use engine=auto",
			  strerror(-err));
		return err;
	}
	if (worker->queue.index == 0)
		log_info("io_uring cannot be used here (%s): waiting by epoll",
			 strerror(-err));
	err = loop_open(LOOP_EPOLL, config->poll_us, ret);
	if (err)
		log_error("a worker cannot wait for events: %s",
			  strerror(-err));
	return err;
}

static int worker_open(struct worker *worker)
{
	struct server *server = worker->server;
	struct queue *queue = &worker->queue;
	int err;

	err = creds_thread_init();
	if (err) {
		log_error("a worker cannot get an umask of its own: %s",
			  strerror(-err));
		return err;
	}
	err = open_loop(worker, &queue->loop);
	if (err)
		return err;
	err = engine_open(server->config, queue->loop, &queue->engine);
	if (err) {
		log_error("cannot open the I/O engine: %s", strerror(-err));
		goto out_loop;
	}
	worker->engine_name = queue->engine->ops->name;
	err = server->ops->attach(server->transport, queue);
	if (err) {
		log_error("cannot attach worker %u to %s: %s", queue->index,
			  server->ops->name, strerror(-err));
		goto out_engine;
	}
	return 0;

out_engine:
	engine_close(queue->engine);
	queue->engine = NULL;
out_loop:
	loop_close(queue->loop);
	queue->loop = NULL;
	return err;
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	struct server *server = worker->server;
	int err = worker_open(worker);
	bool opened = !err;

	pthread_mutex_lock(&server->lock);
	worker->error = err;
	worker->up = true;
	pthread_cond_signal(&server->worker_up);
	pthread_mutex_unlock(&server->lock);
	if (!opened)
		return NULL;
	err = loop_run(worker->queue.loop);
	if (err) {
		/* Requests it holds will never be answered: as if killed. */
		log_error("worker %u: waiting for events: %s",
			  worker->queue.index, strerror(-err));
		abort();
	}
	return NULL;
}

/* The loop belongs to its thread until that has ended. */
static void worker_close(struct worker *worker)
{
	struct queue *queue = &worker->queue;

	if (queue->engine)
		engine_close(queue->engine);
	if (queue->loop)
		loop_close(queue->loop);
	if (worker->queue_ready)
		queue_destroy(queue);
}

static int start_worker(struct server *server, unsigned int index)
{
	const struct config *config = server->config;
	struct worker *worker = &server->workers[index];
	size_t buffer_bytes = max_u64(config->max_read_bytes,
				      config->max_write_bytes);
	char name[sizeof("ferry-q") + 10]; /* index is below CONFIG_WORKERS_MAX */
	int err;

	worker->server = server;
	/* The largest xattr and its name must fit, too. */
	err = queue_init(&worker->queue, server->session, index,
			 max_u64(buffer_bytes, SERVER_BUFFER_BYTES_MIN));
	if (err)
		return err;
	worker->queue_ready = true;
	worker->queue.completer = &server->completer;
	worker->queue.stats = stats_queue(server->session->stats, index);
	err = pthread_create(&worker->thread, NULL, worker_main, worker);
	if (err) {
		log_error("cannot start worker %u: %s", index, strerror(err));
		return -err;
	}
	worker->started = true;
	snprintf(name, sizeof(name), "ferry-q%u", index);
	pthread_setname_np(worker->thread, name);
	pthread_mutex_lock(&server->lock);
	while (!worker->up)
		pthread_cond_wait(&server->worker_up, &server->lock);
	err = worker->error;
	pthread_mutex_unlock(&server->lock);
	return err;
}

static void stop_workers(struct server *server)
{
	unsigned int i;

	server->ops->stop(server->transport);
	inflight_interrupt_all(server->session->inflight);
	inflight_wait_none(server->session->inflight);
	for (i = 0; i < server->worker_count; i++)
		if (server->workers[i].started && !server->workers[i].error)
			loop_stop(server->workers[i].queue.loop);
	for (i = 0; i < server->worker_count; i++)
		if (server->workers[i].started)
			pthread_join(server->workers[i].thread, NULL);
}

static void destroy(struct server *server)
{
	unsigned int i;

	/*
	 * A request leaves the table of those in flight before it is delivered:
	 * the threads that may still do that come to their end first, and
	 * deliveries free requests of the workers' slabs.
	 */
	workqueue_flush(server->session->blocking_calls);
	workqueue_flush(server->session->lock_waiters);
	completer_close(&server->completer);
	server->ops->close(server->transport);
	for (i = 0; i < server->worker_count; i++)
		worker_close(&server->workers[i]);
	session_destroy(server->session);
	pthread_cond_destroy(&server->worker_up);
	pthread_mutex_destroy(&server->lock);
	free(server->workers);
	free(server);
}

static int open_completer(struct server *server)
{
	const struct config *config = server->config;
	enum completion_policy policy = config->completion;

	if (policy == COMPLETION_AUTO)
		policy = server->ops->default_completion;
	return completer_open(&server->completer, policy, config->may_block);
}

int server_start(const struct config *config, int source_fd,
		 const struct transport_source *source, struct server **ret)
{
	struct server *server = calloc(1, sizeof(*server));
	unsigned int i;
	int err;

	if (!server)
		return -ENOMEM;
	server->config = config;
	server->ops = transport_find(config->transport);
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->worker_up, NULL);
	creds_init(config->privileged, config->check_permissions);
	err = session_create(config, source_fd, &server->session);
	if (err)
		goto out_free;
	server->session->transport_ops = server->ops;
	err = -ENOMEM;
	server->workers = calloc(config->workers, sizeof(*server->workers));
	if (!server->workers)
		goto out_session;
	err = open_completer(server);
	if (err)
		goto out_workers;
	err = server->ops->open(config, server->session, source,
				&server->transport);
	if (err)
		goto out_completer;
	server->session->transport = server->transport;
	for (i = 0; i < config->workers; i++) {
		server->worker_count = i + 1;
		err = start_worker(server, i);
		if (err) {
			stop_workers(server);
			destroy(server);
			return err;
		}
	}
	*ret = server;
	return 0;

out_completer:
	completer_close(&server->completer);
out_workers:
	free(server->workers);
out_session:
	session_destroy(server->session);
out_free:
	log_error("cannot start serving: %s", strerror(-err));
	pthread_cond_destroy(&server->worker_up);
	pthread_mutex_destroy(&server->lock);
	free(server);
	return err;
}

struct session *server_session(struct server *server)
{
	return server->session;
}

const char *server_engine_name(const struct server *server)
{
	return server->workers[0].engine_name;
}

void server_stop(struct server *server)
{
	stop_workers(server);
	destroy(server);
}
