/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hold WHAT FILE [BYTES]: does one thing to a file, says "ready", and stays there
 * until it is killed, so that a test can look what happens meanwhile. WHAT:
 *
 *	open      has it open
 *	unlinked  makes it, writes, unlinks it; on SIGUSR1 looks whether its content
 *	          is still there and exits 0 or 4
 *	written   writes BYTES times 'w'; no fsync, no close
 *	synced    the same with fsync
 *	dirty     stores BYTES times 'm' by a shared map; no msync
 *	lock      holds an exclusive fcntl lock, for which it waits
 *	flock     holds an exclusive flock, for which it waits
 *	cwd       has that directory as its working directory
 *
 * Exit code 1 and the errno's text if something failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *what, *path;
static size_t bytes = 4096;
static int fd = -1;

static void fail(void)
{
	fprintf(stderr, "hold: %s %s: %s\n", what, path, strerror(errno));
	exit(1);
}

static void create(void)
{
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		fail();
}

static void write_all(int byte)
{
	char *data = malloc(bytes);

	if (!data)
		fail();
	memset(data, byte, bytes);
	for (size_t done = 0; done < bytes;) {
		ssize_t count = write(fd, data + done, bytes - done);

		if (count < 0)
			fail();
		done += (size_t)count;
	}
	free(data);
}

static void store_all(void)
{
	char *map;

	if (ftruncate(fd, (off_t)bytes) != 0)
		fail();
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		fail();
	memset(map, 'm', bytes);
}

static void take_lock(bool flocked)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (flocked ? flock(fd, LOCK_EX) : fcntl(fd, F_SETLKW, &lock))
		fail();
}

static int still_there(void)
{
	char *data = malloc(bytes + 1);
	ssize_t count = data ? pread(fd, data, bytes + 1, 0) : -1;
	bool there = count == (ssize_t)bytes;

	for (size_t i = 0; there && i < bytes; i++)
		there = data[i] == 'w';
	free(data);
	return there ? 0 : 4;
}

static void prepare(void)
{
	if (strcmp(what, "cwd") == 0) {
		if (chdir(path) != 0)
			fail();
		return;
	}
	create();
	if (strcmp(what, "unlinked") == 0) {
		write_all('w');
		if (unlink(path) != 0)
			fail();
	} else if (strcmp(what, "written") == 0) {
		write_all('w');
	} else if (strcmp(what, "synced") == 0) {
		write_all('w');
		if (fsync(fd) != 0)
			fail();
	} else if (strcmp(what, "dirty") == 0) {
		store_all();
	} else if (strcmp(what, "lock") == 0) {
		take_lock(false);
	} else if (strcmp(what, "flock") == 0) {
		take_lock(true);
	} else if (strcmp(what, "open") != 0) {
		errno = EINVAL;
		fail();
	}
}

int main(int argc, char **argv)
{
	sigset_t asked;
	int signal_number;

	if (argc < 3) {
		fputs("usage: hold WHAT FILE [BYTES]\n", stderr);
		return 2;
	}
	what = argv[1];
	path = argv[2];
	if (argc > 3)
		bytes = strtoul(argv[3], NULL, 10);
	sigemptyset(&asked);
	sigaddset(&asked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &asked, NULL);
	/* A shell's background processes ignore it; Ctrl-C is what we test. */
	signal(SIGINT, SIG_DFL);
	prepare();
	puts("ready");
	fflush(stdout);
	if (sigwait(&asked, &signal_number) != 0)
		return 1;
	return still_there();
}
