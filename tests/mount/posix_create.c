/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making directories, nodes, symbolic and hard links: who owns them, which mode
 * they have, what is refused.
 */
#include <signal.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "posix.h"

static void create_all(const char *prefix)
{
	char path[128];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock;

	snprintf(path, sizeof(path), "%s/file", prefix);
	OK(open_close(path, O_CREAT | O_EXCL | O_RDWR, 0644));
	snprintf(path, sizeof(path), "%s/dir", prefix);
	OK(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%s/fifo", prefix);
	OK(mkfifo(path, 0644));
	snprintf(path, sizeof(path), "%s/node", prefix);
	OK(mknod(path, S_IFREG | 0644, 0));
	snprintf(path, sizeof(path), "%s/symlink", prefix);
	OK(symlink("x", path));
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/sock", prefix);
	OK(bind(sock, (struct sockaddr *)&address, sizeof(address)));
	close(sock);
}

static void owned_all(const char *prefix, uid_t uid, gid_t gid)
{
	static const char *const names[] = {
		"file", "dir", "fifo", "node", "symlink", "sock",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", prefix, names[i]);
		OWNER(path, uid, gid);
	}
}

/* In a setgid directory all get its group, and directories the bit. */
static void setgid_directory(void)
{
	make_dir("setgid", 02777);
	OK(chown("setgid", bob.uid, bob.gid));
	OK(chmod("setgid", 02777));
	AS(&alice)
		create_all("setgid");
	owned_all("setgid", alice.uid, bob.gid);
	MODE("setgid/dir", 02755);
	MODE("setgid/file", 0644);
	AS(&alice) {
		/* Not a member: a new executable of that group loses the bit. */
		OK(open_close("setgid/exec", O_CREAT | O_RDWR, 02775));
		OK(open_close("setgid/noexec", O_CREAT | O_RDWR, 02664));
		OK(mkdir("setgid/dir/deep", 0700));
	}
	MODE("setgid/exec", 0775);
	MODE("setgid/dir/deep", 02700);
	OWNER("setgid/dir/deep", alice.uid, bob.gid);
	AS(&dave)
		OK(open_close("setgid/member", O_CREAT | O_RDWR, 02775));
	MODE("setgid/member", 02775);
	OWNER("setgid/member", dave.uid, bob.gid);
	OK(open_close("setgid/root", O_CREAT | O_RDWR, 06775));
	MODE("setgid/root", 06775);
	OWNER("setgid/root", 0, bob.gid);
}

void test_create_owner(void)
{
	static const struct who *const users[] = {
		&root, &alice, &bob, &carol, &dave,
	};

	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		char name[16];

		snprintf(name, sizeof(name), "by%zu", i);
		make_dir(name, 0777);
		AS(users[i])
			create_all(name);
		owned_all(name, users[i]->uid, users[i]->gid);
	}
	setgid_directory();

	/* Real and effective ids that differ: the effective ones count. */
	make_dir("mixed", 0777);
	AS(&root) {
		OK(setresgid(bob.gid, alice.gid, 0));
		OK(setresuid(bob.uid, alice.uid, 0));
		create_all("mixed");
	}
	owned_all("mixed", alice.uid, alice.gid);

	/* Group may write, others may not: by supplementary group. */
	make_dir("shared", 0770);
	give("shared", &alice);
	AS(&carol)
		create_all("shared");
	owned_all("shared", carol.uid, carol.gid);
	AS(&bob)
		FAILS(EACCES, mkdir("shared/no", 0755));
}

void test_mkdir(void)
{
	mode_t old;

	OK(mkdir("dir", 0755));
	MODE("dir", 0755);
	FAILS(EEXIST, mkdir("dir", 0755));
	FAILS(EEXIST, mkdir("dir/", 0755));
	FAILS(EEXIST, mkdir(".", 0755));
	FAILS(EEXIST, mkdir("dir/..", 0755));
	make_file("file", 0644);
	FAILS(EEXIST, mkdir("file", 0755));
	OK(symlink("nowhere", "dangling"));
	FAILS(EEXIST, mkdir("dangling", 0755));
	OK(mkdir("slash/", 0700));
	MODE("slash", 0700);
	OK(mkdir("sticky", 01777));
	MODE("sticky", 01777);
	OK(mkdir("setuid", 06755));
	MODE("setuid", 0755);
	old = umask(0077);
	OK(mkdir("masked", 0777));
	MODE("masked", 0700);
	umask(0777);
	OK(mkdir("none", 0777));
	MODE("none", 0);
	umask(old);
	make_dir("closed", 0755);
	AS(&alice)
		FAILS(EACCES, mkdir("closed/x", 0755));
	TRUE(S_ISDIR(stat_of("dir").st_mode));
}

