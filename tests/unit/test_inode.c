/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Identity and lives of inodes: hard links, numbers used again, forged nodeids,
 * forgetting, and what others do to the names behind our back.
 */
#include "inode_fixture.h"

#include <malloc.h>
#include <time.h>

#include "util.h"

#define FILES_FOR_SIZE 20000

static void root_is_nodeid_1(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *dot;

	assert_int_equal(inode_nodeid(f->root), 1);
	dot = lookup(f, f->root, ".");
	assert_ptr_equal(dot, f->root);
	assert_ptr_equal(lookup(f, f->root, ".."), f->root);
	forget(f, f->root, 2);
	assert_int_equal(inode_forget(f->table, 1, 100), -EINVAL);
	assert_int_equal(inode_get(f->table, 1, &dot), 0);
	inode_put(f->table, dot);
	assert_int_equal(stats_of(f).inodes, 1);
}

static void hard_links_share_an_inode(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *a, *b, *other;

	make_file(f, "a");
	make_file(f, "other");
	assert_int_equal(linkat(f->root_fd, "a", f->root_fd, "b", 0), 0);
	a = lookup(f, f->root, "a");
	b = lookup(f, f->root, "b");
	other = lookup(f, f->root, "other");
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, other);
	assert_int_equal(atomic_load(&a->lookups), 2);
	forget(f, a, 1);
	assert_true(reaches(f, a, a->ino));
	forget(f, a, 1);
	forget(f, other, 1);
	assert_int_equal(stats_of(f).inodes, 1);
	assert_int_equal(stats_of(f).fds, 0);
}

static void missing_name_is_enoent(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *inode;

	assert_int_equal(try_lookup(f, f->root, "none", &inode), -ENOENT);
	assert_int_equal(stats_of(f).inodes, 1);
}

static void forged_nodeids_are_stale(void **state)
{
	struct fixture *f = fixture(state);
	static const uint64_t forged[] = {
		0,
		2,
		1000000,
		UINT64_MAX,
		1ULL << 32 | 1,
		UINT32_MAX,
	};
	struct inode *inode;
	uint64_t nodeid;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(forged); i++) {
		assert_int_equal(inode_get(f->table, forged[i], &inode),
				 -ESTALE);
		assert_int_equal(inode_forget(f->table, forged[i], 1), -ESTALE);
	}
	make_file(f, "a");
	nodeid = inode_nodeid(lookup(f, f->root, "a"));
	assert_int_equal(inode_forget(f->table, nodeid, 1), 0);
	assert_int_equal(inode_get(f->table, nodeid, &inode), -ESTALE);
	/* The slot is used again, the nodeid is not. */
	inode = lookup(f, f->root, "a");
	assert_int_equal((uint32_t)inode_nodeid(inode), (uint32_t)nodeid);
	assert_int_not_equal(inode_nodeid(inode), nodeid);
	assert_int_equal(inode_get(f->table, nodeid, &inode), -ESTALE);
}

static void forgetting_too_much(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *inode, *held;
	uint64_t nodeid;

	make_file(f, "a");
	inode = lookup(f, f->root, "a");
	nodeid = inode_nodeid(inode);
	assert_int_equal(inode_get(f->table, nodeid, &held), 0);
	assert_int_equal(inode_forget(f->table, nodeid, UINT64_MAX), -EINVAL);
	/* A request under way still has it, the client does not. */
	assert_true(reaches(f, held, held->ino));
	assert_int_equal(inode_get(f->table, nodeid, &inode), -ESTALE);
	assert_int_equal(inode_forget(f->table, nodeid, 1), -EINVAL);
	/* A lookup brings it back to the client. */
	assert_ptr_equal(lookup(f, f->root, "a"), held);
	inode_put(f->table, held);
	assert_int_equal(inode_get(f->table, nodeid, &inode), 0);
	inode_put(f->table, inode);
	forget(f, inode, 1);
	assert_int_equal(stats_of(f).inodes, 1);
}

