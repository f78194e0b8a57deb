/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting for locks: an interrupt ends the wait whenever it comes (before the
 * call, as it begins, in the middle, as it ends), and a free lock is got.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lock_wait.h"

#define RACES 2000

static int holder_fd, waiter_fd;

static int wait_posix(void *arg)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	(void)arg;
	return fcntl(waiter_fd, F_OFD_SETLKW, &lock) ? -errno : 0;
}

static int wait_flock(void *arg)
{
	(void)arg;
	return flock(waiter_fd, LOCK_EX) ? -errno : 0;
}

static void posix(int fd, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
}

/* The other side of a race; spins a number of rounds before it acts. */
struct race {
	struct lock_wait wait;
	atomic_bool go;
	unsigned int rounds;
	bool unlock;
};

static void *interrupter(void *arg)
{
	struct race *race = arg;
	volatile unsigned int spin;

	while (!atomic_load(&race->go))
		;
	for (spin = 0; spin < race->rounds; spin++)
		;
	if (race->unlock) {
		struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

		fcntl(holder_fd, F_OFD_SETLK, &lock);
		flock(holder_fd, LOCK_UN);
	}
	lock_wait_interrupt(&race->wait);
	return NULL;
}

static int run_race(int (*call)(void *arg), unsigned int rounds, bool unlock)
{
	struct race race = { .rounds = rounds, .unlock = unlock };
	pthread_t thread;
	int result;

	lock_wait_init(&race.wait);
	atomic_init(&race.go, false);
	assert_int_equal(pthread_create(&thread, NULL, interrupter, &race), 0);
	atomic_store(&race.go, true);
	result = lock_wait_run(&race.wait, call, NULL);
	assert_int_equal(pthread_join(thread, NULL), 0);
	lock_wait_destroy(&race.wait);
	return result;
}

static unsigned int seed;

static void races(int (*call)(void *arg), bool is_flock)
{
	for (int i = 0; i < RACES; i++) {
		unsigned int rounds = (unsigned int)rand_r(&seed) % 20000;
		bool unlock = i % 4 == 3;
		int result;

		if (is_flock)
			assert_int_equal(flock(holder_fd, LOCK_EX | LOCK_NB), 0);
		else
			posix(holder_fd, F_WRLCK);
		result = run_race(call, rounds, unlock);
		if (!unlock)
			assert_int_equal(result, -EINTR);
		else
			assert_true(result == 0 || result == -EINTR);
		flock(waiter_fd, LOCK_UN);
		posix(waiter_fd, F_UNLCK);
	}
}

static void test_races_posix(void **state)
{
	(void)state;
	races(wait_posix, false);
	posix(holder_fd, F_UNLCK);
}

static void test_races_flock(void **state)
{
	(void)state;
	races(wait_flock, true);
	flock(holder_fd, LOCK_UN);
}

static void test_interrupt_first(void **state)
{
	struct lock_wait wait;

	(void)state;
	lock_wait_init(&wait);
	lock_wait_interrupt(&wait);
	assert_int_equal(lock_wait_run(&wait, wait_posix, NULL), -EINTR);
	lock_wait_destroy(&wait);
	/* It was free, but nobody wanted it any more. */
	posix(holder_fd, F_WRLCK);
	posix(holder_fd, F_UNLCK);
}

static void test_free_lock(void **state)
{
	struct lock_wait wait;

	(void)state;
	lock_wait_init(&wait);
	assert_int_equal(lock_wait_run(&wait, wait_posix, NULL), 0);
	/* Too late, and harmless. */
	lock_wait_interrupt(&wait);
	lock_wait_destroy(&wait);
	posix(waiter_fd, F_UNLCK);
}

/* A call that other signals end is made again; the signal stays blocked after. */
static int calls;

static int end_twice(void *arg)
{
	(void)arg;
	return ++calls < 3 ? -EINTR : -EDEADLK;
}

static void test_stray_signals(void **state)
{
	struct lock_wait wait;
	sigset_t set;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, LOCK_WAIT_SIGNAL);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	lock_wait_init(&wait);
	assert_int_equal(lock_wait_run(&wait, end_twice, NULL), -EDEADLK);
	assert_int_equal(calls, 3);
	lock_wait_destroy(&wait);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &set), 0);
	assert_true(sigismember(&set, LOCK_WAIT_SIGNAL));
}

static int set_up(void **state)
{
	const char *text = getenv("FERRYFS_SEED");
	char path[] = "/tmp/test_lock_wait.XXXXXX";

	(void)state;
	seed = text ? (unsigned int)strtoul(text, NULL, 0) :
		      (unsigned int)time(NULL);
	printf("FERRYFS_SEED=%u\n", seed);
	holder_fd = mkostemp(path, O_CLOEXEC);
	waiter_fd = open(path, O_RDWR | O_CLOEXEC);
	unlink(path);
	return holder_fd < 0 || waiter_fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(waiter_fd);
	close(holder_fd);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interrupt_first),
		cmocka_unit_test(test_free_lock),
		cmocka_unit_test(test_stray_signals),
		cmocka_unit_test(test_races_posix),
		cmocka_unit_test(test_races_flock),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
