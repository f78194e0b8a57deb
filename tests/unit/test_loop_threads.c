/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loops and other threads, all kinds through the same tests: posted tasks keep
 * their order and wake the loop, competing loops read each message once. A lost
 * wake-up shows as a test that does not end.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop_kinds.h"

#define MESSAGES 2000
#define POSTERS 4
#define POSTS 5000

/* A packet socket: one read is one message, as with /dev/fuse. */
static void packet_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				    fds), 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
}

struct competitor {
	pthread_t thread;
	struct loop_read read;
	struct loop *loop;
	char buffer[64];
	int fd;
	pthread_barrier_t *ready;
	unsigned int count;
};

static void competitor_done(struct loop_read *rd, ssize_t result)
{
	struct competitor *c = container_of(rd, struct competitor, read);

	if (result <= 0)
		abort();
	if (result == 4) {	/* "quit" */
		loop_stop(c->loop);
		return;
	}
	c->count++;
	loop_read_start(c->loop, rd);
}

static void *competitor_main(void *arg)
{
	struct competitor *c = arg;

	if (loop_open(loop_kind->kind, loop_kind->poll_us, &c->loop) != 0)
		abort();
	c->read.fd = c->fd;
	c->read.buffer = c->buffer;
	c->read.size = sizeof(c->buffer);
	c->read.done = competitor_done;
	loop_read_start(c->loop, &c->read);
	pthread_barrier_wait(c->ready);
	if (loop_run(c->loop) != 0)
		abort();
	loop_close(c->loop);
	return NULL;
}

/* Several loops read one source: each message is read once, none is lost. */
static void test_read_compete(void **state)
{
	struct competitor c[3];
	pthread_barrier_t ready;
	unsigned int i, total = 0;
	int fds[2];

	(void)state;
	packet_pair(fds);
	memset(c, 0, sizeof(c));
	pthread_barrier_init(&ready, NULL, ARRAY_SIZE(c) + 1);
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		c[i].fd = fds[0];
		c[i].ready = &ready;
		assert_int_equal(pthread_create(&c[i].thread, NULL,
						competitor_main, &c[i]), 0);
	}
	pthread_barrier_wait(&ready);
	for (i = 0; i < MESSAGES; i++)
		assert_int_equal(send(fds[1], "x", 1, 0), 1);
	for (i = 0; i < ARRAY_SIZE(c); i++)
		assert_int_equal(send(fds[1], "quit", 4, 0), 4);
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		pthread_join(c[i].thread, NULL);
		total += c[i].count;
	}
	assert_int_equal(total, MESSAGES);
	pthread_barrier_destroy(&ready);
	close(fds[0]);
	close(fds[1]);
}

struct poster {
	pthread_t thread;
	struct loop *loop;
	unsigned int number;
};

struct message {
	struct loop_task task;
	unsigned int poster, sequence;
};

static unsigned int posted_next[POSTERS];
static unsigned int posted_count;
static struct loop *posted_loop;

static void message_run(struct loop_task *task)
{
	struct message *m = container_of(task, struct message, task);

	assert_true(loop_is_mine(posted_loop));
	assert_int_equal(m->sequence, posted_next[m->poster]);
	posted_next[m->poster]++;
	free(m);
	if (++posted_count == POSTERS * POSTS)
		loop_stop(posted_loop);
}

static void *poster_main(void *arg)
{
	struct poster *p = arg;
	unsigned int i;

	if (loop_is_mine(p->loop))
		abort();
	for (i = 0; i < POSTS; i++) {
		struct message *m = calloc(1, sizeof(*m));

		if (!m)
			abort();
		m->task.run = message_run;
		m->poster = p->number;
		m->sequence = i;
		loop_post(p->loop, &m->task);
		if (i % 64 == 0)	/* let the loop fall asleep */
			sched_yield();
	}
	return NULL;
}

static void test_post(void **state)
{
	struct loop *loop = *state;
	struct poster posters[POSTERS];
	unsigned int i;

	memset(posted_next, 0, sizeof(posted_next));
	posted_count = 0;
	posted_loop = loop;
	for (i = 0; i < POSTERS; i++) {
		posters[i].loop = loop;
		posters[i].number = i;
		assert_int_equal(pthread_create(&posters[i].thread, NULL,
						poster_main, &posters[i]), 0);
	}
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(posted_count, POSTERS * POSTS);
	for (i = 0; i < POSTERS; i++)
		pthread_join(posters[i].thread, NULL);
}

/* Each wakes the other from its sleep: a lost wake-up would hang here. */
struct pong {
	struct loop_task task;
	struct loop *loop, *peer;
	struct pong *other;
	pthread_barrier_t *ready;
	atomic_uint count;
};

static void pong_run(struct loop_task *task)
{
	struct pong *pong = container_of(task, struct pong, task);

	if (++pong->count == POSTS)
		loop_stop(pong->loop);
	if (pong->other->count < POSTS)
		loop_post(pong->peer, &pong->other->task);
}

static void *pong_main(void *arg)
{
	struct pong *pong = arg;
	struct loop *loop;

	if (loop_open(loop_kind->kind, loop_kind->poll_us, &loop) != 0)
		abort();
	pong->loop = loop;
	pong->other->peer = loop;
	pthread_barrier_wait(pong->ready);
	if (loop_run(loop) != 0)
		abort();
	pthread_barrier_wait(pong->ready);
	loop_close(loop);
	return NULL;
}

static void test_post_ping_pong(void **state)
{
	struct loop *loop = *state;
	pthread_barrier_t ready;
	struct pong a, b;
	pthread_t thread;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	pthread_barrier_init(&ready, NULL, 2);
	a.loop = loop;
	a.other = &b;
	a.ready = b.ready = &ready;
	a.task.run = b.task.run = pong_run;
	b.other = &a;
	b.peer = loop;
	assert_int_equal(pthread_create(&thread, NULL, pong_main, &b), 0);
	pthread_barrier_wait(&ready);
	loop_post(loop, &a.task);
	assert_int_equal(loop_run(loop), 0);
	pthread_barrier_wait(&ready);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&ready);
	assert_int_equal(a.count, POSTS);
	assert_int_equal(b.count, POSTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(test_read_compete),
		LOOP_TEST(test_post),
		LOOP_TEST(test_post_ping_pong),
	};

	return LOOP_KINDS_RUN(tests);
}
