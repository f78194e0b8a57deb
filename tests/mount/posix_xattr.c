/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended attributes: sizes, errors, name spaces; and the inode flags of chattr.
 */
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#include "posix.h"

static bool can_user(void)
{
	write_file("x", "");
	return setxattr("x", "user.a", "b", 1, 0) == 0;
}

static size_t probe_size;

static bool can_size(void)
{
	char *value = calloc(1, probe_size);
	bool can;

	write_file("x", "");
	can = value && setxattr("x", "user.a", value, probe_size, 0) == 0;
	free(value);
	return can;
}

static void xattr_sizes(void)
{
	static const size_t sizes[] = { 1, 100, 2000, 4000, 16000, 65536 };
	static char value[65537], seen[65537];

	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (char)(i * 7 + i / 256);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t size = sizes[i];

		probe_size = size;
		if (!native(can_size))
			continue;
		OK(setxattr("file", "user.sized", value, size, 0));
		EQ(getxattr("file", "user.sized", NULL, 0), size);
		EQ(getxattr("file", "user.sized", seen, size), size);
		TRUE(memcmp(value, seen, size) == 0);
		EQ(getxattr("file", "user.sized", seen, sizeof(seen)), size);
		if (size > 1)
			FAILS(ERANGE, getxattr("file", "user.sized", seen,
					       size - 1));
		OK(removexattr("file", "user.sized"));
	}
	FAILS(E2BIG, setxattr("file", "user.sized", value, 65537, 0));
}

static void xattr_names(void)
{
	char list[4096];
	char name[300] = "user.";
	ssize_t size;
	int found = 0;

	for (int i = 0; i < 10; i++) {
		char attr[32];

		snprintf(attr, sizeof(attr), "user.name%d", i);
		OK(setxattr("file", attr, "v", 1, XATTR_CREATE));
	}
	size = OK(listxattr("file", list, sizeof(list)));
	for (const char *at = list; at < list + size; at += strlen(at) + 1)
		found += strncmp(at, "user.name", 9) == 0;
	EQ(found, 10);
	EQ(listxattr("file", NULL, 0), size);
	FAILS(ERANGE, listxattr("file", list, 20));
	for (int i = 0; i < 10; i++) {
		char attr[32];

		snprintf(attr, sizeof(attr), "user.name%d", i);
		OK(removexattr("file", attr));
	}
	memset(name + 5, 'n', 251);
	FAILS(ERANGE, setxattr("file", name, "v", 1, 0));
	name[255] = '\0';
	OK(setxattr("file", name, "v", 1, 0));
	EQ(getxattr("file", name, list, sizeof(list)), 1);
	OK(removexattr("file", name));
	FAILS(EINVAL, setxattr("file", "user.", "v", 1, 0));
	FAILS(EOPNOTSUPP, setxattr("file", "plain", "v", 1, 0));
	FAILS(EOPNOTSUPP, setxattr("file", "nospace.x", "v", 1, 0));
}

void test_xattr(void)
{
	char seen[64];
	int fd;

	if (!native(can_user))
		return;
	make_file("file", 0644);
	FAILS(ENODATA, getxattr("file", "user.a", seen, sizeof(seen)));
	FAILS(ENODATA, removexattr("file", "user.a"));
	FAILS(ENODATA, setxattr("file", "user.a", "v", 1, XATTR_REPLACE));
	OK(setxattr("file", "user.a", "value", 5, XATTR_CREATE));
	FAILS(EEXIST, setxattr("file", "user.a", "v", 1, XATTR_CREATE));
	FAILS(EINVAL, setxattr("file", "user.a", "v", 1, 1 << 5));
	EQ(getxattr("file", "user.a", seen, sizeof(seen)), 5);
	OK(setxattr("file", "user.a", "new", 3, XATTR_REPLACE));
	EQ(getxattr("file", "user.a", seen, sizeof(seen)), 3);
	TRUE(memcmp(seen, "new", 3) == 0);
	OK(setxattr("file", "user.a", "", 0, 0));
	EQ(getxattr("file", "user.a", seen, sizeof(seen)), 0);
	OK(setxattr("file", "user.a", "\0b\0", 3, 0));
	EQ(getxattr("file", "user.a", seen, sizeof(seen)), 3);
	TRUE(memcmp(seen, "\0b\0", 3) == 0);
	xattr_sizes();
	xattr_names();

	fd = (int)OK(open("file", O_RDWR | O_CLOEXEC));
	OK(fsetxattr(fd, "user.f", "f", 1, 0));
	EQ(fgetxattr(fd, "user.f", seen, sizeof(seen)), 1);
	OK(unlink("file"));
	EQ(fgetxattr(fd, "user.f", seen, sizeof(seen)), 1);
	OK(fsetxattr(fd, "user.g", "g", 1, 0));
	OK(fremovexattr(fd, "user.f"));
	close(fd);
}

