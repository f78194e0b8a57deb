/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the families of posix-check share: checks that count and report, users
 * to act as, and small file helpers. A family runs in an empty directory of its
 * own, which is the working directory, so every path is relative; umask is 0.
 * Single-threaded, but for AS(), which forks: counters live in shared memory.
 */
#ifndef FERRYFS_TESTS_POSIX_H
#define FERRYFS_TESTS_POSIX_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* The call must not return -1; its value. */
#define OK(call) check_ok(__FILE__, __LINE__, #call, (long)(call))
/* The call must return -1 with that errno. */
#define FAILS(code, call) \
	check_fails(__FILE__, __LINE__, #call, (long)(call), (code))
#define EQ(seen, want) \
	check_eq(__FILE__, __LINE__, #seen, (long long)(seen), \
		 (long long)(want))
#define TRUE(condition) \
	check_true(__FILE__, __LINE__, #condition, (condition))
/* Permission bits with setid and sticky of a path, not followed. */
#define MODE(path, want) check_mode(__FILE__, __LINE__, (path), (want))
#define OWNER(path, uid, gid) \
	check_owner(__FILE__, __LINE__, (path), (uid), (gid))
#define SIZE(path, want) EQ(stat_of(path).st_size, (want))
#define NLINK(path, want) EQ(stat_of(path).st_nlink, (want))
#define CONTENT(path, want) \
	check_content(__FILE__, __LINE__, (path), (want))

long check_ok(const char *file, int line, const char *text, long result);
void check_fails(const char *file, int line, const char *text, long result,
		 int want);
void check_eq(const char *file, int line, const char *text, long long seen,
	      long long want);
void check_true(const char *file, int line, const char *text, bool seen);
void check_mode(const char *file, int line, const char *path, mode_t want);
void check_owner(const char *file, int line, const char *path, uid_t uid,
		 gid_t gid);
void check_content(const char *file, int line, const char *path,
		   const char *want);

struct who {
	uid_t uid;
	gid_t gid;
	size_t group_count;
	gid_t groups[4];
};

/* carol is also in alice's group, dave in all three others' groups. */
extern const struct who root, alice, bob, carol, dave;

/*
 * The block after it runs in a child that has become that user, which the
 * parent awaits. Never leave the block by break, goto or return.
 */
#define AS(who) for (bool as_ = become(who); as_; as_ = unbecome())
bool become(const struct who *who);
bool unbecome(void);

/*
 * What the file system behind can do: the probe runs in a directory on it (see
 * --native), empty at first; its checks do not count.
 */
bool native(bool (*probe)(void));

/* Files. Those that cannot fail in a right world count as checks. */
void make_file(const char *path, mode_t mode);
void make_dir(const char *path, mode_t mode);
void give(const char *path, const struct who *who);
void write_file(const char *path, const char *text);
struct stat stat_of(const char *path);
/* 0, or -1 with errno. */
int open_close(const char *path, int flags, mode_t mode);
bool exists(const char *path);
/* Name of LENGTH bytes; static buffers, two of them in turn. */
const char *long_name(size_t length);

/* Returns once the file system's clock has gone past all times of PATH. */
void wait_tick(const char *path);
int time_compare(struct timespec a, struct timespec b);

/* Linux headers of Debian 12 or later; glibc has no wrapper. */
int rename_flags(const char *from, const char *to, unsigned int flags);

/* The families; posix_main.c's table has their names. */
void test_paths(void);
void test_access(void);
void test_open(void);
void test_open_flags(void);
void test_open_race(void);
void test_fsuid(void);
void test_tmpfile(void);
void test_create_owner(void);
void test_mkdir(void);
void test_mknod(void);
void test_special(void);
void test_symlink(void);
void test_link(void);
void test_unlink(void);
void test_rmdir(void);
void test_rename(void);
void test_rename_flags(void);
void test_rename_dirs(void);
void test_sticky(void);
void test_chmod(void);
void test_chown(void);
void test_setid(void);
void test_truncate(void);
void test_utimens(void);
void test_times(void);
void test_io_times(void);
void test_acl(void);
void test_xattr(void);
void test_xattr_spaces(void);
void test_inode_flags(void);
void test_unlinked(void);
void test_directory(void);
void test_directory_change(void);
void test_fallocate(void);
void test_seek(void);
void test_copy(void);
void test_read_write(void);
void test_mmap(void);
void test_direct(void);
void test_statvfs(void);
void test_locks(void);
void test_lock_wait(void);
void test_flock(void);

#endif
