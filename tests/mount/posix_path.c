/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every call that takes a path must say of a bad one, as a table of calls
 * and a table of paths; and access(2).
 */
#include <dirent.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "posix.h"

static int call_open(const char *path)
{
	return open_close(path, O_RDONLY, 0);
}

static int call_create(const char *path)
{
	return open_close(path, O_RDWR | O_CREAT, 0644);
}

static int call_mkdir(const char *path)
{
	return mkdir(path, 0755);
}

static int call_mknod(const char *path)
{
	return mknod(path, S_IFREG | 0644, 0);
}

static int call_mkfifo(const char *path)
{
	return mkfifo(path, 0644);
}

static int call_symlink(const char *path)
{
	return symlink("target", path);
}

static int call_link_from(const char *path)
{
	return link(path, "linked");
}

static int call_link_to(const char *path)
{
	return link("file", path);
}

static int call_rename_from(const char *path)
{
	return rename(path, "renamed");
}

static int call_rename_to(const char *path)
{
	return rename("spare", path);
}

static int call_chmod(const char *path)
{
	return chmod(path, 0644);
}

static int call_chown(const char *path)
{
	return chown(path, getuid(), getgid());
}

static int call_lchown(const char *path)
{
	return lchown(path, getuid(), getgid());
}

static int call_truncate(const char *path)
{
	return truncate(path, 0);
}

static int call_utimens(const char *path)
{
	return utimensat(AT_FDCWD, path, NULL, 0);
}

static int call_access(const char *path)
{
	return access(path, R_OK);
}

static int call_stat(const char *path)
{
	struct stat st;

	return stat(path, &st);
}

static int call_lstat(const char *path)
{
	struct stat st;

	return lstat(path, &st);
}

static int call_readlink(const char *path)
{
	char buffer[16];

	return (int)readlink(path, buffer, sizeof(buffer));
}

static int call_opendir(const char *path)
{
	DIR *dir = opendir(path);

	return dir ? closedir(dir) : -1;
}

static int call_statvfs(const char *path)
{
	struct statvfs st;

	return statvfs(path, &st);
}

static int call_getxattr(const char *path)
{
	char buffer[16];

	return (int)getxattr(path, "user.x", buffer, sizeof(buffer));
}

static int call_setxattr(const char *path)
{
	return setxattr(path, "user.x", "y", 1, 0);
}

static int call_listxattr(const char *path)
{
	return (int)listxattr(path, NULL, 0);
}

static int call_rename_exchange(const char *path)
{
	return rename_flags("spare", path, RENAME_EXCHANGE);
}