static bool can_trusted(void)
{
	write_file("x", "");
	return setxattr("x", "trusted.a", "b", 1, 0) == 0;
}

static bool can_capability(void)
{
	static const uint32_t capability[5] = { 0x02000001, 1 << 10 };

	write_file("x", "");
	return setxattr("x", "security.capability", capability,
			sizeof(capability), 0) == 0;
}

static void xattr_capability(void)
{
	/* Version 2, effective, CAP_NET_BIND_SERVICE permitted. */
	static const uint32_t capability[5] = { 0x02000001, 1 << 10 };
	uint32_t seen[8];

	write_file("capable", "content");
	OK(chmod("capable", 0777));
	OK(setxattr("capable", "security.capability", capability,
		    sizeof(capability), 0));
	EQ(getxattr("capable", "security.capability", seen, sizeof(seen)),
	   sizeof(capability));
	TRUE(memcmp(seen, capability, sizeof(capability)) == 0);
	/* Whoever writes or takes it over takes the capability away. */
	AS(&alice) {
		int fd = (int)OK(open("capable", O_WRONLY | O_CLOEXEC));

		EQ(write(fd, "x", 1), 1);
	}
	FAILS(ENODATA, getxattr("capable", "security.capability", seen,
				sizeof(seen)));
	OK(setxattr("capable", "security.capability", capability,
		    sizeof(capability), 0));
	OK(chown("capable", alice.uid, alice.gid));
	FAILS(ENODATA, getxattr("capable", "security.capability", seen,
				sizeof(seen)));
	AS(&alice)
		FAILS(EPERM, setxattr("capable", "security.capability",
				      capability, sizeof(capability), 0));
}

/* Whether a user sees the names of the administrator's attributes. */
static bool lists_trusted(void)
{
	write_file("listed", "");
	OK(setxattr("listed", "trusted.a", "x", 1, 0));
	OK(chmod("listed", 0666));
	AS(&alice) {
		char list[512];
		ssize_t size = listxattr("listed", list, sizeof(list));

		/* Leaves word of it for the parent. */
		if (size > 0 && memmem(list, (size_t)size, "trusted.a", 9))
			OK(truncate("listed", 1));
	}
	return stat_of("listed").st_size == 1;
}

void test_xattr_spaces(void)
{
	char seen[64];

	make_file("file", 0644);
	if (native(can_trusted)) {
		OK(setxattr("file", "trusted.a", "secret", 6, 0));
		EQ(getxattr("file", "trusted.a", seen, sizeof(seen)), 6);
		AS(&alice) {
			FAILS(ENODATA, getxattr("file", "trusted.a", seen,
						sizeof(seen)));
			FAILS(EPERM, setxattr("file", "trusted.a", "x", 1, 0));
		}
		if (!native(lists_trusted))
			TRUE(!lists_trusted());
		OK(symlink("x", "link"));
		OK(lsetxattr("link", "trusted.l", "v", 1, 0));
		EQ(lgetxattr("link", "trusted.l", seen, sizeof(seen)), 1);
	}
	if (native(can_capability))
		xattr_capability();
	if (!native(can_user))
		return;
	/* user. belongs to files and directories, by their permissions. */
	OK(setxattr("file", "user.a", "v", 1, 0));
	make_dir("dir", 0755);
	OK(setxattr("dir", "user.a", "v", 1, 0));
	OK(mkfifo("fifo", 0666));
	FAILS(EPERM, setxattr("fifo", "user.a", "v", 1, 0));
	if (!exists("link"))
		OK(symlink("x", "link"));
	FAILS(EPERM, lsetxattr("link", "user.a", "v", 1, 0));
	AS(&alice) {
		FAILS(EACCES, setxattr("file", "user.a", "x", 1, 0));
		FAILS(EACCES, removexattr("file", "user.a"));
		EQ(getxattr("file", "user.a", seen, sizeof(seen)), 1);
	}
	OK(chmod("file", 0600));
	AS(&alice)
		FAILS(EACCES, getxattr("file", "user.a", seen, sizeof(seen)));
	make_dir("sticky", 01777);
	AS(&alice)
		FAILS(EPERM, setxattr("sticky", "user.a", "x", 1, 0));
}

