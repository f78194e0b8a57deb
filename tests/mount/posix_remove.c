/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unlink(2), rmdir(2), sticky directories, and files that are open and have no
 * name any more.
 */
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "posix.h"

static void unlink_types(void)
{
	OK(mkfifo("fifo", 0644));
	OK(unlink("fifo"));
	OK(mknod("null", S_IFCHR | 0644, makedev(1, 3)));
	OK(unlink("null"));
	OK(symlink("nowhere", "dangling"));
	OK(unlink("dangling"));
	OK(mknod("sock", S_IFSOCK | 0644, 0));
	OK(unlink("sock"));
	TRUE(!exists("fifo") && !exists("null") && !exists("dangling"));
}

void test_unlink(void)
{
	write_file("file", "content");
	OK(link("file", "hard"));
	OK(unlink("file"));
	TRUE(!exists("file"));
	NLINK("hard", 1);
	CONTENT("hard", "content");
	FAILS(ENOENT, unlink("file"));
	make_dir("dir", 0755);
	FAILS(EISDIR, unlink("dir"));
	FAILS(EISDIR, unlink("."));
	FAILS(ENOTDIR, unlink("hard/"));
	OK(unlinkat(AT_FDCWD, "dir", AT_REMOVEDIR));
	FAILS(ENOTDIR, unlinkat(AT_FDCWD, "hard", AT_REMOVEDIR));
	unlink_types();

	make_dir("readonly", 0755);
	make_file("readonly/file", 0666);
	make_dir("open", 0777);
	make_file("open/file", 0);
	make_dir("nosearch", 0666);
	make_file("nosearch/file", 0666);
	AS(&alice) {
		FAILS(EACCES, unlink("readonly/file"));
		FAILS(EACCES, unlink("nosearch/file"));
		/* The directory's permissions count, not the file's. */
		OK(unlink("open/file"));
	}
	TRUE(exists("readonly/file"));
	TRUE(!exists("open/file"));
	OK(unlink("readonly/file"));
}

void test_rmdir(void)
{
	make_dir("dir", 0755);
	OK(rmdir("dir"));
	TRUE(!exists("dir"));
	FAILS(ENOENT, rmdir("dir"));
	make_dir("full", 0755);
	make_file("full/file", 0644);
	FAILS(ENOTEMPTY, rmdir("full"));
	FAILS(ENOTEMPTY, rmdir("full/"));
	FAILS(ENOTDIR, rmdir("full/file"));
	FAILS(EINVAL, rmdir("full/."));
	FAILS(EINVAL, rmdir("."));
	FAILS(ENOTEMPTY, rmdir(".."));
	OK(symlink("full", "link"));
	FAILS(ENOTDIR, rmdir("link"));
	OK(unlink("full/file"));
	OK(rmdir("full/"));
	make_dir("readonly", 0755);
	make_dir("readonly/dir", 0777);
	make_dir("open", 0777);
	make_dir("open/dir", 0);
	AS(&alice) {
		FAILS(EACCES, rmdir("readonly/dir"));
		OK(rmdir("open/dir"));
	}

	/* A working directory may go; nothing can be made in it then. */
	make_dir("here", 0755);
	AS(&root) {
		OK(chdir("here"));
		OK(rmdir("../here"));
		FAILS(ENOENT, open_close("file", O_CREAT | O_RDWR, 0644));
		FAILS(ENOENT, mkdir("dir", 0755));
		FAILS(ENOENT, symlink("x", "link"));
		EQ(stat_of(".").st_nlink, 0);
	}
}

static void sticky_fill(const char *dir)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/file", dir);
	make_file(path, 0666);
	give(path, &alice);
	snprintf(path, sizeof(path), "%s/dir", dir);
	make_dir(path, 0777);
	give(path, &alice);
	snprintf(path, sizeof(path), "%s/mine", dir);
	make_file(path, 0666);
	give(path, &bob);
	snprintf(path, sizeof(path), "%s/minedir", dir);
	make_dir(path, 0777);
	give(path, &bob);
}

/* bob, in a sticky directory that is another's, with another's entries. */
static void sticky_refused(void)
{
	FAILS(EPERM, unlink("t/file"));
	FAILS(EPERM, rmdir("t/dir"));
	FAILS(EPERM, rename("t/file", "t/x"));
	FAILS(EPERM, rename("t/dir", "t/x"));
	FAILS(EPERM, rename("t/file", "other/x"));
	FAILS(EPERM, rename("t/dir", "other/x"));
	/* Replacing another's entry counts as removing it. */
	FAILS(EPERM, rename("t/mine", "t/file"));
	FAILS(EPERM, rename("t/minedir", "t/dir"));
	FAILS(EPERM, rename("other/bobs", "t/file"));
	FAILS(EPERM, rename_flags("t/mine", "t/file", RENAME_EXCHANGE));
	/* His own he may move, make and remove. */
	OK(rename("t/mine", "t/renamed"));
	OK(rename("t/minedir", "t/reneweddir"));
	OK(rename("other/bobs", "t/bobs"));
	OK(unlink("t/bobs"));
	OK(unlink("t/renamed"));
	OK(rmdir("t/reneweddir"));
	OK(mkdir("t/bobsdir", 0755));
	OK(rmdir("t/bobsdir"));
}

