/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading directories: every entry once, positions that hold, changes meanwhile;
 * and statvfs(2).
 */
#include <dirent.h>
#include <sys/statvfs.h>

#include "posix.h"

#define MANY 1500

static void make_many(const char *dir)
{
	char path[300];

	make_dir(dir, 0755);
	for (int i = 0; i < MANY; i++) {
		/* Names of many lengths, so that buffers end anywhere. */
		snprintf(path, sizeof(path), "%s/%0*d", dir, 4 + i % 200, i);
		if (open_close(path, O_CREAT | O_EXCL | O_WRONLY, 0644) != 0)
			OK(-1);
	}
}

static int number_of(const char *name)
{
	return name[0] >= '0' && name[0] <= '9' ? atoi(name) : -1;
}

static void read_whole(const char *path)
{
	char seen[MANY] = "";
	int dots = 0, doubles = 0, total = 0, wrong = 0;
	DIR *dir = opendir(path);
	struct dirent *entry;

	TRUE(dir != NULL);
	while (dir && (errno = 0, entry = readdir(dir)) != NULL) {
		int number = number_of(entry->d_name);

		if (number < 0) {
			dots++;
			wrong += entry->d_type != DT_DIR;
			continue;
		}
		wrong += entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN;
		if (number < MANY && seen[number]++)
			doubles++;
		total++;
	}
	EQ(errno, 0);
	EQ(dots, 2);
	EQ(total, MANY);
	EQ(doubles, 0);
	EQ(wrong, 0);
	if (dir)
		closedir(dir);
}

static void seek_positions(const char *path)
{
	enum { KEPT = 64 };
	long positions[KEPT];
	int numbers[KEPT];
	int kept = 0, index = 0, wrong = 0;
	DIR *dir = opendir(path);
	struct dirent *entry;

	TRUE(dir != NULL);
	if (!dir)
		return;
	for (;;) {
		long position = telldir(dir);

		entry = readdir(dir);
		if (!entry)
			break;
		if (index++ % (MANY / KEPT + 1) == 0 && kept < KEPT) {
			positions[kept] = position;
			numbers[kept++] = number_of(entry->d_name);
		}
	}
	/* Backwards, then all again from the start. */
	for (int i = kept - 1; i >= 0; i--) {
		seekdir(dir, positions[i]);
		entry = readdir(dir);
		if (!entry || number_of(entry->d_name) != numbers[i])
			wrong++;
	}
	EQ(wrong, 0);
	rewinddir(dir);
	index = 0;
	while (readdir(dir))
		index++;
	EQ(index, MANY + 2);
	closedir(dir);
}

static void types_and_inodes(void)
{
	int wrong = 0, total = 0;
	struct dirent *entry;
	DIR *dir;

	make_dir("types", 0755);
	make_file("types/file", 0644);
	make_dir("types/dir", 0755);
	OK(symlink("x", "types/link"));
	OK(mkfifo("types/fifo", 0644));
	OK(mknod("types/sock", S_IFSOCK | 0644, 0));
	dir = opendir("types");
	TRUE(dir != NULL);
	while (dir && (entry = readdir(dir)) != NULL) {
		char path[300];
		struct stat st;

		snprintf(path, sizeof(path), "types/%s", entry->d_name);
		st = stat_of(path);
		/* ".." leaves the tree: its number may be another's. */
		if (strcmp(entry->d_name, "..") != 0)
			wrong += st.st_ino != entry->d_ino;
		wrong += entry->d_type != DT_UNKNOWN &&
			 (mode_t)DTTOIF(entry->d_type) != (st.st_mode & S_IFMT);
		total++;
	}
	EQ(total, 7);
	EQ(wrong, 0);
	if (dir)
		closedir(dir);
}

void test_directory(void)
{
	DIR *dir;

	make_many("many");
	read_whole("many");
	read_whole("many");
	seek_positions("many");
	types_and_inodes();

	make_dir("empty", 0755);
	dir = opendir("empty");
	TRUE(dir && readdir(dir) && readdir(dir) && !readdir(dir));
	/* What comes later shows after a rewind. */
	make_file("empty/new", 0644);
	rewinddir(dir);
	TRUE(readdir(dir) && readdir(dir) && readdir(dir) && !readdir(dir));
	closedir(dir);
	make_dir("unreadable", 0711);
	make_dir("unsearchable", 0744);
	make_file("unreadable/file", 0644);
	make_file("unsearchable/file", 0644);
	AS(&alice) {
		struct stat st;

		TRUE(!opendir("unreadable") && errno == EACCES);
		OK(lstat("unreadable/file", &st));
		dir = opendir("unsearchable");
		TRUE(dir && readdir(dir));
		FAILS(EACCES, lstat("unsearchable/file", &st));
	}
}

/* What is neither made nor removed meanwhile must be seen exactly once. */
void test_directory_change(void)
{
	char seen[MANY] = "";
	int index = 0, missing = 0, doubles = 0;
	struct dirent *entry;
	char path[300];
	DIR *dir;

	make_many("many");
	dir = opendir("many");
	TRUE(dir != NULL);
	while (dir && (entry = readdir(dir)) != NULL) {
		int number = number_of(entry->d_name);

		if (number >= 0 && number < MANY && seen[number]++)
			doubles++;
		if (index++ % 10 != 0)
			continue;
		snprintf(path, sizeof(path), "many/new%d", index);
		OK(open_close(path, O_CREAT | O_WRONLY, 0644));
		snprintf(path, sizeof(path), "many/%0*d", 4 + index % 200,
			 index);
		if (index < MANY && index % 3 == 0)
			OK(unlink(path));
	}
	for (int i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), "many/%0*d", 4 + i % 200, i);
		if (!seen[i] && exists(path))
			missing++;
	}
	EQ(missing, 0);
	EQ(doubles, 0);
	if (dir)
		closedir(dir);

	/* rm -r: remove each as it is read; nothing may be left. */
	for (int pass = 0; pass < 10; pass++) {
		dir = opendir("many");
		while (dir && (entry = readdir(dir)) != NULL)
			if (entry->d_name[0] != '.')
				OK(unlinkat(dirfd(dir), entry->d_name, 0));
		if (dir)
			closedir(dir);
		if (rmdir("many") == 0)
			break;
	}
	TRUE(!exists("many"));
}

void test_statvfs(void)
{
	struct statvfs st, again;
	int fd;

	OK(statvfs(".", &st));
	TRUE(st.f_bsize > 0 && st.f_frsize > 0);
	TRUE(st.f_blocks >= st.f_bfree && st.f_bfree >= st.f_bavail);
	TRUE(st.f_files >= st.f_ffree);
	EQ(st.f_namemax, 255);
	make_file("file", 0644);
	fd = (int)OK(open("file", O_RDWR | O_CLOEXEC));
	OK(fstatvfs(fd, &again));
	EQ(again.f_blocks, st.f_blocks);
	EQ(again.f_frsize, st.f_frsize);
	close(fd);
	AS(&alice) {
		OK(statvfs(".", &again));
		EQ(again.f_blocks, st.f_blocks);
	}
}
