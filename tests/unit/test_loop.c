/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop, all kinds through the same tests: reads, watches, timers, flushes,
 * stopping, on one thread. What comes from other threads: test_loop_threads.c.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop_kinds.h"

#define MESSAGES 2000

/* A packet socket: one read is one message, as with /dev/fuse. */
static void packet_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				    fds), 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
}

struct reader {
	struct loop_read read;
	struct loop *loop;
	char buffer[64];
	unsigned int count;
	unsigned int limit;	/* not started again after so many */
	bool stop_at_limit;
	ssize_t last;
};

static void reader_done(struct loop_read *rd, ssize_t result)
{
	struct reader *reader = container_of(rd, struct reader, read);

	reader->last = result;
	reader->count++;
	if (result > 0 && reader->count < reader->limit)
		loop_read_start(reader->loop, rd);
	else if (reader->stop_at_limit)
		loop_stop(reader->loop);
}

static void reader_init(struct reader *reader, struct loop *loop, int fd,
			unsigned int limit)
{
	memset(reader, 0, sizeof(*reader));
	reader->loop = loop;
	reader->limit = limit;
	reader->read.fd = fd;
	reader->read.buffer = reader->buffer;
	reader->read.size = sizeof(reader->buffer);
	reader->read.done = reader_done;
}

static void run_until(struct loop *loop, const unsigned int *count,
		      unsigned int target)
{
	while (*count < target)
		assert_true(loop_run_once(loop, true) >= 0);
}

static void test_read_messages(void **state)
{
	struct loop *loop = *state;
	struct reader reader;
	int fds[2], i;

	packet_pair(fds);
	reader_init(&reader, loop, fds[0], MESSAGES);
	loop_read_start(loop, &reader.read);
	assert_int_equal(loop_run_once(loop, false), 0);
	for (i = 0; i < MESSAGES; i++) {
		assert_int_equal(send(fds[1], &i, sizeof(i), 0), sizeof(i));
		run_until(loop, &reader.count, (unsigned int)i + 1);
		assert_int_equal(reader.last, sizeof(i));
		assert_memory_equal(reader.buffer, &i, sizeof(i));
	}
	/* Not started again: nothing is read any more. */
	assert_int_equal(send(fds[1], &i, sizeof(i), 0), sizeof(i));
	assert_int_equal(loop_run_once(loop, false), 0);
	assert_int_equal(loop_run_once(loop, false), 0);
	assert_int_equal(reader.count, MESSAGES);
	/* And then again from outside done(). */
	reader.limit++;
	loop_read_start(loop, &reader.read);
	run_until(loop, &reader.count, MESSAGES + 1);
	close(fds[0]);
	close(fds[1]);
}

static void test_read_errors(void **state)
{
	struct loop *loop = *state;
	struct reader reader;
	int fds[2];

	/* The peer's end: read gives 0, and POLLHUP alone must wake. */
	packet_pair(fds);
	reader_init(&reader, loop, fds[0], 2);
	loop_read_start(loop, &reader.read);
	close(fds[1]);
	run_until(loop, &reader.count, 1);
	assert_int_equal(reader.last, 0);
	close(fds[0]);

	/* No such descriptor. */
	reader_init(&reader, loop, fds[0], 2);
	loop_read_start(loop, &reader.read);
	assert_int_equal(reader.count, 0);
	run_until(loop, &reader.count, 1);
	assert_int_equal(reader.last, -EBADF);
}

/*
 * /dev/fuse after umount: POLLERR pending, read fails. A socket that its peer
 * has reset stands for it.
 */
static void test_read_pollerr(void **state)
{
	struct loop *loop = *state;
	struct reader reader;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				    fds), 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	/* Closing with unread data resets the peer. */
	assert_int_equal(write(fds[0], "x", 1), 1);
	close(fds[1]);
	reader_init(&reader, loop, fds[0], 2);
	loop_read_start(loop, &reader.read);
	run_until(loop, &reader.count, 1);
	assert_int_equal(reader.last, -ECONNRESET);
	close(fds[0]);
}

static void test_read_cancel(void **state)
{
	struct loop *loop = *state;
	struct reader reader;
	int fds[2], round;

	packet_pair(fds);
	reader_init(&reader, loop, fds[0], 1000);
	for (round = 0; round < 3; round++) {
		unsigned int before = reader.count;

		loop_read_start(loop, &reader.read);
		if (round)	/* cancelled while it waits, or at once */
			assert_int_equal(loop_run_once(loop, false), 0);
		loop_read_cancel(loop, &reader.read);
		assert_int_equal(reader.count, before);
		run_until(loop, &reader.count, before + 1);
		assert_int_equal(reader.last, -ECANCELED);
	}
	/* Nothing is left behind that would swallow a message. */
	assert_int_equal(send(fds[1], "a", 1, 0), 1);
	assert_int_equal(loop_run_once(loop, false), 0);
	assert_int_equal(recv(fds[0], reader.buffer, 8, 0), 1);
	close(fds[0]);
	close(fds[1]);
}

