/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chmod(2), chown(2), truncate(2), and what clears the setid bits.
 */
#include <linux/falloc.h>

#include "posix.h"

void test_chmod(void)
{
	int fd;

	make_file("file", 0644);
	make_dir("dir", 0755);
	OK(symlink("file", "link"));
	for (mode_t mode = 0; mode <= 07777; mode += 0111) {
		OK(chmod("file", mode));
		MODE("file", mode);
		OK(chmod("dir", mode));
		MODE("dir", mode);
	}
	OK(chmod("link", 0321));
	MODE("file", 0321);
	MODE("link", 0777);
	fd = (int)OK(open("file", O_RDONLY | O_CLOEXEC));
	OK(fchmod(fd, 0456));
	MODE("file", 0456);
	close(fd);
	TRUE(S_ISREG(stat_of("file").st_mode));
	OK(mkfifo("fifo", 0644));
	OK(chmod("fifo", 0600));
	MODE("fifo", 0600);

	give("file", &alice);
	AS(&alice) {
		OK(chmod("file", 0600));
		OK(chmod("file", 02755));
		OK(chmod("file", 06755));
		OK(chmod("file", 01644));
	}
	MODE("file", 01644);
	AS(&bob) {
		FAILS(EPERM, chmod("file", 0777));
		FAILS(EPERM, chmod("dir", 0777));
	}
	/* Write permission is not ownership. */
	OK(chmod("file", 0666));
	AS(&carol)
		FAILS(EPERM, chmod("file", 0600));

	/* setgid for a group that is not the owner's is dropped. */
	OK(chown("file", alice.uid, bob.gid));
	AS(&alice)
		OK(chmod("file", 06755));
	MODE("file", 04755);
	OK(chown("file", dave.uid, bob.gid));
	AS(&dave)
		OK(chmod("file", 02755));
	MODE("file", 02755);
	OK(chown("dir", alice.uid, bob.gid));
	AS(&alice)
		OK(chmod("dir", 02755));
	MODE("dir", 0755);
	OK(chmod("dir", 02755));
	MODE("dir", 02755);
}

/* The bits of who else's file stay; the host may refuse, or do nothing. */
static void chown_nothing_of_others(void)
{
	make_file("roots", 0755);
	OK(chmod("roots", 06755));
	AS(&bob) {
		TRUE(chown("roots", (uid_t)-1, (gid_t)-1) == 0 ||
		     errno == EPERM);
	}
	MODE("roots", 06755);
	OK(chown("roots", (uid_t)-1, (gid_t)-1));
	MODE("roots", 0755);
}

static void chown_permissions(void)
{
	make_file("hers", 0644);
	give("hers", &alice);
	AS(&alice) {
		FAILS(EPERM, chown("hers", bob.uid, (gid_t)-1));
		FAILS(EPERM, chown("hers", (uid_t)-1, bob.gid));
		OK(chown("hers", alice.uid, alice.gid));
		OK(chown("hers", (uid_t)-1, (gid_t)-1));
	}
	AS(&bob) {
		FAILS(EPERM, chown("hers", bob.uid, bob.gid));
		FAILS(EPERM, chown("hers", (uid_t)-1, bob.gid));
	}
	make_file("his", 0644);
	give("his", &dave);
	AS(&dave) {
		OK(chown("his", (uid_t)-1, bob.gid));
		OK(chown("his", dave.uid, alice.gid));
		FAILS(EPERM, chown("his", (uid_t)-1, 61999));
		FAILS(EPERM, chown("his", alice.uid, alice.gid));
	}
	OWNER("his", dave.uid, alice.gid);
}