void test_mknod(void)
{
	mode_t old;
	struct stat st;

	OK(mknod("regular", S_IFREG | 0640, 0));
	MODE("regular", 0640);
	TRUE(S_ISREG(stat_of("regular").st_mode));
	OK(mknod("untyped", 0600, 0));
	TRUE(S_ISREG(stat_of("untyped").st_mode));
	OK(mknod("char", S_IFCHR | 0600, makedev(1, 3)));
	st = stat_of("char");
	TRUE(S_ISCHR(st.st_mode));
	EQ(st.st_rdev, makedev(1, 3));
	OK(mknod("block", S_IFBLK | 0600, makedev(259, 70000)));
	st = stat_of("block");
	TRUE(S_ISBLK(st.st_mode));
	EQ(st.st_rdev, makedev(259, 70000));
	OK(mknod("fifo", S_IFIFO | 06755, 0));
	TRUE(S_ISFIFO(stat_of("fifo").st_mode));
	MODE("fifo", 06755);
	OK(mknod("sock", S_IFSOCK | 0644, 0));
	TRUE(S_ISSOCK(stat_of("sock").st_mode));
	FAILS(EEXIST, mknod("sock", S_IFREG | 0644, 0));
	FAILS(EEXIST, mkfifo("fifo", 0644));
	FAILS(EPERM, mknod("dir", S_IFDIR | 0755, 0));
	FAILS(EINVAL, mknod("link", S_IFLNK | 0755, 0));
	OK(symlink("nowhere", "dangling"));
	FAILS(EEXIST, mknod("dangling", S_IFIFO | 0644, 0));
	old = umask(0022);
	OK(mkfifo("masked", 0666));
	MODE("masked", 0644);
	umask(old);
	make_dir("open", 0777);
	AS(&alice) {
		FAILS(EPERM, mknod("open/char", S_IFCHR | 0600, makedev(1, 3)));
		FAILS(EPERM, mknod("open/block", S_IFBLK | 0600, makedev(1, 3)));
		OK(mknod("open/fifo", S_IFIFO | 0600, 0));
		OK(mknod("open/file", S_IFREG | 0600, 0));
		FAILS(EACCES, mkfifo("fifo2", 0644));
	}
}

/* They are the kernel's to serve: data goes through, the server sees none. */
void test_special(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int status, fd, sock, peer;
	char buffer[8] = "";
	pid_t pid;

	OK(mkfifo("fifo", 0600));
	pid = fork();
	if (pid == 0) {
		fd = open("fifo", O_WRONLY | O_CLOEXEC);
		_exit(write(fd, "hello", 5) == 5 ? 0 : 1);
	}
	fd = (int)OK(open("fifo", O_RDONLY | O_CLOEXEC));
	EQ(read(fd, buffer, sizeof(buffer)), 5);
	TRUE(memcmp(buffer, "hello", 5) == 0);
	waitpid(pid, &status, 0);
	EQ(status, 0);
	close(fd);

	OK(mknod("null", S_IFCHR | 0600, makedev(1, 3)));
	fd = (int)OK(open("null", O_RDWR | O_CLOEXEC));
	EQ(write(fd, "gone", 4), 4);
	EQ(read(fd, buffer, 4), 0);
	close(fd);
	OK(mknod("zero", S_IFCHR | 0600, makedev(1, 5)));
	fd = (int)OK(open("zero", O_RDONLY | O_CLOEXEC));
	EQ(read(fd, buffer, 4), 4);
	EQ(buffer[0], 0);
	close(fd);

	strcpy(address.sun_path, "sock");
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	OK(bind(sock, (struct sockaddr *)&address, sizeof(address)));
	OK(listen(sock, 1));
	peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	OK(connect(peer, (struct sockaddr *)&address, sizeof(address)));
	fd = accept4(sock, NULL, NULL, SOCK_CLOEXEC);
	EQ(write(peer, "hi", 2), 2);
	EQ(read(fd, buffer, sizeof(buffer)), 2);
	close(fd);
	close(peer);
	close(sock);
	peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FAILS(ECONNREFUSED, connect(peer, (struct sockaddr *)&address,
				    sizeof(address)));
	close(peer);
	OK(unlink("sock"));
	OK(unlink("fifo"));
	OK(unlink("null"));
}