/* Two reads of one descriptor that take turns, as a server's requests do. */
struct relay {
	struct loop_read read;
	struct loop *loop;
	struct relay *other;
	char buffer[64];
	unsigned int count;
	unsigned int *total;
	ssize_t last;
};

static void relay_done(struct loop_read *rd, ssize_t result)
{
	struct relay *relay = container_of(rd, struct relay, read);

	relay->last = result;
	relay->count++;
	++*relay->total;
	if (result <= 0)
		return;
	/* Every third time the same one again. */
	loop_read_start(relay->loop, *relay->total % 3 ? &relay->other->read :
							 rd);
}

static void test_read_restarted_by_another(void **state)
{
	struct loop *loop = *state;
	struct relay relay[2];
	unsigned int total = 0, i;
	int fds[2];

	packet_pair(fds);
	memset(relay, 0, sizeof(relay));
	for (i = 0; i < 2; i++) {
		relay[i].loop = loop;
		relay[i].other = &relay[1 - i];
		relay[i].total = &total;
		relay[i].read.fd = fds[0];
		relay[i].read.buffer = relay[i].buffer;
		relay[i].read.size = sizeof(relay[i].buffer);
		relay[i].read.done = relay_done;
	}
	loop_read_start(loop, &relay[0].read);
	for (i = 0; i < MESSAGES; i++) {
		/* Two at once: the second is there when the read starts. */
		assert_int_equal(send(fds[1], "abc", 3, 0), 3);
		if (i % 2)
			run_until(loop, &total, i + 1);
	}
	assert_int_equal(relay[0].count + relay[1].count, MESSAGES);
	assert_true(relay[0].count && relay[1].count);
	assert_int_equal(relay[0].last, 3);
	assert_int_equal(relay[1].last, 3);
	close(fds[1]);
	run_until(loop, &total, MESSAGES + 1);
	assert_int_equal(relay[0].last + relay[1].last, 3);
	close(fds[0]);
}

struct watcher {
	struct loop_watch watch;
	struct loop *loop;
	unsigned int count;
	unsigned int stop_at;	/* stops itself from ready() */
	bool leave;		/* does not read what is there */
};

static void watcher_ready(struct loop_watch *watch)
{
	struct watcher *w = container_of(watch, struct watcher, watch);
	uint64_t value;

	w->count++;
	if (!w->leave)
		assert_int_equal(read(watch->fd, &value, sizeof(value)),
				 sizeof(value));
	if (w->count == w->stop_at)
		loop_watch_stop(w->loop, watch);
}

static void test_watch(void **state)
{
	struct loop *loop = *state;
	const uint64_t one = 1;
	struct watcher *w = calloc(1, sizeof(*w));
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_non_null(w);
	w->loop = loop;
	w->watch.fd = fd;
	w->watch.ready = watcher_ready;
	assert_int_equal(loop_watch_start(loop, &w->watch), 0);
	assert_int_equal(loop_run_once(loop, false), 0);
	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
	run_until(loop, &w->count, 1);
	assert_int_equal(loop_run_once(loop, false), 0);

	/* Level-triggered: it comes as long as it is not read. */
	w->leave = true;
	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
	run_until(loop, &w->count, 4);

	/* Stopped from ready(), and started again from outside. */
	w->stop_at = 5;
	run_until(loop, &w->count, 5);
	assert_int_equal(loop_run_once(loop, false), 0);
	assert_int_equal(loop_run_once(loop, false), 0);
	assert_int_equal(loop_watch_start(loop, &w->watch), 0);
	run_until(loop, &w->count, 6);

	/* Stopped and freed while it is ready. */
	loop_watch_stop(loop, &w->watch);
	free(w);
	assert_int_equal(loop_run_once(loop, false), 0);
	assert_int_equal(loop_run_once(loop, false), 0);
	close(fd);
}

struct stopper {
	struct loop_watch watch;
	struct loop *loop;
	struct stopper **other;
	unsigned int *count;
};

static void stopper_ready(struct loop_watch *watch)
{
	struct stopper *s = container_of(watch, struct stopper, watch);

	(*s->count)++;
	if (*s->other) {
		loop_watch_stop(s->loop, &(*s->other)->watch);
		free(*s->other);
		*s->other = NULL;
	}
	loop_watch_stop(s->loop, watch);
}

/* Both are ready in one batch; the first frees the second. */
static void test_watch_free_in_batch(void **state)
{
	struct loop *loop = *state;
	const uint64_t one = 1;
	struct stopper *s[2];
	unsigned int count = 0, i;
	int fd[2];

	for (i = 0; i < 2; i++) {
		fd[i] = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
		assert_int_equal(write(fd[i], &one, sizeof(one)), sizeof(one));
		s[i] = calloc(1, sizeof(*s[i]));
		assert_non_null(s[i]);
		s[i]->loop = loop;
		s[i]->watch.fd = fd[i];
		s[i]->watch.ready = stopper_ready;
		s[i]->other = &s[1 - i];
		s[i]->count = &count;
		assert_int_equal(loop_watch_start(loop, &s[i]->watch), 0);
	}
	run_until(loop, &count, 1);
	assert_int_equal(loop_run_once(loop, false), 0);
	assert_int_equal(count, 1);
	for (i = 0; i < 2; i++) {
		close(fd[i]);
		free(s[i]);
	}
}

