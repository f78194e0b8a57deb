/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rename(2) and renameat2(2).
 */
#include <sys/sysmacros.h>

#include "posix.h"

/* Every kind of thing moves and stays what it is. */
static void rename_types(void)
{
	static const char *const names[] = {
		"file", "fifo", "null", "sock", "link", "dir",
	};

	make_file("file", 0640);
	OK(mkfifo("fifo", 0640));
	OK(mknod("null", S_IFCHR | 0640, makedev(1, 3)));
	OK(mknod("sock", S_IFSOCK | 0640, 0));
	OK(symlink("x", "link"));
	make_dir("dir", 0640);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct stat before = stat_of(names[i]), after;

		OK(rename(names[i], "moved"));
		TRUE(!exists(names[i]));
		after = stat_of("moved");
		EQ(after.st_ino, before.st_ino);
		EQ(after.st_mode, before.st_mode);
		EQ(after.st_nlink, before.st_nlink);
		EQ(after.st_rdev, before.st_rdev);
		OK(remove("moved"));
	}
}

static void rename_replaces(void)
{
	struct stat st;

	write_file("a", "a");
	write_file("b", "b");
	OK(link("b", "b2"));
	st = stat_of("a");
	OK(rename("a", "b"));
	EQ(stat_of("b").st_ino, st.st_ino);
	CONTENT("b", "a");
	NLINK("b2", 1);
	CONTENT("b2", "b");

	/* Two names of one file: nothing happens. */
	OK(link("b", "same"));
	OK(rename("b", "same"));
	TRUE(exists("b") && exists("same"));
	NLINK("b", 2);
	OK(rename("b", "b"));

	make_dir("d1", 0755);
	make_dir("d2", 0755);
	make_file("d1/inside", 0644);
	OK(rename("d1", "d2"));
	TRUE(exists("d2/inside") && !exists("d1"));

	/* A symlink is replaced, not followed. */
	OK(symlink("d2", "link"));
	OK(rename("b", "link"));
	TRUE(S_ISREG(stat_of("link").st_mode));
	TRUE(exists("d2/inside"));
}

void test_rename(void)
{
	rename_types();
	rename_replaces();

	make_file("file", 0644);
	make_dir("dir", 0755);
	make_dir("full", 0755);
	make_dir("full/sub", 0755);
	FAILS(ENOENT, rename("missing", "x"));
	FAILS(EISDIR, rename("file", "dir"));
	FAILS(ENOTDIR, rename("dir", "file"));
	/* XFS says EEXIST; POSIX allows both. */
	TRUE(rename("dir", "full") != 0 &&
	     (errno == ENOTEMPTY || errno == EEXIST));
	FAILS(EINVAL, rename("full", "full/sub/x"));
	FAILS(EINVAL, rename("full", "full/x"));
	FAILS(ENOTEMPTY, rename("full/sub", "full"));
	FAILS(EBUSY, rename(".", "x"));
	FAILS(EBUSY, rename("dir/.", "x"));
	FAILS(EBUSY, rename("dir", "full/.."));
	FAILS(ENOTDIR, rename("file", "x/"));
	FAILS(ENOTDIR, rename("file/", "x"));
	OK(rename("dir/", "dir2/"));
	FAILS(EXDEV, rename("file", "/proc/self/x"));

	make_dir("readonly", 0755);
	make_file("readonly/file", 0666);
	make_dir("open", 0777);
	make_file("open/file", 0666);
	AS(&alice) {
		FAILS(EACCES, rename("readonly/file", "open/x"));
		FAILS(EACCES, rename("open/file", "readonly/x"));
		FAILS(EACCES, rename("open/file", "readonly/file"));
		OK(rename("open/file", "open/renamed"));
	}
	OWNER("open/renamed", 0, 0);
}

static bool can_exchange(void)
{
	write_file("a", "");
	write_file("b", "");
	return rename_flags("a", "b", RENAME_EXCHANGE) == 0;
}

static bool can_whiteout(void)
{
	write_file("a", "");
	return rename_flags("a", "b", RENAME_WHITEOUT) == 0;
}

static bool can_noreplace(void)
{
	write_file("a", "");
	return rename_flags("a", "b", RENAME_NOREPLACE) == 0;
}

