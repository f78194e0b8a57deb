/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * open(2): permissions, errors, flags, races, and files without a name.
 */
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "posix.h"

static const int open_modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
static const unsigned int open_needs[] = { 4, 2, 6 };

static void open_class(const char *path, const struct who *who,
		       unsigned int shift)
{
	for (unsigned int bits = 0; bits < 8; bits++) {
		OK(chmod(path, bits << shift));
		AS(who) {
			for (size_t i = 0; i < 3; i++) {
				if ((open_needs[i] & ~bits) == 0)
					OK(open_close(path, open_modes[i], 0));
				else
					FAILS(EACCES, open_close(path,
						open_modes[i], 0));
			}
			if (bits & 2)
				OK(open_close(path, O_WRONLY | O_TRUNC, 0));
			else
				FAILS(EACCES, open_close(path,
					O_RDONLY | O_TRUNC, 0));
		}
	}
}

static void open_existing(void)
{
	make_file("file", 0644);
	make_dir("dir", 0755);
	OK(symlink("file", "link"));
	OK(symlink("nowhere", "dangling"));
	FAILS(EEXIST, open_close("file", O_CREAT | O_EXCL, 0644));
	FAILS(EEXIST, open_close("dir", O_CREAT | O_EXCL, 0644));
	FAILS(EEXIST, open_close("link", O_CREAT | O_EXCL, 0644));
	FAILS(EEXIST, open_close("dangling", O_CREAT | O_EXCL, 0644));
	FAILS(ENOTDIR, open_close("file", O_RDONLY | O_DIRECTORY, 0));
	FAILS(ENOTDIR, open_close("file/", O_RDONLY, 0));
	FAILS(ELOOP, open_close("link", O_RDONLY | O_NOFOLLOW, 0));
	FAILS(ELOOP, open_close("dangling", O_CREAT | O_WRONLY | O_NOFOLLOW,
				0644));
	FAILS(EISDIR, open_close("dir", O_WRONLY, 0));
	FAILS(EISDIR, open_close("dir", O_RDWR, 0));
	FAILS(EISDIR, open_close("dir", O_RDONLY | O_CREAT, 0644));
	FAILS(EISDIR, open_close("dir", O_RDWR | O_TRUNC, 0));
	FAILS(EISDIR, open_close("new/", O_CREAT | O_WRONLY, 0644));
	FAILS(EINVAL, open_close("new", O_CREAT | O_DIRECTORY, 0644));
	OK(open_close("dir", O_RDONLY | O_DIRECTORY, 0));
	OK(open_close("link", O_RDONLY, 0));
	OK(open_close("link", O_PATH | O_NOFOLLOW, 0));
	TRUE(!exists("nowhere"));
	OK(open_close("dangling", O_CREAT | O_WRONLY, 0640));
	MODE("nowhere", 0640);
}

static void open_special(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	OK(mkfifo("fifo", 0644));
	FAILS(ENXIO, open_close("fifo", O_WRONLY | O_NONBLOCK, 0));
	OK(open_close("fifo", O_RDONLY | O_NONBLOCK, 0));
	FAILS(EEXIST, open_close("fifo", O_CREAT | O_EXCL, 0644));
	strcpy(address.sun_path, "sock");
	OK(bind(sock, (struct sockaddr *)&address, sizeof(address)));
	FAILS(ENXIO, open_close("sock", O_RDONLY, 0));
	FAILS(ENXIO, open_close("sock", O_WRONLY, 0));
	close(sock);
	/* Major numbers from 60 on are for local use: nobody is there. */
	OK(mknod("device", S_IFCHR | 0644, makedev(60, 77)));
	FAILS(ENXIO, open_close("device", O_RDONLY, 0));
}

/* A server of files that has become somebody for them alone. */
void test_fsuid(void)
{
	make_file("roots", 0600);
	make_file("hers", 0600);
	give("hers", &alice);
	make_dir("closed", 0700);
	make_dir("open", 0777);
	/* Twice: what the kernel keeps of the first does not let it pass. */
	for (int i = 0; i < 2; i++) {
		AS(&root) {
			setfsgid(alice.gid);
			setfsuid(alice.uid);
			EQ(setfsuid((uid_t)-1), alice.uid);
			FAILS(EACCES, open_close("roots", O_RDONLY, 0));
			FAILS(EACCES, open_close("roots", O_WRONLY, 0));
			FAILS(EACCES, truncate("roots", 0));
			FAILS(EPERM, chmod("roots", 0777));
			FAILS(EACCES, open_close("closed", O_RDONLY, 0));
			FAILS(EACCES, open_close("closed/new",
						 O_CREAT | O_WRONLY, 0644));
			FAILS(EACCES, mkdir("closed/new", 0755));
			FAILS(EACCES, rename("hers", "closed/hers"));
			FAILS(EACCES, unlink("roots"));
			OK(open_close("hers", O_RDWR, 0));
			OK(open_close("open/new", O_CREAT | O_WRONLY, 0644));
		}
		OWNER("open/new", alice.uid, alice.gid);
		OK(open_close("roots", O_RDWR, 0));
	}
	MODE("roots", 0600);
}

