/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * interrupt_storm KIND FILE ROUNDS SECONDS SEED: holds a lock (KIND is lock for
 * fcntl, flock for flock) that a child asks for ROUNDS times, each time with a
 * timer of 1..60 microseconds: every wait must end with EINTR. Exit code 0, or 1
 * with what happened instead.
 *
 * The timer goes on every ms, for when it was too early and nobody waits yet.
 * It hides no lost INTERRUPT: Linux sends one for each request, whatever follows.
 *
 * If the child does not come back in SECONDS the parent unlocks before anything
 * else, so that nobody stays in the kernel, beyond reach of SIGKILL.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DELAY_MAX_US 60
#define REPEAT_US 1000
/* For the child to end once it was unlocked. */
#define UNLOCKED_MS 5000

/* What the child tells after each round. */
struct round_report {
	unsigned int round;
	unsigned int delay_us;
	unsigned int took_us;
	int result;		/* 0 or errno */
};

static bool flocked;
static const char *path;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "interrupt_storm: %s %s: %s\n", what, path,
		strerror(errno));
	_exit(1);
}

static int set_lock(int fd, bool take)
{
	struct flock lock = {
		.l_type = take ? F_WRLCK : F_UNLCK,
		.l_whence = SEEK_SET,
	};

	if (flocked)
		return flock(fd, take ? LOCK_EX : LOCK_UN);
	return fcntl(fd, F_SETLKW, &lock);
}

static void set_timer(unsigned int delay_us)
{
	struct itimerval timer = {
		.it_value.tv_usec = delay_us,
		.it_interval.tv_usec = delay_us ? REPEAT_US : 0,
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

static void on_alarm(int number)
{
	(void)number;
}

static unsigned int now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned int)now.tv_sec * 1000000U +
	       (unsigned int)(now.tv_nsec / 1000);
}

static _Noreturn void child_main(int report_fd, unsigned int rounds,
				 unsigned int seed)
{
	/* No SA_RESTART. */
	struct sigaction action = { .sa_handler = on_alarm };
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("open");
	sigaction(SIGALRM, &action, NULL);
	for (unsigned int i = 0; i < rounds; i++) {
		struct round_report report = {
			.round = i,
			.delay_us = 1 + (unsigned int)rand_r(&seed) %
					DELAY_MAX_US,
		};
		unsigned int start = now_us();

		set_timer(report.delay_us);
		report.result = set_lock(fd, true) == 0 ? 0 : errno;
		set_timer(0);
		report.took_us = now_us() - start;
		if (write(report_fd, &report, sizeof(report)) !=
		    (ssize_t)sizeof(report))
			fail("report");
		if (report.result != EINTR)
			break;
	}
	_exit(0);
}

/* The guard answers first: unlocks, then looks whether the child comes back. */
static void release(int fd, int report_fd, pid_t child, unsigned int round)
{
	struct pollfd pollfd = { .fd = report_fd, .events = POLLIN };
	bool back;

	set_lock(fd, false);
	back = poll(&pollfd, 1, UNLOCKED_MS) > 0;
	fprintf(stderr, "interrupt_storm: round %u was not interrupted; %s "
		"after the unlock\n", round,
		back ? "it came back" : "and it does not come back");
	kill(child, SIGKILL);
	if (back)
		waitpid(child, NULL, 0);
}

/* Whether all ROUNDS were interrupted. Prints what was not. */
static bool watch(int fd, int report_fd, pid_t child, unsigned int rounds,
		  int limit_ms)
{
	struct pollfd pollfd = { .fd = report_fd, .events = POLLIN };
	struct round_report report;
	unsigned int longest = 0, at_once = 0;

	for (unsigned int i = 0; i < rounds; i++) {
		if (poll(&pollfd, 1, limit_ms) <= 0) {
			release(fd, report_fd, child, i);
			return false;
		}
		if (read(report_fd, &report, sizeof(report)) !=
		    (ssize_t)sizeof(report)) {
			waitpid(child, NULL, 0);
			fprintf(stderr, "interrupt_storm: ended in round %u\n",
				i);
			return false;
		}
		if (report.result != EINTR) {
			waitpid(child, NULL, 0);
			fprintf(stderr, "interrupt_storm: round %u, %u us: %s\n",
				report.round, report.delay_us,
				report.result ? strerror(report.result) :
						"got a lock that is held");
			return false;
		}
		at_once += report.took_us < REPEAT_US;
		if (report.took_us > longest)
			longest = report.took_us;
	}
	waitpid(child, NULL, 0);
	printf("%u rounds, %u by the first signal, the longest took %u us\n",
	       rounds, at_once, longest);
	return true;
}

int main(int argc, char **argv)
{
	unsigned int rounds, seed;
	int limit_ms, fd;
	int fds[2];
	pid_t child;

	if (argc != 6) {
		fputs("usage: interrupt_storm lock|flock FILE ROUNDS SECONDS "
		      "SEED\n", stderr);
		return 2;
	}
	flocked = strcmp(argv[1], "flock") == 0;
	path = argv[2];
	rounds = (unsigned int)strtoul(argv[3], NULL, 10);
	limit_ms = atoi(argv[4]) * 1000;
	seed = (unsigned int)strtoul(argv[5], NULL, 10);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || set_lock(fd, true) != 0)
		fail("holding a lock on");
	if (pipe2(fds, O_CLOEXEC) != 0)
		fail("pipe for");
	child = fork();
	if (child < 0)
		fail("fork for");
	if (child == 0) {
		close(fds[0]);
		/* Not our lock: flock's goes with the open file, not with fds. */
		close(fd);
		child_main(fds[1], rounds, seed);
	}
	close(fds[1]);
	return watch(fd, fds[0], child, rounds, limit_ms) ? 0 : 1;
}
