/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * posix-check [--native DIR] DIR [FAMILY...]: checks what POSIX and Linux promise of
 * a file system in DIR, as root and as other users. One line a failure; the count
 * at the end. --native names a directory of the file system behind a mount: what
 * that one cannot do is not asked. Exit code 0, 1 (something failed), 2 or 77.
 */
#include <ftw.h>
#include <grp.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "posix.h"

static const struct family {
	const char *name;
	void (*function)(void);
} families[] = {
	{ "paths", test_paths },
	{ "access", test_access },
	{ "open", test_open },
	{ "open_flags", test_open_flags },
	{ "open_race", test_open_race },
	{ "fsuid", test_fsuid },
	{ "tmpfile", test_tmpfile },
	{ "create_owner", test_create_owner },
	{ "mkdir", test_mkdir },
	{ "mknod", test_mknod },
	{ "special", test_special },
	{ "symlink", test_symlink },
	{ "link", test_link },
	{ "unlink", test_unlink },
	{ "rmdir", test_rmdir },
	{ "rename", test_rename },
	{ "rename_flags", test_rename_flags },
	{ "rename_dirs", test_rename_dirs },
	{ "sticky", test_sticky },
	{ "chmod", test_chmod },
	{ "chown", test_chown },
	{ "setid", test_setid },
	{ "truncate", test_truncate },
	{ "utimens", test_utimens },
	{ "times", test_times },
	{ "io_times", test_io_times },
	{ "acl", test_acl },
	{ "xattr", test_xattr },
	{ "xattr_spaces", test_xattr_spaces },
	{ "inode_flags", test_inode_flags },
	{ "unlinked", test_unlinked },
	{ "directory", test_directory },
	{ "directory_change", test_directory_change },
	{ "fallocate", test_fallocate },
	{ "seek", test_seek },
	{ "copy", test_copy },
	{ "read_write", test_read_write },
	{ "mmap", test_mmap },
	{ "direct", test_direct },
	{ "statvfs", test_statvfs },
	{ "locks", test_locks },
	{ "lock_wait", test_lock_wait },
	{ "flock", test_flock },
};

const struct who root = { .uid = 0, .gid = 0 };
const struct who alice = { .uid = 61001, .gid = 61001 };
const struct who bob = { .uid = 61002, .gid = 61002 };
const struct who carol = {
	.uid = 61003, .gid = 61003, .group_count = 1, .groups = { 61001 },
};
const struct who dave = {
	.uid = 61004, .gid = 61004, .group_count = 3,
	.groups = { 61001, 61002, 61003 },
};

static struct counters {
	atomic_uint checks;
	atomic_uint failed;
} *counters;

static pid_t main_pid;
static bool quiet;
static int native_fd = -1;

static bool count(bool good)
{
	if (!quiet) {
		atomic_fetch_add(&counters->checks, 1);
		if (!good)
			atomic_fetch_add(&counters->failed, 1);
	}
	return good || quiet;
}

