/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Open files: forged and released fhs, who closes, the O_DIRECT twin, and what a
 * client leaves open.
 */
#include "inode_fixture.h"

#include <pthread.h>

#include "handle.h"
#include "util.h"

#define THREADS 4
#define STEPS 3000

static struct handle_table *table_of(struct fixture *f)
{
	struct handle_table *table;

	assert_int_equal(handle_table_create(f->table, &table), 0);
	return table;
}

static struct handle *open_file(struct fixture *f, struct handle_table *table,
				struct inode *inode, int flags)
{
	struct handle *handle;
	int fd = inode_open(f->table, inode, flags & ~O_DIRECT);

	assert_true(fd >= 0);
	assert_int_equal(handle_open(table, HANDLE_FILE, inode, fd, flags,
				     &handle), 0);
	return handle;
}

static void released_fh_is_bad(void **state)
{
	struct fixture *f = fixture(state);
	struct handle_table *table = table_of(f);
	struct handle *handle, *got, *other;
	struct inode *inode;
	uint64_t fh;
	int fd;

	make_file(f, "a");
	inode = lookup(f, f->root, "a");
	handle = open_file(f, table, inode, O_RDWR);
	fh = handle_fh(handle);
	fd = handle->fd;
	forget(f, inode, 1);
	assert_int_equal(stats_of(f).inodes, 2);

	assert_int_equal(handle_get(table, fh, HANDLE_FILE, inode, &got), 0);
	assert_ptr_equal(got, handle);
	handle_release(table, got);
	assert_int_equal(handle_get(table, fh, HANDLE_FILE, inode, &other),
			 -EBADF);
	/* The request under way still reads. */
	assert_true(fcntl(fd, F_GETFD) >= 0);
	handle_release(table, got);
	assert_int_equal(handle_count(table), 1);
	handle_put(table, got);
	assert_int_equal(handle_count(table), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(handle_get(table, fh, HANDLE_FILE, inode, &got),
			 -EBADF);
	assert_int_equal(stats_of(f).inodes, 1);
	handle_table_destroy(table);
}

static void forged_fhs_are_bad(void **state)
{
	struct fixture *f = fixture(state);
	struct handle_table *table = table_of(f);
	struct inode *a, *b;
	struct handle *got;
	uint64_t fh;

	make_file(f, "a");
	make_file(f, "b");
	a = lookup(f, f->root, "a");
	b = lookup(f, f->root, "b");
	fh = handle_fh(open_file(f, table, a, O_RDONLY));
	assert_int_equal(handle_get(table, fh, HANDLE_FILE, b, &got), -EBADF);
	assert_int_equal(handle_get(table, fh, HANDLE_DIRECTORY, a, &got),
			 -EBADF);
	assert_int_equal(handle_get(table, fh + 1, HANDLE_FILE, a, &got),
			 -EBADF);
	assert_int_equal(handle_get(table, fh + (1ULL << 32), HANDLE_FILE, a,
				    &got), -EBADF);
	assert_int_equal(handle_get(table, 0, HANDLE_FILE, a, &got), -EBADF);
	assert_int_equal(handle_get(table, UINT64_MAX, HANDLE_FILE, a, &got),
			 -EBADF);
	assert_int_equal(handle_get(table, fh, HANDLE_FILE, a, &got), 0);
	handle_put(table, got);
	handle_table_destroy(table);
}

static void left_open_is_closed(void **state)
{
	struct fixture *f = fixture(state);
	struct handle_table *table = table_of(f);
	struct handle *handle;
	struct inode *inode;
	int fd;

	make_file(f, "a");
	inode = lookup(f, f->root, "a");
	handle = open_file(f, table, inode, O_RDONLY);
	handle->dir_buffer = malloc(16);
	fd = handle->fd;
	handle_table_destroy(table);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	forget(f, inode, 1);
	assert_int_equal(stats_of(f).inodes, 1);
}

static void unlinked_open_file_stays(void **state)
{
	struct fixture *f = fixture(state);
	struct handle_table *table = table_of(f);
	struct handle *handle;
	struct inode *inode;
	char text[8] = "";

	make_file(f, "a");
	inode = lookup(f, f->root, "a");
	handle = open_file(f, table, inode, O_RDWR);
	/* By others: nobody announced it. */
	assert_int_equal(unlinkat(f->root_fd, "a", 0), 0);
	cool_down(f);
	assert_true(reaches(f, inode, inode->ino));
	assert_int_equal(pread(handle_io_fd(table, handle, false), text,
			       sizeof(text), 0), 1);
	assert_string_equal(text, "a");
	handle_release(table, handle);
	handle_table_destroy(table);
}

static void direct_twin(void **state)
{
	struct fixture *f = fixture(state);
	struct handle_table *table = table_of(f);
	struct handle *handle;
	struct inode *inode;
	int fd, flags;

	make_file(f, "a");
	inode = lookup(f, f->root, "a");
	handle = open_file(f, table, inode, O_RDWR | O_DIRECT);
	assert_int_equal(handle_io_fd(table, handle, false), handle->fd);
	assert_false(fcntl(handle->fd, F_GETFL) & O_DIRECT);
	fd = handle_io_fd(table, handle, true);
	if (fd == -EINVAL) {
		print_message("no O_DIRECT here\n");
	} else {
		assert_true(fd >= 0 && fd != handle->fd);
		flags = fcntl(fd, F_GETFL);
		assert_true(flags & O_DIRECT);
		assert_int_equal(flags & O_ACCMODE, O_RDWR);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(handle_io_fd(table, handle, true), fd);
	}
	handle_release(table, handle);
	if (fd >= 0)
		assert_int_equal(fcntl(fd, F_GETFD), -1);
	handle_table_destroy(table);
}

struct client {
	pthread_t thread;
	struct handle_table *table;
	struct inode *inode;
	const uint64_t *fhs;
	unsigned int seed;
};

/* Uses and releases whatever fh it thinks of, as others do. */
static void *client_run(void *arg)
{
	struct client *client = arg;
	struct handle *handle;
	int i;

	for (i = 0; i < STEPS; i++) {
		if (handle_get(client->table,
			       client->fhs[rand_r(&client->seed) % STEPS],
			       HANDLE_FILE, client->inode, &handle) < 0)
			continue;
		handle_io_fd(client->table, handle, true);
		if (rand_r(&client->seed) % 2)
			handle_release(client->table, handle);
		handle_put(client->table, handle);
	}
	return NULL;
}

static void threads_release_once(void **state)
{
	struct fixture *f = fixture(state);
	struct handle_table *table = table_of(f);
	static uint64_t fhs[STEPS];
	struct client clients[THREADS];
	struct inode *inode;
	int i;

	make_file(f, "a");
	inode = lookup(f, f->root, "a");
	for (i = 0; i < STEPS; i++)
		fhs[i] = i < 200 ? handle_fh(open_file(f, table, inode,
						       O_RDONLY)) :
				   fhs[i % 200];
	for (i = 0; i < THREADS; i++) {
		clients[i] = (struct client){
			.table = table,
			.inode = inode,
			.fhs = fhs,
			.seed = (unsigned int)i,
		};
		assert_int_equal(pthread_create(&clients[i].thread, NULL,
						client_run, &clients[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(clients[i].thread, NULL);
	handle_table_destroy(table);
	forget(f, inode, 1);
	assert_int_equal(stats_of(f).inodes, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_both(released_fh_is_bad),
		test_both(forged_fhs_are_bad),
		test_both(left_open_is_closed),
		test_both(unlinked_open_file_stays),
		test_both(direct_twin),
		test_both(threads_release_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
