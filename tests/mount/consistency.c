/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * consistency FILE [NATIVE]: threads that write and read one file each in its own
 * way (buffered, O_DIRECT by libaio, mapped): what one writes the others read. In
 * a round each block of the file is written by one of them; after a barrier each
 * reads the blocks of the others and compares xxhash sums with what had to be
 * there; after another barrier the next round begins. With NATIVE, the same file
 * as seen without the mount, the two sides do it to each other, the mount's by
 * calls only (its maps are caches).
 *
 * consistency --check FILE looks whether FILE is as a run leaves it. Exit code 0,
 * 1 (a call failed) or 4 (content was wrong). Direct reads go into ordinary memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#define BLOCK (64 * 1024)
#define BLOCKS 30
#define ROUNDS 20
#define THREADS 6
#define DEPTH 4

enum way { WAY_BUFFERED, WAY_DIRECT, WAY_MAPPED };

struct worker {
	pthread_t thread;
	unsigned int index;
	enum way way;
	const char *path;
	int fd;
	unsigned char *map;
	unsigned char *buffers;		/* DEPTH blocks */
	io_context_t aio;
};

static pthread_barrier_t barrier;
static atomic_uint wrong, broken;

static const char *const way_names[] = { "buffered", "direct", "mapped" };

/* What block B holds after ROUND, by splitmix64. */
static void fill(unsigned char *to, unsigned int block, unsigned int round)
{
	uint64_t state = (uint64_t)block << 32 | (round + 1);

	for (size_t i = 0; i < BLOCK; i += sizeof(state)) {
		uint64_t z = state += 0x9e3779b97f4a7c15ULL;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
		z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
		z ^= z >> 31;
		memcpy(to + i, &z, sizeof(z));
	}
}

static uint64_t expected(unsigned int block, unsigned int round)
{
	static _Thread_local unsigned char data[BLOCK];

	fill(data, block, round);
	return XXH3_64bits(data, BLOCK);
}

static void failed(const struct worker *worker, const char *call, long result)
{
	fprintf(stderr, "consistency: thread %u (%s): %s: %s\n", worker->index,
		way_names[worker->way], call,
		result < 0 ? strerror((int)-result) : "short");
	atomic_fetch_add(&broken, 1);
}

static void compare(const struct worker *worker, unsigned int block,
		    unsigned int round, const unsigned char *data)
{
	static atomic_uint told;

	if (XXH3_64bits(data, BLOCK) == expected(block, round))
		return;
	atomic_fetch_add(&wrong, 1);
	if (atomic_fetch_add(&told, 1) > 20)
		return;
	fprintf(stderr, "consistency: round %u, block %u, written by thread %u,"
		" read %s by thread %u: %s content\n", round, block,
		(block + round) % THREADS, way_names[worker->way],
		worker->index, round && XXH3_64bits(data, BLOCK) ==
		expected(block, round - 1) ? "the round before's" : "wrong");
}

/* COUNT blocks at once, all in flight together. */
static void direct_batch(struct worker *worker, const unsigned int *blocks,
			 unsigned int count, bool writing)
{
	struct iocb control[DEPTH], *pointers[DEPTH];
	struct io_event events[DEPTH];
	int done;

	for (unsigned int i = 0; i < count; i++) {
		unsigned char *buffer = worker->buffers + (size_t)i * BLOCK;
		long long offset = (long long)blocks[i] * BLOCK;

		pointers[i] = &control[i];
		if (writing)
			io_prep_pwrite(&control[i], worker->fd, buffer, BLOCK,
				       offset);
		else
			io_prep_pread(&control[i], worker->fd, buffer, BLOCK,
				      offset);
	}
	done = io_submit(worker->aio, (long)count, pointers);
	if (done != (int)count) {
		failed(worker, "io_submit", done);
		return;
	}
	done = io_getevents(worker->aio, (long)count, (long)count, events,
			    NULL);
	for (int i = 0; i < done; i++)
		if ((long)events[i].res != BLOCK)
			failed(worker, writing ? "aio write" : "aio read",
			       (long)events[i].res);
}

static void write_batch(struct worker *worker, const unsigned int *blocks,
			unsigned int count, unsigned int round)
{
	for (unsigned int i = 0; i < count; i++)
		fill(worker->buffers + (size_t)i * BLOCK, blocks[i], round);
	if (worker->way == WAY_DIRECT) {
		direct_batch(worker, blocks, count, true);
		return;
	}
	for (unsigned int i = 0; i < count; i++) {
		unsigned char *from = worker->buffers + (size_t)i * BLOCK;
		size_t offset = (size_t)blocks[i] * BLOCK;
		ssize_t done;

		if (worker->way == WAY_MAPPED) {
			memcpy(worker->map + offset, from, BLOCK);
			if (msync(worker->map + offset, BLOCK, MS_SYNC) != 0)
				failed(worker, "msync", -errno);
			continue;
		}
		done = pwrite(worker->fd, from, BLOCK, (off_t)offset);
		if (done != BLOCK)
			failed(worker, "pwrite", done < 0 ? -errno : done);
	}
}