static void exchange(void)
{
	struct stat a, b;

	write_file("a", "a");
	write_file("b", "b");
	OK(rename_flags("a", "b", RENAME_EXCHANGE));
	CONTENT("a", "b");
	CONTENT("b", "a");
	FAILS(ENOENT, rename_flags("a", "missing", RENAME_EXCHANGE));
	FAILS(ENOENT, rename_flags("missing", "a", RENAME_EXCHANGE));
	make_dir("dir", 0755);
	make_file("dir/file", 0644);
	a = stat_of("a");
	b = stat_of("dir");
	OK(rename_flags("a", "dir", RENAME_EXCHANGE));
	EQ(stat_of("dir").st_ino, a.st_ino);
	EQ(stat_of("a").st_ino, b.st_ino);
	TRUE(exists("a/file"));
	CONTENT("dir", "b");
	make_dir("deep", 0755);
	OK(rename_flags("deep", "a/file", RENAME_EXCHANGE));
	TRUE(S_ISDIR(stat_of("a/file").st_mode));
	TRUE(S_ISREG(stat_of("deep").st_mode));
	FAILS(EINVAL, rename_flags("a", "a/file", RENAME_EXCHANGE));
	FAILS(EINVAL, rename_flags("a", "b",
				   RENAME_EXCHANGE | RENAME_NOREPLACE));
}

void test_rename_flags(void)
{
	struct stat st;

	if (native(can_noreplace)) {
		write_file("n1", "1");
		write_file("n2", "2");
		FAILS(EEXIST, rename_flags("n1", "n2", RENAME_NOREPLACE));
		FAILS(EEXIST, rename_flags("n1", "n1", RENAME_NOREPLACE));
		CONTENT("n2", "2");
		OK(rename_flags("n1", "n3", RENAME_NOREPLACE));
		CONTENT("n3", "1");
		OK(symlink("nowhere", "dangling"));
		FAILS(EEXIST, rename_flags("n3", "dangling", RENAME_NOREPLACE));
		FAILS(ENOENT, rename_flags("n1", "n4", RENAME_NOREPLACE));
	}
	if (native(can_exchange))
		exchange();
	if (native(can_whiteout)) {
		write_file("w1", "1");
		OK(rename_flags("w1", "w2", RENAME_WHITEOUT));
		CONTENT("w2", "1");
		st = stat_of("w1");
		TRUE(S_ISCHR(st.st_mode));
		EQ(st.st_rdev, 0);
		make_dir("wopen", 0777);
		make_file("wopen/w1", 0666);
		AS(&alice)
			OK(rename_flags("wopen/w1", "wopen/w2",
					RENAME_WHITEOUT));
		TRUE(S_ISCHR(stat_of("wopen/w1").st_mode));
		OWNER("wopen/w1", alice.uid, alice.gid);
	}
	FAILS(EINVAL, rename_flags("a", "b", 1U << 10));
}

static bool counts_subdirectories(void)
{
	make_dir("dir", 0755);
	make_dir("dir/sub", 0755);
	return stat_of("dir").st_nlink == 3;
}

/* Link counts and ".." follow a directory that moves. */
void test_rename_dirs(void)
{
	struct stat st;
	bool counts = native(counts_subdirectories);

	make_dir("from", 0755);
	make_dir("to", 0755);
	make_dir("from/dir", 0755);
	make_file("from/dir/file", 0644);
	if (counts) {
		NLINK("from", 3);
		NLINK("to", 2);
	}
	OK(rename("from/dir", "to/dir"));
	if (counts) {
		NLINK("from", 2);
		NLINK("to", 3);
	}
	st = stat_of("to");
	EQ(stat_of("to/dir/..").st_ino, st.st_ino);
	TRUE(exists("to/dir/file"));
	FAILS(ENOENT, open_close("from/dir/file", O_RDONLY, 0));

	/* Whoever works in it sees its new place. */
	AS(&root) {
		char here[4096];

		OK(chdir("to/dir"));
		OK(rename("../../to/dir", "../../from/other"));
		TRUE(exists("file"));
		EQ(stat_of("..").st_ino, stat_of("../../from").st_ino);
		if (getcwd(here, sizeof(here)))
			TRUE(strstr(here, "/from/other") != NULL);
		OK(open_close("new", O_CREAT | O_WRONLY, 0644));
	}
	TRUE(exists("from/other/new"));
	if (counts) {
		make_dir("to/a", 0755);
		make_dir("to/b", 0755);
		NLINK("to", 4);
		OK(rename("to/a", "to/b"));
		NLINK("to", 3);
		OK(rmdir("to/b"));
		NLINK("to", 2);
	}
}