static const char *base(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

long check_ok(const char *file, int line, const char *text, long result)
{
	int error = errno;

	if (!count(result != -1))
		printf("%s:%d: %s: expected success, got %s\n", base(file),
		       line, text, strerrorname_np(error));
	errno = error;
	return result;
}

void check_fails(const char *file, int line, const char *text, long result,
		 int want)
{
	int error = errno;

	if (!count(result == -1 && error == want)) {
		if (result == -1)
			printf("%s:%d: %s: expected %s, got %s\n", base(file),
			       line, text, strerrorname_np(want),
			       strerrorname_np(error));
		else
			printf("%s:%d: %s: expected %s, got %ld\n", base(file),
			       line, text, strerrorname_np(want), result);
	}
}

void check_eq(const char *file, int line, const char *text, long long seen,
	      long long want)
{
	if (!count(seen == want))
		printf("%s:%d: %s: expected %lld, got %lld\n", base(file), line,
		       text, want, seen);
}

void check_true(const char *file, int line, const char *text, bool seen)
{
	if (!count(seen))
		printf("%s:%d: %s: expected true\n", base(file), line, text);
}

void check_mode(const char *file, int line, const char *path, mode_t want)
{
	struct stat st;

	if (fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		check_ok(file, line, path, -1);
	else if (!count((st.st_mode & 07777) == want))
		printf("%s:%d: mode of %s: expected %04o, got %04o\n",
		       base(file), line, path, want, st.st_mode & 07777);
}

void check_owner(const char *file, int line, const char *path, uid_t uid,
		 gid_t gid)
{
	struct stat st;

	if (fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		check_ok(file, line, path, -1);
	else if (!count(st.st_uid == uid && st.st_gid == gid))
		printf("%s:%d: owner of %s: expected %u:%u, got %u:%u\n",
		       base(file), line, path, uid, gid, st.st_uid, st.st_gid);
}

void check_content(const char *file, int line, const char *path,
		   const char *want)
{
	char buffer[1024] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	if (fd >= 0) {
		got = read(fd, buffer, sizeof(buffer) - 1);
		close(fd);
	}
	if (got < 0)
		check_ok(file, line, path, -1);
	else if (!count((size_t)got == strlen(want) &&
			memcmp(buffer, want, (size_t)got) == 0))
		printf("%s:%d: content of %s: expected \"%s\", got \"%s\"\n",
		       base(file), line, path, want, buffer);
}

bool become(const struct who *who)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		OK(pid);
		return false;
	}
	if (pid == 0) {
		if (setgroups(who->group_count, who->groups) != 0 ||
		    setresgid(who->gid, who->gid, who->gid) != 0 ||
		    setresuid(who->uid, who->uid, who->uid) != 0) {
			perror("posix-check: setresuid");
			_exit(1);
		}
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		return true;
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		TRUE(!"a child acting as a user ended well");
	return false;
}

bool unbecome(void)
{
	fflush(stdout);
	_exit(0);
}

bool native(bool (*probe)(void))
{
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool can = false;

	if (here < 0 || fchdir(native_fd) != 0 || mkdir("probe", 0777) != 0 ||
	    chdir("probe") != 0) {
		perror("posix-check: native directory");
		exit(1);
	}
	quiet = true;
	can = probe();
	quiet = false;
	if (fchdir(native_fd) != 0 || system("rm -rf probe") != 0 ||
	    fchdir(here) != 0) {
		perror("posix-check: back from the native directory");
		exit(1);
	}
	close(here);
	return can;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *where)
{
	(void)where;
	if (S_ISDIR(st->st_mode) && type != FTW_DP)
		return 0;
	remove(path);
	return 0;
}

static void remove_tree(const char *path)
{
	nftw(path, remove_one, 32, FTW_PHYS | FTW_DEPTH);
	if (exists(path))
		printf("posix-check: %s could not be removed\n", path);
}

static int run(const struct family *family)
{
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct timespec begin, end;
	unsigned int failed = atomic_load(&counters->failed);
	char name[64];

	snprintf(name, sizeof(name), "posix-%d-%s", (int)getpid(),
		 family->name);
	if (mkdir(name, 0755) != 0 || chdir(name) != 0) {
		perror(name);
		return -1;
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	family->function();
	if (getpid() != main_pid)
		_exit(1);
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (fchdir(here) != 0) {
		perror("posix-check: fchdir");
		return -1;
	}
	close(here);
	remove_tree(name);
	if (getenv("POSIX_CHECK_TIMES"))
		printf("%-20s %5.2f s, %u failed\n", family->name,
		       (double)(end.tv_sec - begin.tv_sec) +
		       (double)(end.tv_nsec - begin.tv_nsec) / 1e9,
		       atomic_load(&counters->failed) - failed);
	fflush(stdout);
	return 0;
}

static int run_named(int count_named, char **names)
{
	size_t total = sizeof(families) / sizeof(families[0]);

	for (int i = 0; i < count_named; i++) {
		size_t j = 0;

		while (j < total && strcmp(families[j].name, names[i]) != 0)
			j++;
		if (j == total) {
			fprintf(stderr, "posix-check: no family %s\n", names[i]);
			return 2;
		}
		if (run(&families[j]) != 0)
			return 1;
	}
	for (size_t j = 0; count_named == 0 && j < total; j++)
		if (run(&families[j]) != 0)
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	const char *native_dir = NULL;
	char name[4096];
	int result;

	if (argc > 2 && strcmp(argv[1], "--native") == 0) {
		native_dir = argv[2];
		argc -= 2;
		argv += 2;
	}
	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for (size_t j = 0; j < sizeof(families) / sizeof(*families); j++)
			puts(families[j].name);
		return 0;
	}
	if (argc < 2) {
		fputs("usage: posix-check [--native DIR] DIR [FAMILY...]\n",
		      stderr);
		return 2;
	}
	if (geteuid() != 0) {
		puts("posix-check: needs root, to act as several users");
		return 77;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(0);
	main_pid = getpid();
	counters = mmap(NULL, sizeof(*counters), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(name, sizeof(name), "%s/posix-%d-native",
		 native_dir ? native_dir : argv[1], (int)getpid());
	if (counters == MAP_FAILED || mkdir(name, 0755) != 0) {
		perror("posix-check");
		return 1;
	}
	native_fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *native_path = realpath(name, NULL);

	if (chdir(argv[1]) != 0) {
		perror(argv[1]);
		return 1;
	}
	result = run_named(argc - 2, argv + 2);
	if (native_path) {
		rmdir(native_path);
		free(native_path);
	}
	printf("posix-check: %u checks, %u failed\n",
	       atomic_load(&counters->checks), atomic_load(&counters->failed));
	return result ? result : atomic_load(&counters->failed) != 0;
}
