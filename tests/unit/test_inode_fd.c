/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fds of inodes: the clock under small limits, what it may not close, opening
 * files, running out, and all of it from several threads.
 */
#include "inode_fixture.h"

#include <pthread.h>
#include <sys/resource.h>

#include "util.h"

#define FILES 200
#define THREADS 4
#define STEPS 4000
#define STRESS_FILES 48

static uint64_t seed = 1;

static void make_files(struct fixture *f, struct inode **inodes, int count)
{
	char name[16];
	int i;

	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%d", i);
		make_file(f, name);
		inodes[i] = lookup(f, f->root, name);
	}
}

static void clock_keeps_the_limit(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *inodes[FILES];
	int i, round;

	make_files(f, inodes, FILES);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < FILES; i++) {
			assert_true(reaches(f, inodes[i], inodes[i]->ino));
			assert_true(stats_of(f).fds <= 16);
		}
	}
	assert_int_equal(stats_of(f).fds_max, 16);
	assert_true(stats_of(f).closed >= FILES);
	assert_true(stats_of(f).reopened >= FILES);
	for (i = 0; i < FILES; i++)
		forget(f, inodes[i], 1);
	assert_int_equal(stats_of(f).fds, 0);
	assert_int_equal(stats_of(f).inodes, 1);
}

static void used_fds_stay(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *inodes[FILES];
	int fds[FILES], i;
	struct stat st;

	make_files(f, inodes, FILES);
	for (i = 0; i < FILES; i++)
		assert_int_equal(inode_fd(f->table, inodes[i], &fds[i]), 0);
	cool_down(f);
	assert_int_equal(stats_of(f).fds, FILES);
	for (i = 0; i < FILES; i++) {
		assert_int_equal(fstat(fds[i], &st), 0);
		assert_int_equal(st.st_ino, inodes[i]->ino);
		inode_fd_put(f->table, inodes[i]);
	}
	cool_down(f);
	assert_int_equal(stats_of(f).fds, 0);
}

