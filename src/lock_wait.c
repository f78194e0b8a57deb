/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interruptible waits for locks: see lock_wait.h. wait->lock is a leaf, held for
 * a system call that never waits.
 */
#include "lock_wait.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static pthread_once_t handler_once = PTHREAD_ONCE_INIT;

static void ignore_signal(int signal_number)
{
	(void)signal_number;
}

/* Without SA_RESTART: ending the call is all that the signal is for. */
static void install_handler(void)
{
	struct sigaction action = { .sa_handler = ignore_signal };

	sigemptyset(&action.sa_mask);
	sigaction(LOCK_WAIT_SIGNAL, &action, NULL);
}

void lock_wait_init(struct lock_wait *wait)
{
	memset(wait, 0, sizeof(*wait));
	pthread_mutex_init(&wait->lock, NULL);
}

void lock_wait_destroy(struct lock_wait *wait)
{
	pthread_mutex_destroy(&wait->lock);
}

static void arm(struct lock_wait *wait)
{
	const struct itimerspec often = {
		.it_value.tv_nsec = 1,
		.it_interval.tv_nsec = LOCK_WAIT_INTERVAL_NS,
	};

	timer_settime(wait->timer, 0, &often, NULL);
}

/* The timer is made here so that an interrupt needs nothing that can fail. */
static int begin(struct lock_wait *wait)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = LOCK_WAIT_SIGNAL,
	};
	int error = 0;

	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	pthread_mutex_lock(&wait->lock);
	if (wait->interrupted)
		error = -EINTR;
	else if (timer_create(CLOCK_MONOTONIC, &event, &wait->timer))
		error = -ENOLCK;
	else
		wait->running = true;
	pthread_mutex_unlock(&wait->lock);
	return error;
}

static bool interrupted(struct lock_wait *wait)
{
	bool result;

	pthread_mutex_lock(&wait->lock);
	result = wait->interrupted;
	pthread_mutex_unlock(&wait->lock);
	return result;
}

static void end(struct lock_wait *wait)
{
	pthread_mutex_lock(&wait->lock);
	wait->running = false;
	timer_delete(wait->timer);
	pthread_mutex_unlock(&wait->lock);
}

int lock_wait_run(struct lock_wait *wait, int (*call)(void *arg), void *arg)
{
	sigset_t ours, before;
	int result;

	pthread_once(&handler_once, install_handler);
	result = begin(wait);
	if (result)
		return result;
	sigemptyset(&ours);
	sigaddset(&ours, LOCK_WAIT_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &ours, &before);
	/* An earlier wait's last signal may come as late as now. */
	do {
		result = call(arg);
	} while (result == -EINTR && !interrupted(wait));
	end(wait);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return result;
}

void lock_wait_interrupt(struct lock_wait *wait)
{
	pthread_mutex_lock(&wait->lock);
	if (!wait->interrupted) {
		wait->interrupted = true;
		if (wait->running)
			arm(wait);
	}
	pthread_mutex_unlock(&wait->lock);
}
