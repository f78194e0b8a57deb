/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory of its own and an inode table over it, for the tests of inodes and
 * handles. Each test runs with file handles (skipped where they cannot be had)
 * and by name.
 */
#ifndef FERRYFS_TESTS_INODE_FIXTURE_H
#define FERRYFS_TESTS_INODE_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "inode.h"
#include "inode_private.h"

struct fixture {
	struct config config;
	struct inode_table *table;
	struct inode *root;
	int root_fd;
	char path[64];
};

static inline void fixture_table(struct fixture *f)
{
	int rc = inode_table_create(&f->config, f->root_fd, &f->table);

	if (rc < 0 && f->config.inode_handles == TRI_ALWAYS) {
		f->table = NULL;
		return;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(inode_get(f->table, 1, &f->root), 0);
	inode_put(f->table, f->root);
}

static inline int fixture_setup(void **state, enum tristate handles)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *tmp = getenv("TMPDIR");

	assert_non_null(f);
	f->config.inode_handles = handles;
	f->config.check_permissions = true;
	f->config.privileged = geteuid() == 0;
	f->config.fd_limit = 16;
	snprintf(f->path, sizeof(f->path), "%s/ferryfs-XXXXXX",
		 tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->path));
	f->root_fd = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->root_fd >= 0);
	fixture_table(f);
	*state = f;
	return 0;
}

static inline int setup_handles(void **state)
{
	return fixture_setup(state, TRI_ALWAYS);
}

static inline int setup_names(void **state)
{
	return fixture_setup(state, TRI_NEVER);
}

static inline int fixture_remove(const char *path, const struct stat *st,
				 int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	inode_table_destroy(f->table);
	close(f->root_fd);
	nftw(f->path, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* The fixture; ends the test where there are no file handles. */
static inline struct fixture *fixture(void **state)
{
	struct fixture *f = *state;

	if (!f->table) {
		print_message("no file handles here (CAP_DAC_READ_SEARCH?)\n");
		skip();
	}
	return f;
}

static inline bool by_name(const struct fixture *f)
{
	return f->config.inode_handles == TRI_NEVER;
}

/* A file NAME, relative to the root, that contains its first name. */
static inline void make_file(struct fixture *f, const char *name)
{
	int fd = openat(f->root_fd, name, O_CREAT | O_EXCL | O_WRONLY, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, name, strlen(name)), strlen(name));
	close(fd);
}

static inline int try_lookup(struct fixture *f, struct inode *parent,
			     const char *name, struct inode **ret)
{
	struct statx stx;
	int fd, rc;

	rc = inode_fd(f->table, parent, &fd);
	if (rc < 0)
		return rc;
	rc = inode_lookup(f->table, parent, fd, name, &stx, ret);
	inode_fd_put(f->table, parent);
	if (rc == 0)
		assert_int_equal(stx.stx_ino, (*ret)->ino);
	return rc;
}

static inline struct inode *lookup(struct fixture *f, struct inode *parent,
				   const char *name)
{
	struct inode *inode;

	assert_int_equal(try_lookup(f, parent, name, &inode), 0);
	return inode;
}

static inline void forget(struct fixture *f, struct inode *inode,
			  uint64_t count)
{
	assert_int_equal(inode_forget(f->table, inode_nodeid(inode), count), 0);
}

static inline struct inode_table_stats stats_of(struct fixture *f)
{
	struct inode_table_stats stats;

	inode_table_get_stats(f->table, &stats);
	return stats;
}

/* Closes every fd that may be closed. */
static inline void cool_down(struct fixture *f)
{
	while (inode_relieve(f->table))
		;
}

/* Whether INODE's fd, reopened if need be, is of the file INO. */
static inline bool reaches(struct fixture *f, struct inode *inode, ino_t ino)
{
	struct stat st;
	int fd;

	if (inode_fd(f->table, inode, &fd) < 0)
		return false;
	assert_int_equal(fstat(fd, &st), 0);
	inode_fd_put(f->table, inode);
	return st.st_ino == ino;
}

static inline int fd_error(struct fixture *f, struct inode *inode)
{
	int fd, rc = inode_fd(f->table, inode, &fd);

	if (rc == 0)
		inode_fd_put(f->table, inode);
	return rc;
}

#define test_both(function) \
	cmocka_unit_test_setup_teardown(function, setup_handles, teardown), \
	cmocka_unit_test_setup_teardown(function, setup_names, teardown)

#endif