static int set_flags(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result, error;

	if (fd < 0)
		return -1;
	result = ioctl(fd, FS_IOC_SETFLAGS, &flags);
	error = errno;
	close(fd);
	errno = error;
	return result;
}

static int get_flags(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int flags = -1;

	if (fd < 0)
		return -1;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0)
		flags = -1;
	close(fd);
	return flags;
}

static bool can_flags(void)
{
	write_file("x", "");
	if (set_flags("x", FS_IMMUTABLE_FL) != 0)
		return false;
	return set_flags("x", 0) == 0;
}

static void immutable(void)
{
	int flags = get_flags("file");

	OK(set_flags("file", flags | FS_IMMUTABLE_FL));
	TRUE((get_flags("file") & FS_IMMUTABLE_FL) != 0);
	FAILS(EPERM, open_close("file", O_WRONLY, 0));
	FAILS(EPERM, unlink("file"));
	FAILS(EPERM, rename("file", "x"));
	FAILS(EPERM, link("file", "x"));
	FAILS(EPERM, chmod("file", 0600));
	FAILS(EPERM, chown("file", 1, 1));
	FAILS(EPERM, truncate("file", 0));
	OK(open_close("file", O_RDONLY, 0));
	OK(set_flags("file", flags));
	OK(open_close("file", O_WRONLY, 0));
	OK(set_flags("file", flags | FS_APPEND_FL));
	FAILS(EPERM, open_close("file", O_WRONLY, 0));
	FAILS(EPERM, open_close("file", O_WRONLY | O_APPEND | O_TRUNC, 0));
	FAILS(EPERM, truncate("file", 0));
	FAILS(EPERM, unlink("file"));
	OK(open_close("file", O_WRONLY | O_APPEND, 0));
	OK(set_flags("file", flags));
}

void test_inode_flags(void)
{
	struct fsxattr attributes;
	int flags, fd;

	if (!native(can_flags))
		return;
	write_file("file", "content");
	flags = get_flags("file");
	TRUE(flags != -1);
	immutable();
	make_dir("dir", 0777);
	make_file("dir/file", 0666);
	flags = get_flags("dir");
	OK(set_flags("dir", flags | FS_IMMUTABLE_FL));
	FAILS(EPERM, open_close("dir/new", O_CREAT | O_RDWR, 0644));
	FAILS(EPERM, unlink("dir/file"));
	FAILS(EPERM, mkdir("dir/sub", 0755));
	OK(set_flags("dir", flags));
	OK(unlink("dir/file"));

	give("file", &alice);
	flags = get_flags("file");
	AS(&alice) {
		FAILS(EPERM, set_flags("file", flags | FS_IMMUTABLE_FL));
		FAILS(EPERM, set_flags("file", flags | FS_APPEND_FL));
		OK(set_flags("file", flags | FS_NODUMP_FL));
	}
	TRUE((get_flags("file") & FS_NODUMP_FL) != 0);
	AS(&bob) {
		int now = get_flags("file");

		FAILS(EPERM, set_flags("file", now & ~FS_NODUMP_FL));
	}
	fd = (int)OK(open("file", O_RDONLY | O_CLOEXEC));
	memset(&attributes, 0, sizeof(attributes));
	if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) == 0) {
		TRUE((attributes.fsx_xflags & FS_XFLAG_NODUMP) != 0);
		attributes.fsx_xflags &= ~(uint32_t)FS_XFLAG_NODUMP;
		OK(ioctl(fd, FS_IOC_FSSETXATTR, &attributes));
	} else {
		TRUE(errno == ENOTTY || errno == EOPNOTSUPP);
	}
	FAILS(ENOTTY, ioctl(fd, _IOR('Z', 99, int), &flags));
	close(fd);
}