struct tick {
	struct loop_timer timer;
	struct loop *loop;
	unsigned int *fired;
	unsigned int order;
	struct tick *stops;
	uint64_t again_ns;
};

static void tick_fire(struct loop_timer *timer)
{
	struct tick *tick = container_of(timer, struct tick, timer);

	assert_true(now_ns() >= timer->deadline_ns);
	tick->order = ++*tick->fired;
	if (tick->stops)
		loop_timer_stop(tick->loop, &tick->stops->timer);
	if (tick->again_ns) {
		timer->deadline_ns = now_ns() + tick->again_ns;
		tick->again_ns = 0;
		loop_timer_start(tick->loop, timer);
	}
}

static void test_timers(void **state)
{
	/* Offsets in ms; number 3 stops number 4; number 1 goes twice. */
	static const unsigned int offset_ms[] = { 9, 3, 0, 5, 7 };
	struct loop *loop = *state;
	struct tick ticks[ARRAY_SIZE(offset_ms)];
	unsigned int fired = 0, i;
	uint64_t start = now_ns();

	memset(ticks, 0, sizeof(ticks));
	for (i = 0; i < ARRAY_SIZE(ticks); i++) {
		ticks[i].loop = loop;
		ticks[i].fired = &fired;
		ticks[i].timer.fire = tick_fire;
		ticks[i].timer.deadline_ns = start +
					     offset_ms[i] * NSEC_PER_MSEC;
		loop_timer_start(loop, &ticks[i].timer);
	}
	ticks[3].stops = &ticks[4];
	ticks[1].again_ns = 100 * NSEC_PER_MSEC;
	run_until(loop, &fired, 5);
	assert_int_equal(ticks[2].order, 1);
	assert_int_equal(ticks[3].order, 3);
	assert_int_equal(ticks[4].order, 0);
	assert_int_equal(ticks[0].order, 4);
	assert_int_equal(ticks[1].order, 5);
	/* Started twice is moved, not doubled. */
	fired = 0;
	ticks[0].timer.deadline_ns = now_ns() + NSEC_PER_SEC * 1000;
	loop_timer_start(loop, &ticks[0].timer);
	ticks[0].timer.deadline_ns = 0;
	loop_timer_start(loop, &ticks[0].timer);
	run_until(loop, &fired, 1);
	assert_int_equal(loop_run_once(loop, false), 0);
	assert_int_equal(fired, 1);
}

static void test_stop_before_run(void **state)
{
	struct loop *loop = *state;
	struct reader reader;
	int fds[2];

	loop_stop(loop);
	assert_int_equal(loop_run(loop), 0);
	/* And it runs again. */
	packet_pair(fds);
	reader_init(&reader, loop, fds[0], 1);
	reader.stop_at_limit = true;
	loop_read_start(loop, &reader.read);
	assert_int_equal(send(fds[1], "x", 1, 0), 1);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(reader.count, 1);
	close(fds[0]);
	close(fds[1]);
}

struct counted_flush {
	struct loop_flush flush;
	struct loop *loop;
	struct counted_flush *removes;
	unsigned int count;
};

static void counted_flush_run(struct loop_flush *flush)
{
	struct counted_flush *c = container_of(flush, struct counted_flush,
					       flush);

	c->count++;
	if (c->removes)
		loop_remove_flush(c->loop, &c->removes->flush);
	c->removes = NULL;
}

static void test_flush(void **state)
{
	struct loop *loop = *state;
	struct counted_flush c[3];
	unsigned int i;

	memset(c, 0, sizeof(c));
	for (i = 0; i < 3; i++) {
		c[i].loop = loop;
		c[i].flush.flush = counted_flush_run;
		loop_add_flush(loop, &c[i].flush);
	}
	assert_int_equal(loop_run_once(loop, false), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(c[i].count, 1);
	c[2].removes = &c[1];	/* the next in line */
	assert_int_equal(loop_run_once(loop, false), 0);
	assert_int_equal(c[2].count, 2);
	assert_int_equal(c[1].count, 1);
	assert_int_equal(c[0].count, 2);
	loop_remove_flush(loop, &c[0].flush);
	loop_remove_flush(loop, &c[2].flush);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(test_read_messages),
		LOOP_TEST(test_read_errors),
		LOOP_TEST(test_read_pollerr),
		LOOP_TEST(test_read_cancel),
		LOOP_TEST(test_read_restarted_by_another),
		LOOP_TEST(test_watch),
		LOOP_TEST(test_watch_free_in_batch),
		LOOP_TEST(test_timers),
		LOOP_TEST(test_stop_before_run),
		LOOP_TEST(test_flush),
	};

	return LOOP_KINDS_RUN(tests);
}