static bool can_target(size_t length)
{
	return symlink(long_name(length), "long") == 0;
}

static bool can_target_4095(void)
{
	return can_target(4095);
}

static void symlink_lengths(void)
{
	static char buffer[8192];
	static const size_t lengths[] = { 1, 59, 60, 61, 255, 1000, 1023 };
	const char *target;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		OK(symlink(long_name(lengths[i]), "length"));
		EQ(readlink("length", buffer, sizeof(buffer)), lengths[i]);
		SIZE("length", lengths[i]);
		OK(unlink("length"));
	}
	FAILS(ENAMETOOLONG, symlink(long_name(4096), "length"));
	if (!native(can_target_4095))
		return;
	target = long_name(4095);
	OK(symlink(target, "length"));
	EQ(readlink("length", buffer, sizeof(buffer)), 4095);
	TRUE(memcmp(buffer, target, 4095) == 0);
	OK(unlink("length"));
}

void test_symlink(void)
{
	char buffer[16];
	char name[16], target[16];

	write_file("file", "content");
	OK(symlink("file", "link"));
	TRUE(S_ISLNK(stat_of("link").st_mode));
	MODE("link", 0777);
	SIZE("link", 4);
	EQ(readlink("link", buffer, sizeof(buffer)), 4);
	TRUE(memcmp(buffer, "file", 4) == 0);
	EQ(readlink("link", buffer, 2), 2);
	CONTENT("link", "content");
	FAILS(EEXIST, symlink("x", "link"));
	FAILS(EEXIST, symlink("x", "file"));
	FAILS(ENOENT, symlink("", "empty"));
	FAILS(EINVAL, readlink("file", buffer, sizeof(buffer)));
	OK(symlink("/", "absolute"));
	OK(symlink("a b:c,d\n", "odd"));
	EQ(readlink("odd", buffer, sizeof(buffer)), 8);
	symlink_lengths();

	/* Forty may follow one another, one more may not. */
	OK(symlink("file", "chain0"));
	for (int i = 1; i < 41; i++) {
		snprintf(name, sizeof(name), "chain%d", i);
		snprintf(target, sizeof(target), "chain%d", i - 1);
		OK(symlink(target, name));
	}
	CONTENT("chain39", "content");
	FAILS(ELOOP, open_close("chain40", O_RDONLY, 0));
	make_dir("closed", 0755);
	AS(&alice)
		FAILS(EACCES, symlink("x", "closed/link"));
	OK(lchown("link", alice.uid, alice.gid));
	OWNER("link", alice.uid, alice.gid);
	OWNER("file", 0, 0);
	OK(unlink("link"));
	TRUE(exists("file"));
}

void test_link(void)
{
	struct stat st;
	char name[16];

	write_file("file", "content");
	OK(link("file", "hard"));
	NLINK("file", 2);
	EQ(stat_of("file").st_ino, stat_of("hard").st_ino);
	write_file("hard", "changed");
	CONTENT("file", "changed");
	OK(chmod("hard", 0600));
	MODE("file", 0600);
	OK(chown("file", alice.uid, bob.gid));
	OWNER("hard", alice.uid, bob.gid);
	FAILS(EEXIST, link("file", "hard"));
	make_dir("dir", 0755);
	FAILS(EEXIST, link("file", "dir"));
	FAILS(EPERM, link("dir", "dir2"));
	FAILS(EXDEV, link("/proc/self/status", "status"));
	OK(symlink("file", "sym"));
	OK(link("sym", "sym2"));
	TRUE(S_ISLNK(stat_of("sym2").st_mode));
	NLINK("sym", 2);
	OK(linkat(AT_FDCWD, "sym", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW));
	NLINK("file", 3);
	OK(mkfifo("fifo", 0644));
	OK(link("fifo", "fifo2"));
	NLINK("fifo2", 2);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		OK(link("file", name));
		NLINK(name, i + 4);
	}
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		OK(unlink(name));
	}
	OK(unlink("file"));
	st = stat_of("hard");
	EQ(st.st_nlink, 2);
	CONTENT("followed", "changed");
	make_dir("closed", 0755);
	make_dir("open", 0777);
	make_file("mine", 0666);
	AS(&alice) {
		FAILS(EACCES, link("mine", "closed/x"));
		OK(open_close("open/own", O_CREAT | O_RDWR, 0600));
		OK(link("open/own", "open/own2"));
	}
	NLINK("open/own", 2);
}