void test_open(void)
{
	make_file("classes", 0644);
	give("classes", &alice);
	open_class("classes", &alice, 6);
	open_class("classes", &carol, 3);
	open_class("classes", &bob, 0);
	OK(chmod("classes", 0));
	OK(open_close("classes", O_RDWR, 0));

	open_existing();
	open_special();

	make_dir("readonly", 0755);
	make_dir("writable", 0777);
	make_file("readonly/file", 0666);
	AS(&alice) {
		FAILS(EACCES, open_close("readonly/new", O_CREAT | O_RDWR, 0644));
		OK(open_close("readonly/file", O_CREAT | O_RDWR, 0644));
		/* A mode without write permission does not bind its maker. */
		OK(open_close("writable/r", O_CREAT | O_RDWR, 0444));
		OK(open_close("writable/n", O_CREAT | O_RDWR, 0));
		FAILS(EACCES, open_close("writable/n", O_RDONLY, 0));
		FAILS(EACCES, open_close("writable/r", O_CREAT | O_RDWR, 0444));
		FAILS(EPERM, open_close("readonly/file",
					O_RDONLY | O_NOATIME, 0));
	}
	OWNER("writable/r", alice.uid, alice.gid);
	MODE("writable/r", 0444);
	MODE("writable/n", 0);
}

static void flags_append(void)
{
	int a, b;

	write_file("log", "0");
	a = open("log", O_WRONLY | O_APPEND | O_CLOEXEC);
	b = open("log", O_RDWR | O_APPEND | O_CLOEXEC);
	OK(a);
	OK(b);
	EQ(write(a, "1", 1), 1);
	EQ(write(b, "2", 1), 1);
	EQ(write(a, "3", 1), 1);
	/* Linux appends even by pwrite. */
	EQ(pwrite(b, "4", 1, 0), 1);
	EQ(lseek(a, 0, SEEK_SET), 0);
	EQ(write(a, "5", 1), 1);
	EQ(lseek(a, 0, SEEK_CUR), 6);
	CONTENT("log", "012345");
	OK(fcntl(a, F_SETFL, 0));
	EQ(pwrite(a, "x", 1, 0), 1);
	CONTENT("log", "x12345");
	OK(close(a));
	OK(close(b));
}

static void append_race(void)
{
	pid_t pids[4];
	char record[64];

	make_file("race", 0644);
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			int fd = open("race", O_WRONLY | O_APPEND | O_CLOEXEC);

			memset(record, 'a' + i, sizeof(record));
			for (int n = 0; n < 100; n++)
				EQ(write(fd, record, sizeof(record)),
				   sizeof(record));
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++)
		waitpid(pids[i], NULL, 0);
	SIZE("race", 4 * 100 * sizeof(record));
}

static void text_busy(void)
{
	int status, fd;
	pid_t pid;

	OK(system("cp /bin/sleep sleeper"));
	OK(chmod("sleeper", 0755));
	pid = fork();
	if (pid == 0) {
		execl("./sleeper", "sleeper", "60", NULL);
		_exit(127);
	}
	/* It runs once its name is the program's. */
	for (int i = 0; i < 2000; i++) {
		char path[64], name[32] = "";
		FILE *comm;

		snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
		comm = fopen(path, "re");
		if (comm && fgets(name, sizeof(name), comm) &&
		    strcmp(name, "sleeper\n") == 0)
			i = 2000;
		if (comm)
			fclose(comm);
		usleep(1000);
	}
	FAILS(ETXTBSY, open_close("sleeper", O_WRONLY, 0));
	FAILS(ETXTBSY, open_close("sleeper", O_RDWR | O_TRUNC, 0));
	FAILS(ETXTBSY, truncate("sleeper", 0));
	kill(pid, SIGKILL);
	EQ(waitpid(pid, &status, 0), pid);
	TRUE(WIFSIGNALED(status));
	fd = (int)OK(open("sleeper", O_WRONLY | O_CLOEXEC));
	close(fd);
}