void test_chown(void)
{
	int fd;

	make_file("file", 0644);
	make_dir("dir", 0755);
	OK(symlink("file", "link"));
	OK(chown("file", alice.uid, bob.gid));
	OWNER("file", alice.uid, bob.gid);
	OK(chown("file", (uid_t)-1, alice.gid));
	OWNER("file", alice.uid, alice.gid);
	OK(chown("file", bob.uid, (gid_t)-1));
	OWNER("file", bob.uid, alice.gid);
	OK(chown("link", 1, 2));
	OWNER("file", 1, 2);
	OWNER("link", 0, 0);
	OK(lchown("link", 3, 4));
	OWNER("link", 3, 4);
	OWNER("file", 1, 2);
	fd = (int)OK(open("file", O_RDONLY | O_CLOEXEC));
	OK(fchown(fd, 5, 6));
	OWNER("file", 5, 6);
	close(fd);
	OK(chown("dir", 0xfffffff0U, 0xfffffff1U));
	OWNER("dir", 0xfffffff0U, 0xfffffff1U);
	OK(mkfifo("fifo", 0644));
	OK(chown("fifo", 7, 8));
	OWNER("fifo", 7, 8);
	chown_permissions();
	chown_nothing_of_others();

	/* Any chown of a file clears setuid, and setgid if group may execute. */
	make_file("setid", 06755);
	OK(chown("setid", alice.uid, alice.gid));
	MODE("setid", 0755);
	OK(chmod("setid", 06755));
	AS(&alice)
		OK(chown("setid", (uid_t)-1, alice.gid));
	MODE("setid", 0755);
	OK(chmod("setid", 06555));
	AS(&alice)
		OK(chown("setid", (uid_t)-1, (gid_t)-1));
	MODE("setid", 0555);
	OK(chmod("setid", 06745));
	OK(chown("setid", bob.uid, bob.gid));
	MODE("setid", 02745);
	/* Directories keep them. */
	make_dir("setiddir", 06755);
	OK(chown("setiddir", alice.uid, alice.gid));
	MODE("setiddir", 06755);
}

/* What a write by that user leaves of 06777, by each way to write. */
static void setid_by(const struct who *who, mode_t want)
{
	static const char *const ways[] = {
		"write", "pwrite", "append", "ftruncate", "truncate", "O_TRUNC",
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		write_file("victim", "content");
		OK(chmod("victim", 06777));
		AS(who) {
			int flags = O_WRONLY | O_CLOEXEC;
			int fd;

			if (i == 2)
				flags |= O_APPEND;
			if (i == 5)
				flags |= O_TRUNC;
			fd = (int)OK(open("victim", flags));
			if (i == 0 || i == 2)
				EQ(write(fd, "x", 1), 1);
			else if (i == 1)
				EQ(pwrite(fd, "x", 1, 100), 1);
			else if (i == 3)
				OK(ftruncate(fd, 3));
			else if (i == 4)
				OK(truncate("victim", 3));
			OK(close(fd));
		}
		check_mode(__FILE__, __LINE__, "victim", want);
		if ((stat_of("victim").st_mode & 07777) != want)
			printf("  by %s as uid %u\n", ways[i], who->uid);
		OK(unlink("victim"));
	}
}

static int fallocate_mode;

static bool fallocate_clears(void)
{
	write_file("victim", "content");
	if (chmod("victim", 06777) != 0)
		return false;
	AS(&bob) {
		int fd = open("victim", O_WRONLY | O_CLOEXEC);

		fallocate(fd, fallocate_mode, 0, 4096);
		_exit(0);
	}
	return (stat_of("victim").st_mode & 06000) == 0;
}

static void setid_fallocate(int mode)
{
	mode_t want;

	fallocate_mode = mode;
	want = native(fallocate_clears) ? 0777 : 06777;
	write_file("victim", "content");
	OK(chmod("victim", 06777));
	AS(&bob) {
		int fd = (int)OK(open("victim", O_WRONLY | O_CLOEXEC));

		if (fallocate(fd, mode, 0, 4096) != 0)
			EQ(errno, EOPNOTSUPP);
		close(fd);
	}
	MODE("victim", want);
	OK(chmod("victim", 06777));
	AS(&root) {
		int fd = (int)OK(open("victim", O_WRONLY | O_CLOEXEC));

		if (fallocate(fd, mode, 0, 4096) != 0)
			EQ(errno, EOPNOTSUPP);
		close(fd);
	}
	MODE("victim", 06777);
	OK(unlink("victim"));
}