static void unlinked_stays_until_forgotten(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *file, *dir;
	struct stat st;
	int fd;

	make_file(f, "file");
	assert_int_equal(mkdirat(f->root_fd, "dir", 0700), 0);
	file = lookup(f, f->root, "file");
	dir = lookup(f, f->root, "dir");
	cool_down(f);
	inode_before_unlink(f->table, f->root, f->root_fd, "file");
	assert_int_equal(unlinkat(f->root_fd, "file", 0), 0);
	inode_before_unlink(f->table, f->root, f->root_fd, "dir");
	assert_int_equal(unlinkat(f->root_fd, "dir", AT_REMOVEDIR), 0);
	inode_before_unlink(f->table, f->root, f->root_fd, "none");
	cool_down(f);
	assert_int_equal(stats_of(f).fds, 2);
	assert_int_equal(inode_fd(f->table, file, &fd), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	inode_fd_put(f->table, file);
	assert_true(reaches(f, dir, dir->ino));
	fd = inode_open(f->table, file, O_RDWR);
	assert_true(fd >= 0);
	close(fd);
	forget(f, file, 1);
	forget(f, dir, 1);
	assert_int_equal(stats_of(f).fds, 0);
}

static void other_links_need_no_fd(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *a;

	make_file(f, "a");
	assert_int_equal(linkat(f->root_fd, "a", f->root_fd, "b", 0), 0);
	lookup(f, f->root, "b");
	a = lookup(f, f->root, "a");
	inode_before_unlink(f->table, f->root, f->root_fd, "b");
	assert_int_equal(unlinkat(f->root_fd, "b", 0), 0);
	cool_down(f);
	assert_int_equal(stats_of(f).fds, 0);
	assert_true(reaches(f, a, a->ino));
}

static void failed_unlink_keeps_no_fd(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *dir;

	assert_int_equal(mkdirat(f->root_fd, "dir", 0700), 0);
	make_file(f, "dir/file");
	dir = lookup(f, f->root, "dir");
	inode_before_unlink(f->table, f->root, f->root_fd, "dir");
	assert_int_equal(unlinkat(f->root_fd, "dir", AT_REMOVEDIR), -1);
	cool_down(f);
	assert_int_equal(stats_of(f).fds, 1);
	inode_unlink_failed(f->table, f->root, f->root_fd, "dir");
	cool_down(f);
	assert_int_equal(stats_of(f).fds, 0);
	/* So does a lookup: the name is still there. */
	inode_before_unlink(f->table, f->root, f->root_fd, "dir");
	lookup(f, f->root, "dir");
	cool_down(f);
	assert_int_equal(stats_of(f).fds, 0);
	assert_true(reaches(f, dir, dir->ino));
}

static void created_by_fd(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *inode, *same;
	struct statx stx;
	int fd;

	fd = openat(f->root_fd, "new", O_CREAT | O_EXCL | O_RDWR, 0600);
	assert_true(fd >= 0);
	assert_int_equal(inode_lookup_fd(f->table, f->root, "new", fd, &stx,
					 &inode), 0);
	assert_int_equal(stx.stx_ino, inode->ino);
	close(fd);
	cool_down(f);
	assert_true(reaches(f, inode, inode->ino));
	same = lookup(f, f->root, "new");
	assert_ptr_equal(same, inode);
	forget(f, inode, 2);
	assert_int_equal(stats_of(f).inodes, 1);
}

static void nameless_file_stays(void **state)
{
	struct fixture *f = fixture(state);
	char path[INODE_PROC_PATH_MAX];
	struct inode *inode;
	struct statx stx;
	int fd;

	fd = open(f->path, O_TMPFILE | O_RDWR, 0600);
	if (fd < 0 && errno == EOPNOTSUPP)
		skip();
	assert_true(fd >= 0);
	assert_int_equal(inode_lookup_fd(f->table, f->root, NULL, fd, &stx,
					 &inode), 0);
	cool_down(f);
	assert_true(reaches(f, inode, inode->ino));
	assert_int_equal(linkat(AT_FDCWD, inode_proc_path(fd, path), f->root_fd,
				"named", AT_SYMLINK_FOLLOW), 0);
	close(fd);
	cool_down(f);
	assert_true(reaches(f, inode, inode->ino));
	/* Once it was seen under its name the fd may go. */
	assert_ptr_equal(lookup(f, f->root, "named"), inode);
	cool_down(f);
	assert_int_equal(stats_of(f).fds, 0);
	assert_true(reaches(f, inode, inode->ino));
}

static void pinned_survives_others_unlink(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *inode;
	int fd;

	make_file(f, "a");
	inode = lookup(f, f->root, "a");
	fd = inode_open(f->table, inode, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(inode_pin(f->table, inode), 0);
	assert_int_equal(unlinkat(f->root_fd, "a", 0), 0);
	cool_down(f);
	assert_true(reaches(f, inode, inode->ino));
	inode_unpin(f->table, inode);
	close(fd);
	cool_down(f);
	assert_int_equal(fd_error(f, inode), -ESTALE);
}

static void opening(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *file, *dir, *link, *fifo;
	char text[16] = "";
	int fd;

	make_file(f, "file");
	assert_int_equal(mkdirat(f->root_fd, "dir", 0700), 0);
	assert_int_equal(symlinkat("file", f->root_fd, "link"), 0);
	assert_int_equal(mkfifoat(f->root_fd, "fifo", 0600), 0);
	file = lookup(f, f->root, "file");
	dir = lookup(f, f->root, "dir");
	link = lookup(f, f->root, "link");
	fifo = lookup(f, f->root, "fifo");
	cool_down(f);
	fd = inode_open(f->table, file, O_RDWR);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(read(fd, text, sizeof(text)), 4);
	assert_string_equal(text, "file");
	close(fd);
	fd = inode_open(f->table, dir, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_int_equal(faccessat(fd, ".", F_OK, 0), 0);
	close(fd);
	fd = inode_open(f->table, f->root, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_int_equal(faccessat(fd, "file", F_OK, 0), 0);
	close(fd);
	assert_int_equal(inode_open(f->table, dir, O_RDWR), -EISDIR);
	assert_int_equal(inode_open(f->table, link, O_RDONLY), -ELOOP);
	assert_int_equal(inode_open(f->table, fifo, O_RDONLY), -ENXIO);
	cool_down(f);
	assert_true(reaches(f, link, link->ino));
	assert_true(reaches(f, fifo, fifo->ino));
}

/* Nothing proves the handle: whatever is opened was looked at before. */
static void unproven_handle_is_checked(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *a, *b;
	int fd;

	make_file(f, "a");
	make_file(f, "b");
	a = lookup(f, f->root, "a");
	b = lookup(f, f->root, "b");
	atomic_store(&a->verified, false);
	fd = inode_open(f->table, a, O_RDONLY);
	assert_true(fd >= 0);
	close(fd);
	assert_true(atomic_load(&a->verified));

	cool_down(f);
	atomic_store(&a->verified, false);
	a->handle = b->handle;
	assert_int_equal(inode_open(f->table, a, O_RDWR | O_TRUNC), -ESTALE);
	assert_int_equal(fd_error(f, a), -ESTALE);
	assert_true(reaches(f, b, b->ino));
	/* The next lookup makes a new inode. */
	assert_ptr_not_equal(lookup(f, f->root, "a"), a);
}

static void running_out_of_fds(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *inodes[FILES];
	struct rlimit limit, low;
	int fds[FILES], i, count;

	f->config.fd_limit = 1000000;
	inode_table_destroy(f->table);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	fixture_table(f);
	make_files(f, inodes, FILES);
	cool_down(f);
	low = limit;
	low.rlim_cur = 100;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	/* The table believes in far more fds than there are. */
	for (i = 0; i < FILES; i++)
		assert_true(reaches(f, inodes[i], inodes[i]->ino));
	for (count = 0; count < FILES; count++)
		if (inode_fd(f->table, inodes[count], &fds[count]) < 0)
			break;
	assert_true(count > 50 && count < 100);
	assert_int_equal(fd_error(f, inodes[FILES - 1]), -EMFILE);
	for (i = 0; i < count; i++)
		inode_fd_put(f->table, inodes[i]);
	assert_true(reaches(f, inodes[FILES - 1], inodes[FILES - 1]->ino));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void limit_follows_rlimit(void **state)
{
	struct fixture *f = fixture(state);
	struct rlimit limit, low;

	f->config.fd_limit = 0;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = 1024;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	inode_table_destroy(f->table);
	fixture_table(f);
	assert_int_equal(stats_of(f).fds_max, 1024 / 4 * 3 - 64);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

struct stress {
	struct fixture *f;
	unsigned int random;
	bool disturbed;			/* others change names meanwhile */
	pthread_t thread;
	int failures;
};

/* What a request does: an inode by lookup, its fd, what it is, forget. */
static int stress_step(struct stress *s)
{
	struct fixture *f = s->f;
	struct inode *inode;
	struct statx stx;
	struct stat st;
	char name[16];
	int fd, rc;

	snprintf(name, sizeof(name), "%d", rand_r(&s->random) % STRESS_FILES);
	rc = inode_lookup(f->table, f->root, f->root->fd, name, &stx, &inode);
	if (rc < 0) {
		if (s->disturbed && (rc == -ENOENT || rc == -ESTALE))
			return 0;
		print_message("%s: lookup: %d\n", name, rc);
		return 1;
	}
	rc = inode_fd(f->table, inode, &fd);
	if (rc == 0) {
		rc = fstat(fd, &st) < 0 || st.st_ino != inode->ino;
		inode_fd_put(f->table, inode);
	} else if (s->disturbed && rc == -ESTALE) {
		rc = 0;
	}
	if (rand_r(&s->random) % 8 == 0 &&
	    inode_pin(f->table, inode) == 0)
		inode_unpin(f->table, inode);
	if (rc)
		print_message("%s: fd or fstat: %d\n", name, rc);
	if (inode_forget(f->table, inode_nodeid(inode), 1) != 0) {
		print_message("%s: forget failed\n", name);
		rc = 1;
	}
	return rc != 0;
}

static void *stress_run(void *arg)
{
	struct stress *s = arg;
	int i;

	for (i = 0; i < STEPS; i++)
		s->failures += stress_step(s);
	return NULL;
}

static void *disturb_run(void *arg)
{
	struct stress *s = arg;
	char a[16], b[16];
	int i;

	for (i = 0; i < STEPS / 4; i++) {
		snprintf(a, sizeof(a), "%d",
			 rand_r(&s->random) % STRESS_FILES);
		snprintf(b, sizeof(b), "%d",
			 rand_r(&s->random) % STRESS_FILES);
		if (i % 4 == 0) {
			unlinkat(s->f->root_fd, a, 0);
			close(openat(s->f->root_fd, a, O_CREAT | O_WRONLY,
				     0600));
		} else {
			renameat2(s->f->root_fd, a, s->f->root_fd, b,
				  2 /* RENAME_EXCHANGE */);
		}
	}
	return NULL;
}

static void check_stress(struct fixture *f, bool disturbed)
{
	struct stress s[THREADS + 1];
	char name[16];
	int i;

	for (i = 0; i < STRESS_FILES; i++) {
		snprintf(name, sizeof(name), "%d", i);
		make_file(f, name);
	}
	for (i = 0; i < THREADS + disturbed; i++) {
		s[i] = (struct stress){
			.f = f,
			.random = (unsigned int)seed + (unsigned int)i,
			.disturbed = disturbed,
		};
		assert_int_equal(
			pthread_create(&s[i].thread, NULL,
				       i < THREADS ? stress_run : disturb_run,
				       &s[i]), 0);
	}
	for (i = 0; i < THREADS + disturbed; i++)
		pthread_join(s[i].thread, NULL);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(s[i].failures, 0);
	assert_int_equal(stats_of(f).inodes, 1);
	assert_int_equal(stats_of(f).fds, 0);
}

static void threads_look_up_and_forget(void **state)
{
	check_stress(fixture(state), false);
}

static void threads_while_names_change(void **state)
{
	check_stress(fixture(state), true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_both(clock_keeps_the_limit),
		test_both(used_fds_stay),
		test_both(unlinked_stays_until_forgotten),
		test_both(other_links_need_no_fd),
		test_both(failed_unlink_keeps_no_fd),
		test_both(created_by_fd),
		test_both(nameless_file_stays),
		test_both(pinned_survives_others_unlink),
		test_both(opening),
		cmocka_unit_test_setup_teardown(unproven_handle_is_checked,
						setup_handles, teardown),
		test_both(running_out_of_fds),
		test_both(limit_follows_rlimit),
		test_both(threads_look_up_and_forget),
		test_both(threads_while_names_change),
	};
	const char *text = getenv("FERRYFS_SEED");

	if (text)
		seed = strtoull(text, NULL, 0);
	printf("FERRYFS_SEED=%llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