void test_sticky(void)
{
	make_dir("t", 01777);
	make_dir("other", 0777);
	sticky_fill("t");
	make_file("other/bobs", 0666);
	give("other/bobs", &bob);
	AS(&bob)
		sticky_refused();
	TRUE(exists("t/file") && exists("t/dir"));

	/* The entry's owner, the directory's owner and root may. */
	AS(&alice) {
		OK(rename("t/file", "t/moved"));
		OK(rename("t/moved", "t/file"));
		OK(unlink("t/file"));
		OK(rmdir("t/dir"));
	}
	make_dir("bobs", 01777);
	give("bobs", &bob);
	sticky_fill("bobs");
	AS(&bob) {
		OK(rename("bobs/file", "bobs/x"));
		OK(unlink("bobs/x"));
		OK(rename("bobs/dir", "bobs/y"));
		OK(rmdir("bobs/y"));
	}
	sticky_fill("t");
	OK(unlink("t/file"));
	OK(rmdir("t/dir"));

	/* A directory of another that is moved needs write permission to it. */
	make_dir("pub", 0777);
	make_dir("pub/foreign", 0755);
	make_dir("pub2", 0777);
	AS(&bob) {
		FAILS(EACCES, rename("pub/foreign", "pub2/foreign"));
		OK(rename("pub/foreign", "pub/local"));
	}
}

static void unlinked_file(void)
{
	struct stat st;
	char buffer[16] = "";
	int fd, again;
	char path[64];

	write_file("file", "before");
	fd = (int)OK(open("file", O_RDWR | O_CLOEXEC));
	OK(unlink("file"));
	TRUE(!exists("file"));
	OK(fstat(fd, &st));
	EQ(st.st_nlink, 0);
	EQ(st.st_size, 6);
	EQ(pread(fd, buffer, 6, 0), 6);
	TRUE(memcmp(buffer, "before", 6) == 0);
	EQ(pwrite(fd, "after!!", 7, 0), 7);
	OK(fsync(fd));
	OK(ftruncate(fd, 5));
	OK(fstat(fd, &st));
	EQ(st.st_size, 5);
	OK(fchmod(fd, 0600));
	OK(fchown(fd, alice.uid, alice.gid));
	OK(futimens(fd, (struct timespec[2]){ { 1, 2 }, { 3, 4 } }));
	OK(fstat(fd, &st));
	EQ(st.st_mode & 07777, 0600);
	EQ(st.st_uid, alice.uid);
	EQ(st.st_mtim.tv_sec, 3);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = (int)OK(open(path, O_RDONLY | O_CLOEXEC));
	EQ(pread(again, buffer, sizeof(buffer), 0), 5);
	TRUE(memcmp(buffer, "after", 5) == 0);
	close(again);

	/* The name may be another file's by now. */
	write_file("file", "another");
	EQ(pread(fd, buffer, sizeof(buffer), 0), 5);
	CONTENT("file", "another");
	OK(fstat(fd, &st));
	EQ(st.st_nlink, 0);
	TRUE(st.st_ino != stat_of("file").st_ino);
	OK(close(fd));
	FAILS(ENOENT, linkat(AT_FDCWD, path, AT_FDCWD, "back",
			     AT_SYMLINK_FOLLOW));
}

static void unlinked_by_rename(void)
{
	char buffer[16] = "";
	struct stat st;
	int fd;

	write_file("victim", "victim");
	write_file("winner", "winner");
	fd = (int)OK(open("victim", O_RDWR | O_CLOEXEC));
	OK(rename("winner", "victim"));
	OK(fstat(fd, &st));
	EQ(st.st_nlink, 0);
	EQ(pread(fd, buffer, sizeof(buffer), 0), 6);
	TRUE(memcmp(buffer, "victim", 6) == 0);
	EQ(pwrite(fd, "VICTIM", 6, 0), 6);
	CONTENT("victim", "winner");
	OK(close(fd));

	/* Renamed while open: it stays the same file. */
	fd = (int)OK(open("victim", O_RDWR | O_CLOEXEC));
	OK(rename("victim", "moved"));
	EQ(pwrite(fd, "WINNER", 6, 0), 6);
	CONTENT("moved", "WINNER");
	OK(fstat(fd, &st));
	EQ(st.st_nlink, 1);
	EQ(st.st_ino, stat_of("moved").st_ino);
	OK(close(fd));
}

void test_unlinked(void)
{
	struct stat st;
	char *map;
	int fd;

	unlinked_file();
	unlinked_by_rename();

	write_file("mapped", "mapped");
	fd = (int)OK(open("mapped", O_RDWR | O_CLOEXEC));
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED) {
		OK(unlink("mapped"));
		close(fd);
		TRUE(memcmp(map, "mapped", 6) == 0);
		memcpy(map, "MAPPED", 6);
		OK(msync(map, 4096, MS_SYNC));
		OK(munmap(map, 4096));
	}

	make_dir("dir", 0755);
	fd = (int)OK(open("dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	OK(rmdir("dir"));
	OK(fstat(fd, &st));
	EQ(st.st_nlink, 0);
	FAILS(ENOENT, openat(fd, "x", O_CREAT | O_RDWR | O_CLOEXEC, 0644));
	close(fd);
}