static void read_batch(struct worker *worker, const unsigned int *blocks,
		       unsigned int count, unsigned int round)
{
	if (worker->way == WAY_DIRECT)
		direct_batch(worker, blocks, count, false);
	for (unsigned int i = 0; i < count; i++) {
		unsigned char *to = worker->buffers + (size_t)i * BLOCK;
		size_t offset = (size_t)blocks[i] * BLOCK;
		ssize_t done;

		if (worker->way == WAY_MAPPED) {
			compare(worker, blocks[i], round, worker->map + offset);
			continue;
		}
		if (worker->way == WAY_BUFFERED) {
			done = pread(worker->fd, to, BLOCK, (off_t)offset);
			if (done != BLOCK)
				failed(worker, "pread",
				       done < 0 ? -errno : done);
		}
		compare(worker, blocks[i], round, to);
	}
}

/* Its own blocks of that round, or those of the others. */
static void do_blocks(struct worker *worker, unsigned int round, bool writing)
{
	unsigned int blocks[DEPTH], count = 0;

	for (unsigned int block = 0; block < BLOCKS; block++) {
		if (((block + round) % THREADS == worker->index) == writing)
			blocks[count++] = block;
		if (count == DEPTH || (count && block == BLOCKS - 1)) {
			if (writing)
				write_batch(worker, blocks, count, round);
			else
				read_batch(worker, blocks, count, round);
			count = 0;
		}
	}
}

static int open_worker(struct worker *worker)
{
	int flags = O_RDWR | O_CLOEXEC;
	int error;

	worker->buffers = aligned_alloc(4096, (size_t)DEPTH * BLOCK);
	if (!worker->buffers)
		return -ENOMEM;
	if (worker->way == WAY_DIRECT) {
		flags |= O_DIRECT;
		error = io_setup(DEPTH, &worker->aio);
		if (error)
			return error;
	}
	worker->fd = open(worker->path, flags);
	if (worker->fd < 0)
		return -errno;
	if (worker->way != WAY_MAPPED)
		return 0;
	worker->map = mmap(NULL, (size_t)BLOCKS * BLOCK, PROT_READ | PROT_WRITE,
			   MAP_SHARED, worker->fd, 0);
	if (worker->map == MAP_FAILED)
		return -errno;
	/*
	 * No read-around: it would cache blocks that others are writing by libaio,
	 * and Linux drops such pages before an asynchronous direct write to FUSE,
	 * not after it.
	 */
	return madvise(worker->map, (size_t)BLOCKS * BLOCK, MADV_RANDOM) ?
		-errno : 0;
}

static void *run(void *argument)
{
	struct worker *worker = argument;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		do_blocks(worker, round, true);
		pthread_barrier_wait(&barrier);
		do_blocks(worker, round, false);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static int check_file(const char *path)
{
	static unsigned char data[BLOCK];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		perror(path);
		return 1;
	}
	for (unsigned int block = 0; block < BLOCKS; block++) {
		if (read(fd, data, BLOCK) != BLOCK ||
		    XXH3_64bits(data, BLOCK) != expected(block, ROUNDS - 1)) {
			printf("%s: block %u is not as it was left\n", path,
			       block);
			return 4;
		}
	}
	close(fd);
	return 0;
}

static int make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || ftruncate(fd, (off_t)BLOCKS * BLOCK) != 0 ||
	    close(fd) != 0) {
		perror(path);
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct worker workers[THREADS];
	static const enum way both_sides[THREADS] = {
		WAY_BUFFERED, WAY_DIRECT, WAY_BUFFERED,
		WAY_BUFFERED, WAY_MAPPED, WAY_DIRECT,
	};

	if (argc == 3 && strcmp(argv[1], "--check") == 0)
		return check_file(argv[2]);
	if (argc != 2 && argc != 3) {
		fputs("usage: consistency FILE [NATIVE]\n", stderr);
		return 2;
	}
	if (make_file(argv[1]) != 0)
		return 1;
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (unsigned int i = 0; i < THREADS; i++) {
		struct worker *worker = &workers[i];
		int error;

		worker->index = i;
		worker->path = argc == 3 && i >= THREADS / 2 ? argv[2] : argv[1];
		worker->way = argc == 3 ? both_sides[i] : (enum way)(i % 3);
		error = open_worker(worker);
		if (error) {
			failed(worker, "open", error);
			return 1;
		}
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_create(&workers[i].thread, NULL, run, &workers[i]);
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].map)
			munmap(workers[i].map, (size_t)BLOCKS * BLOCK);
		close(workers[i].fd);
	}
	printf("consistency: %u wrong, %u failed\n", atomic_load(&wrong),
	       atomic_load(&broken));
	if (atomic_load(&broken))
		return 1;
	return atomic_load(&wrong) ? 4 : 0;
}