static void setid_copy(void)
{
	write_file("from", "content");
	OK(chmod("from", 0644));
	write_file("victim", "");
	OK(chmod("victim", 06777));
	AS(&bob) {
		int in = (int)OK(open("from", O_RDONLY | O_CLOEXEC));
		int out = (int)OK(open("victim", O_WRONLY | O_CLOEXEC));

		EQ(copy_file_range(in, NULL, out, NULL, 7, 0), 7);
	}
	MODE("victim", 0777);
	CONTENT("victim", "content");
}

void test_setid(void)
{
	setid_by(&alice, 0777);
	setid_by(&root, 06777);

	/* setgid without group execution is mandatory locking's of old: stays
	 * for members of the group, goes for others. */
	write_file("nox", "x");
	OK(chmod("nox", 02666));
	AS(&root) {
		int fd = (int)OK(open("nox", O_WRONLY | O_CLOEXEC));

		EQ(write(fd, "y", 1), 1);
	}
	MODE("nox", 02666);
	OK(chown("nox", 0, alice.gid));
	OK(chmod("nox", 04666));
	AS(&carol) {
		int fd = (int)OK(open("nox", O_WRONLY | O_CLOEXEC));

		EQ(write(fd, "y", 1), 1);
	}
	MODE("nox", 0666);

	setid_fallocate(0);
	setid_fallocate(FALLOC_FL_KEEP_SIZE);
	setid_fallocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
	setid_copy();
}

void test_truncate(void)
{
	char buffer[64];
	int fd;

	write_file("file", "0123456789");
	OK(truncate("file", 5));
	SIZE("file", 5);
	CONTENT("file", "01234");
	OK(truncate("file", 10));
	SIZE("file", 10);
	fd = (int)OK(open("file", O_RDWR | O_CLOEXEC));
	EQ(pread(fd, buffer, sizeof(buffer), 0), 10);
	TRUE(memcmp(buffer, "01234\0\0\0\0\0", 10) == 0);
	OK(ftruncate(fd, 1LL << 33));
	SIZE("file", 1LL << 33);
	EQ(pread(fd, buffer, 10, (1LL << 33) - 10), 10);
	OK(ftruncate(fd, 0));
	SIZE("file", 0);
	EQ(stat_of("file").st_blocks, 0);
	FAILS(EINVAL, ftruncate(fd, -1));
	/* Cut in the middle of a page, grown again: zeroes. */
	memset(buffer, 'x', sizeof(buffer));
	EQ(pwrite(fd, buffer, sizeof(buffer), 4080), sizeof(buffer));
	OK(ftruncate(fd, 4100));
	OK(ftruncate(fd, 8192));
	EQ(pread(fd, buffer, 40, 4090), 40);
	EQ(buffer[9], 'x');
	EQ(buffer[10], 0);
	EQ(buffer[39], 0);
	close(fd);

	make_dir("dir", 0755);
	OK(symlink("file", "link"));
	OK(mkfifo("fifo", 0666));
	OK(truncate("link", 3));
	SIZE("file", 3);
	FAILS(EISDIR, truncate("dir", 0));
	FAILS(EINVAL, truncate("fifo", 0));
	FAILS(EINVAL, truncate("file", -1));
	/* EINVAL from file systems that check it before the limit. */
	if (truncate("file", INT64_MAX) != 0)
		TRUE(errno == EFBIG || errno == EINVAL);
	OK(truncate("file", 3));
	AS(&alice)
		FAILS(EACCES, truncate("file", 0));
	OK(chmod("file", 0646));
	AS(&alice)
		OK(truncate("file", 1));
	SIZE("file", 1);
	OK(chmod("file", 0444));
	OK(chown("file", alice.uid, alice.gid));
	AS(&alice)
		FAILS(EACCES, truncate("file", 0));
}