static uint64_t coarse_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/*
 * Looks "a" up and has others replace it by a file with the same number, as far
 * as the host's file system plays along. Returns the old inode, or NULL.
 */
static struct inode *replace_same_number(struct fixture *f, bool same_tick)
{
	struct inode *old;
	struct stat st;
	uint64_t tick;
	int attempt;

	for (attempt = 0; attempt < 100; attempt++) {
		make_file(f, "a");
		old = lookup(f, f->root, "a");
		cool_down(f);
		assert_int_equal(unlinkat(f->root_fd, "a", 0), 0);
		tick = coarse_ns();
		while (!same_tick && coarse_ns() == tick)
			;
		make_file(f, "a");
		assert_int_equal(fstatat(f->root_fd, "a", &st, 0), 0);
		if (st.st_ino == old->ino)
			return old;
		forget(f, old, 1);
		assert_int_equal(unlinkat(f->root_fd, "a", 0), 0);
	}
	print_message("numbers are not used again here\n");
	return NULL;
}

static void check_number_used_again(struct fixture *f, bool same_tick)
{
	struct inode *old = replace_same_number(f, same_tick), *new;

	if (!old)
		return;
	new = lookup(f, f->root, "a");
	assert_ptr_not_equal(new, old);
	assert_true(reaches(f, new, new->ino));
	assert_int_equal(fd_error(f, old), -ESTALE);
	assert_int_equal(inode_open(f->table, old, O_RDONLY), -ESTALE);
	assert_int_equal(stats_of(f).stale, 1);
	forget(f, old, 1);
	forget(f, new, 1);
	assert_int_equal(stats_of(f).inodes, 1);
}

static void number_used_again(void **state)
{
	check_number_used_again(fixture(state), false);
}

/* The birth times are equal then: only handles can tell. */
static void number_used_again_at_once(void **state)
{
	check_number_used_again(fixture(state), true);
}

static void type_changes_with_number(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *old, *new;

	make_file(f, "a");
	old = lookup(f, f->root, "a");
	cool_down(f);
	assert_int_equal(unlinkat(f->root_fd, "a", 0), 0);
	assert_int_equal(mkfifoat(f->root_fd, "a", 0600), 0);
	new = lookup(f, f->root, "a");
	assert_ptr_not_equal(new, old);
	assert_int_equal(fd_error(f, old), -ESTALE);
	assert_int_equal(inode_open(f->table, new, O_RDONLY), -ENXIO);
}

static void swapped_names_behind_our_back(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *a, *b;
	ino_t ino;

	make_file(f, "a");
	make_file(f, "b");
	a = lookup(f, f->root, "a");
	b = lookup(f, f->root, "b");
	ino = a->ino;
	assert_int_equal(renameat(f->root_fd, "a", f->root_fd, "t"), 0);
	assert_int_equal(renameat(f->root_fd, "b", f->root_fd, "a"), 0);
	assert_int_equal(renameat(f->root_fd, "t", f->root_fd, "b"), 0);
	cool_down(f);
	if (by_name(f)) {
		assert_int_equal(fd_error(f, a), -ESTALE);
		assert_int_equal(fd_error(f, b), -ESTALE);
	} else {
		assert_true(reaches(f, a, ino));
	}
	/* A lookup finds it again, as the same inode. */
	assert_ptr_equal(lookup(f, f->root, "b"), a);
	assert_ptr_equal(lookup(f, f->root, "a"), b);
	cool_down(f);
	assert_true(reaches(f, a, ino));
}

static void rename_keeps_names_right(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *d, *e, *file;

	assert_int_equal(mkdirat(f->root_fd, "d", 0700), 0);
	assert_int_equal(mkdirat(f->root_fd, "d/e", 0700), 0);
	make_file(f, "d/e/file");
	d = lookup(f, f->root, "d");
	e = lookup(f, d, "e");
	file = lookup(f, e, "file");
	assert_int_equal(renameat(f->root_fd, "d", f->root_fd, "moved"), 0);
	inode_renamed(f->table, f->root, "d", f->root, f->root_fd, "moved");
	cool_down(f);
	assert_true(reaches(f, file, file->ino));
	cool_down(f);
	assert_int_equal(stats_of(f).fds, 0);
	/* Ancestors live as long as somebody below needs them. */
	forget(f, d, 1);
	forget(f, e, 1);
	assert_true(reaches(f, file, file->ino));
	assert_int_equal(stats_of(f).inodes, by_name(f) ? 4 : 2);
	forget(f, file, 1);
	assert_int_equal(stats_of(f).inodes, 1);
}