static const struct call {
	const char *name;
	int (*function)(const char *path);
	bool creates;	/* a missing last component is no error */
	bool nofollow;	/* a symlink as last component is not followed */
} calls[] = {
	{ "open", call_open, false, false },
	{ "open O_CREAT", call_create, true, false },
	{ "mkdir", call_mkdir, true, true },
	{ "mknod", call_mknod, true, true },
	{ "mkfifo", call_mkfifo, true, true },
	{ "symlink", call_symlink, true, true },
	{ "link from", call_link_from, false, true },
	{ "link to", call_link_to, true, true },
	{ "rename from", call_rename_from, false, true },
	{ "rename to", call_rename_to, true, true },
	{ "renameat2 exchange", call_rename_exchange, false, true },
	{ "unlink", unlink, false, true },
	{ "rmdir", rmdir, false, true },
	{ "chmod", call_chmod, false, false },
	{ "chown", call_chown, false, false },
	{ "lchown", call_lchown, false, true },
	{ "truncate", call_truncate, false, false },
	{ "utimensat", call_utimens, false, false },
	{ "access", call_access, false, false },
	{ "stat", call_stat, false, false },
	{ "lstat", call_lstat, false, true },
	{ "readlink", call_readlink, false, true },
	{ "opendir", call_opendir, false, false },
	{ "chdir", chdir, false, false },
	{ "statvfs", call_statvfs, false, false },
	{ "getxattr", call_getxattr, false, false },
	{ "setxattr", call_setxattr, false, false },
	{ "listxattr", call_listxattr, false, false },
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

static void all_fail(int line, const char *path, int want)
{
	for (size_t i = 0; i < CALLS; i++)
		check_fails(__FILE__, line, calls[i].name,
			    calls[i].function(path), want);
}
#define ALL_FAIL(path, want) all_fail(__LINE__, path, want)

/* A path of "./././" and so on with NAME at its end, LENGTH bytes in all. */
static const char *padded(const char *name, size_t length)
{
	static char buffer[8192];
	size_t tail = strlen(name), pad = length - tail;

	for (size_t i = 0; i < pad; i++)
		buffer[i] = i % 2 == 0 ? '.' : '/';
	if (pad % 2 == 1)
		buffer[pad - 1] = '/';
	memcpy(buffer + pad, name, tail + 1);
	return buffer;
}

static void last_component(void)
{
	for (size_t i = 0; i < CALLS; i++) {
		const struct call *call = &calls[i];

		if (call->creates)
			continue;
		check_fails(__FILE__, __LINE__, call->name,
			    call->function("missing"), ENOENT);
		if (call->nofollow)
			continue;
		check_fails(__FILE__, __LINE__, call->name,
			    call->function("loop"), ELOOP);
		check_fails(__FILE__, __LINE__, call->name,
			    call->function("dangling"), ENOENT);
	}
}

static void names_of_limit(void)
{
	const char *name = long_name(255);
	const char *path;

	make_file(name, 0644);
	TRUE(exists(name));
	OK(rename(name, "short"));
	OK(rename("short", name));
	OK(link(name, "other"));
	NLINK(name, 2);
	OK(unlink(name));
	OK(mkdir(name, 0755));
	OK(rmdir(name));
	OK(symlink("other", name));
	OK(unlink(name));
	OK(unlink("other"));

	path = padded("atlimit", 4095);
	OK(open_close(path, O_CREAT | O_WRONLY, 0644));
	TRUE(exists("atlimit"));
	OK(unlink(path));
	TRUE(!exists("atlimit"));
}

void test_paths(void)
{
	char path[512];

	make_file("file", 0644);
	make_file("spare", 0644);
	make_dir("closed", 0700);
	make_file("closed/file", 0666);
	OK(symlink("loop", "loop"));
	OK(symlink("ring2", "ring1"));
	OK(symlink("ring1", "ring2"));
	OK(symlink("nowhere", "dangling"));

	ALL_FAIL("", ENOENT);
	ALL_FAIL("file/x", ENOTDIR);
	ALL_FAIL("missing/x", ENOENT);
	ALL_FAIL("dangling/x", ENOENT);
	ALL_FAIL("loop/x", ELOOP);
	ALL_FAIL("ring1/x", ELOOP);
	ALL_FAIL(long_name(256), ENAMETOOLONG);
	ALL_FAIL(long_name(1023), ENAMETOOLONG);
	ALL_FAIL(long_name(1025), ENAMETOOLONG);
	ALL_FAIL(long_name(4095), ENAMETOOLONG);
	ALL_FAIL(long_name(4096), ENAMETOOLONG);
	ALL_FAIL(padded("x", 4096), ENAMETOOLONG);
	ALL_FAIL(padded("x", 5000), ENAMETOOLONG);
	snprintf(path, sizeof(path), "%s/x", long_name(256));
	ALL_FAIL(path, ENAMETOOLONG);
	AS(&alice) {
		for (size_t i = 0; i < CALLS; i++)
			check_fails(__FILE__, __LINE__, calls[i].name,
				    calls[i].function("closed/file"), EACCES);
	}
	last_component();
	names_of_limit();
	TRUE(exists("file") && exists("spare") && exists("closed/file"));
}

/* One class's three bits against every question access(2) can be asked. */
static void access_class(const char *path, const struct who *who,
			 unsigned int shift)
{
	for (unsigned int bits = 0; bits < 8; bits++) {
		OK(chmod(path, bits << shift));
		AS(who) {
			for (int ask = 0; ask < 8; ask++) {
				if (((unsigned int)ask & ~bits) == 0)
					OK(access(path, ask));
				else
					FAILS(EACCES, access(path, ask));
			}
		}
	}
}

void test_access(void)
{
	make_file("file", 0644);
	give("file", &alice);
	make_dir("dir", 0755);
	give("dir", &alice);
	access_class("file", &alice, 6);
	access_class("file", &carol, 3);
	access_class("file", &bob, 0);
	access_class("dir", &alice, 6);
	access_class("dir", &dave, 3);
	access_class("dir", &bob, 0);

	OK(chmod("file", 0));
	OK(access("file", R_OK | W_OK));
	FAILS(EACCES, access("file", X_OK));
	OK(chmod("file", 0010));
	OK(access("file", X_OK));
	FAILS(EINVAL, access("file", 64));

	/* The owner's class decides, even where others have more. */
	OK(chmod("file", 0077));
	AS(&alice) {
		FAILS(EACCES, access("file", R_OK));
		FAILS(EACCES, open_close("file", O_RDONLY, 0));
	}
	OK(chmod("file", 0707));
	AS(&carol) {
		FAILS(EACCES, access("file", R_OK));
		FAILS(EACCES, open_close("file", O_RDONLY, 0));
	}
}