void test_open_flags(void)
{
	int fd;
	mode_t old;
	char byte;

	write_file("file", "content");
	OK(open_close("file", O_WRONLY | O_TRUNC, 0));
	SIZE("file", 0);
	write_file("file", "content");
	OK(open_close("file", O_RDWR | O_CREAT | O_TRUNC, 0600));
	SIZE("file", 0);
	MODE("file", 0644);

	old = umask(027);
	OK(open_close("masked", O_CREAT | O_WRONLY, 0777));
	MODE("masked", 0750);
	umask(old);
	OK(open_close("setid", O_CREAT | O_WRONLY, 06755));
	MODE("setid", 06755);
	OK(open_close("sticky", O_CREAT | O_WRONLY, 01644));
	MODE("sticky", 01644);

	fd = (int)OK(open("file", O_WRONLY | O_CLOEXEC));
	FAILS(EBADF, read(fd, &byte, 1));
	close(fd);
	fd = (int)OK(open("file", O_RDONLY | O_CLOEXEC));
	FAILS(EBADF, write(fd, "x", 1));
	FAILS(EINVAL, ftruncate(fd, 0));
	EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
	fd = (int)OK(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	FAILS(EISDIR, read(fd, &byte, 1));
	close(fd);
	flags_append();
	append_race();
	text_busy();
}

/* Of several who create exclusively, one wins, and none sees another error. */
void test_open_race(void)
{
	for (int round = 0; round < 30; round++) {
		int won = 0, other = 0;
		pid_t pids[4];
		char name[16];

		snprintf(name, sizeof(name), "race%d", round);
		for (int i = 0; i < 4; i++) {
			pids[i] = fork();
			if (pids[i] == 0) {
				int rc = open_close(name, O_CREAT | O_EXCL |
						    O_WRONLY, 0644);

				_exit(rc == 0 ? 1 : errno == EEXIST ? 0 : 2);
			}
		}
		for (int i = 0; i < 4; i++) {
			int status = 0;

			waitpid(pids[i], &status, 0);
			won += WEXITSTATUS(status) == 1;
			other += WEXITSTATUS(status) > 1;
		}
		EQ(won, 1);
		EQ(other, 0);
	}

	/* Creating a name that another keeps removing never fails. */
	pid_t remover = fork();

	if (remover == 0) {
		for (;;)
			unlink("flicker");
	}
	for (int i = 0; i < 300; i++)
		OK(open_close("flicker", O_CREAT | O_RDWR, 0644));
	kill(remover, SIGKILL);
	waitpid(remover, NULL, 0);
}

static bool can_tmpfile(void)
{
	return open_close(".", O_TMPFILE | O_RDWR, 0600) == 0;
}

void test_tmpfile(void)
{
	struct stat st;
	char path[64];
	int fd;

	if (!native(can_tmpfile))
		return;
	fd = (int)OK(open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0640));
	OK(fstat(fd, &st));
	EQ(st.st_nlink, 0);
	EQ(st.st_mode, S_IFREG | 0640);
	EQ(write(fd, "hidden", 6), 6);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	OK(linkat(AT_FDCWD, path, AT_FDCWD, "shown", AT_SYMLINK_FOLLOW));
	CONTENT("shown", "hidden");
	OK(fstat(fd, &st));
	EQ(st.st_nlink, 1);
	EQ(st.st_ino, stat_of("shown").st_ino);
	close(fd);
	CONTENT("shown", "hidden");

	fd = (int)OK(open(".", O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	FAILS(ENOENT, linkat(AT_FDCWD, path, AT_FDCWD, "never",
			     AT_SYMLINK_FOLLOW));
	EQ(write(fd, "x", 1), 1);
	close(fd);
	FAILS(EINVAL, open_close(".", O_TMPFILE | O_RDONLY, 0600));
	FAILS(ENOTDIR, open_close("shown", O_TMPFILE | O_RDWR, 0600));
	FAILS(ENOENT, open_close("missing", O_TMPFILE | O_RDWR, 0600));
	AS(&alice)
		FAILS(EACCES, open_close(".", O_TMPFILE | O_RDWR, 0600));
	make_dir("drop", 0777);
	AS(&alice) {
		fd = (int)OK(open("drop", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
		OK(fstat(fd, &st));
		EQ(st.st_uid, alice.uid);
		EQ(st.st_gid, alice.gid);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		OK(linkat(AT_FDCWD, path, AT_FDCWD, "drop/hers",
			  AT_SYMLINK_FOLLOW));
	}
	OWNER("drop/hers", alice.uid, alice.gid);
	MODE("drop/hers", 0600);
}