/* Others turn a/b into b/a while we know both: parents must not form a ring. */
static void turned_directories_form_no_ring(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *a, *b;

	assert_int_equal(mkdirat(f->root_fd, "a", 0700), 0);
	assert_int_equal(mkdirat(f->root_fd, "a/b", 0700), 0);
	a = lookup(f, f->root, "a");
	b = lookup(f, a, "b");
	assert_int_equal(renameat(f->root_fd, "a/b", f->root_fd, "b"), 0);
	assert_int_equal(renameat(f->root_fd, "a", f->root_fd, "b/a"), 0);
	assert_ptr_equal(lookup(f, b, "a"), a);
	cool_down(f);
	if (by_name(f))
		assert_int_equal(fd_error(f, a), -ESTALE);
	assert_ptr_equal(lookup(f, f->root, "b"), b);
	cool_down(f);
	assert_true(reaches(f, a, a->ino));
	forget(f, a, 2);
	forget(f, b, 2);
	assert_int_equal(stats_of(f).inodes, 1);
}

static void deep_trees_end_without_recursion(void **state)
{
	struct fixture *f = fixture(state);
	struct inode *at = f->root, *last = NULL;
	int fd = dup(f->root_fd), next, i;

	for (i = 0; i < 400; i++) {
		assert_int_equal(mkdirat(fd, "d", 0700), 0);
		next = openat(fd, "d", O_PATH);
		assert_true(next >= 0);
		close(fd);
		fd = next;
		last = at;
		at = lookup(f, at, "d");
		if (last != f->root)
			forget(f, last, 1);
	}
	close(fd);
	cool_down(f);
	assert_true(reaches(f, at, at->ino));
	assert_true(stats_of(f).fds <= stats_of(f).fds_max + 1);
	forget(f, at, 1);
	assert_int_equal(stats_of(f).inodes, 1);
}

static void size_of_an_inode(void **state)
{
	struct fixture *f = fixture(state);
	struct mallinfo2 before, after;
	struct inode *inode;
	char name[16];
	int i, fd;

	assert_true(sizeof(struct inode) <= 160);
	for (i = 0; i < FILES_FOR_SIZE; i++) {
		snprintf(name, sizeof(name), "%d", i);
		fd = openat(f->root_fd, name, O_CREAT | O_WRONLY, 0600);
		assert_true(fd >= 0);
		close(fd);
	}
	before = mallinfo2();
	for (i = 0; i < FILES_FOR_SIZE; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(try_lookup(f, f->root, name, &inode), 0);
	}
	after = mallinfo2();
	assert_int_equal(stats_of(f).inodes, FILES_FOR_SIZE + 1);
	print_message("%s: struct inode %zu bytes, in all %zu an inode\n",
		      by_name(f) ? "by name" : "handles", sizeof(*inode),
		      (after.uordblks + after.hblkhd - before.uordblks -
		       before.hblkhd) / FILES_FOR_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_both(root_is_nodeid_1),
		test_both(hard_links_share_an_inode),
		test_both(missing_name_is_enoent),
		test_both(forged_nodeids_are_stale),
		test_both(forgetting_too_much),
		test_both(number_used_again),
		cmocka_unit_test_setup_teardown(number_used_again_at_once,
						setup_handles, teardown),
		test_both(type_changes_with_number),
		test_both(swapped_names_behind_our_back),
		test_both(rename_keeps_names_right),
		test_both(turned_directories_form_no_ring),
		test_both(deep_trees_end_without_recursion),
		test_both(size_of_an_inode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
