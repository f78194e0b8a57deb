/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Becoming callers and coming back, as root and in a scratch directory: owners
 * of new files, groups, capabilities, umask, and that a caller like the server
 * costs nothing. Skipped where the test is not root.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "creds.h"
#include "creds_caller.h"

static char scratch[64];
static int scratch_fd;

/* All of the configuration that creds looks at. */
static const struct config config_unchecked = { .privileged = true };
static const struct config config_checked = {
	.privileged = true,
	.check_permissions = true,
	.default_permissions_on = true,
};
/* Without allow_other. */
static const struct config config_only_root = {
	.privileged = true,
	.check_permissions = true,
};
static const struct config config_user = { .check_permissions = false };

static uint64_t effective_caps(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	assert_int_equal(syscall(SYS_capget, &header, caps), 0);
	return (uint64_t)caps[1].effective << 32 | caps[0].effective;
}

static bool has_cap(int cap)
{
	return effective_caps() >> cap & 1;
}

static void assert_server(uint64_t caps)
{
	assert_int_equal(geteuid(), 0);
	assert_int_equal(getegid(), 0);
	assert_int_equal(setfsuid((uid_t)-1), 0);
	assert_int_equal(setfsgid((gid_t)-1), 0);
	assert_int_equal(syscall(SYS_getgroups, 0, NULL), 0);
	assert_true(effective_caps() == caps);
}

static void test_create_owner(void **state)
{
	struct caller caller = { .uid = 1234, .gid = 2345 };
	const uint64_t caps = effective_caps();
	struct creds_scope scope;
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(creds_enter_create(&config_checked, &caller, &scope),
			 0);
	assert_false(has_cap(CAP_FSETID));
	assert_false(has_cap(CAP_SYS_RESOURCE));
	assert_false(has_cap(CAP_CHOWN));
	fd = openat(scratch_fd, "owned", O_CREAT | O_EXCL | O_RDWR, 0644);
	creds_leave(&scope);
	assert_server(caps);
	/* The scratch directory is root's, 0700: the kernel had checked. */
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_uid, 1234);
	assert_int_equal(st.st_gid, 2345);
	assert_int_equal(st.st_mode & 07777, 0644);
	close(fd);
}

static void test_create_group(void **state)
{
	struct caller caller = {
		.uid = 1234, .gid = 2345, .has_group = true, .group = 3456,
	};
	const uint64_t caps = effective_caps();
	struct creds_scope scope;
	gid_t group;

	(void)state;
	assert_int_equal(creds_enter_create(&config_checked, &caller, &scope),
			 0);
	assert_int_equal(syscall(SYS_getgroups, 1, &group), 1);
	assert_int_equal(group, 3456);
	assert_int_equal(getegid(), 2345);
	creds_leave(&scope);
	assert_server(caps);
}

static void test_root_changes_nothing(void **state)
{
	struct caller caller = { .uid = 0, .gid = 0 };
	struct creds_scope scope;

	(void)state;
	assert_int_equal(creds_enter_create(&config_checked, &caller, &scope),
			 0);
	assert_false(scope.uid || scope.gid || scope.groups);
	creds_leave(&scope);
	caller.gid = 77;
	assert_int_equal(creds_enter_create(&config_checked, &caller, &scope),
			 0);
	assert_false(scope.uid || scope.groups);
	assert_int_equal(getegid(), 77);
	creds_leave(&scope);
	assert_int_equal(getegid(), 0);
}

static void test_checked(void **state)
{
	struct caller caller = { .uid = 1234, .gid = 2345 };
	const uint64_t caps = effective_caps();
	struct creds_scope scope;
	int fd;

	(void)state;
	assert_int_equal(creds_enter_checked(&config_checked, &caller, &scope), 0);
	assert_server(caps);
	creds_leave(&scope);
	assert_int_equal(
		creds_enter_checked(&config_unchecked, &caller, &scope), 0);
	assert_true(effective_caps() == 0);
	fd = openat(scratch_fd, "refused", O_CREAT | O_RDWR, 0644);
	assert_int_equal(fd, -1);
	assert_int_equal(errno, EACCES);
	creds_leave(&scope);
	assert_server(caps);
}

static void test_is_checked(void **state)
{
	static const struct {
		const struct config *config;
		uid_t uid;
		bool checked;
	} cases[] = {
		{ &config_unchecked, 0, true },
		{ &config_unchecked, 1234, true },
		{ &config_checked, 0, false },
		{ &config_checked, 1234, false },
		{ &config_only_root, 0, false },
		{ &config_only_root, 1234, true },
		{ &config_user, 0, false },
		{ &config_user, 1234, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct caller caller = { .uid = cases[i].uid };

		assert_int_equal(caller_is_checked(cases[i].config, &caller),
				 cases[i].checked);
	}
}

/* Where only root gets in: one who is root but for files creates as that user. */
static void test_only_root(void **state)
{
	struct caller caller = { .uid = 1234, .gid = 2345 };
	const uint64_t caps = effective_caps();
	struct creds_scope scope;

	(void)state;
	assert_int_equal(creds_enter_create(&config_only_root, &caller, &scope),
			 0);
	assert_true(effective_caps() == 0);
	creds_leave(&scope);
	assert_server(caps);
	assert_int_equal(creds_enter_checked(&config_only_root, &caller, &scope),
			 0);
	assert_true(effective_caps() == 0);
	creds_leave(&scope);
	assert_server(caps);
}

/* An id that means "as it was" is nobody's. */
static void test_no_ids(void **state)
{
	static const struct caller callers[] = {
		{ .uid = UINT32_MAX, .gid = 2345 },
		{ .uid = 1234, .gid = UINT32_MAX },
	};
	const uint64_t caps = effective_caps();
	struct creds_scope scope;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(creds_enter_create(&config_checked, &callers[i],
						    &scope), -EOVERFLOW);
		assert_int_equal(creds_enter_checked(&config_unchecked,
						     &callers[i], &scope),
				 -EOVERFLOW);
		assert_server(caps);
	}
}

static void test_io_plain(void **state)
{
	const uint64_t caps = effective_caps();
	struct creds_scope scope;
	struct stat st;
	int fd;

	(void)state;
	fd = openat(scratch_fd, "suid", O_CREAT | O_EXCL | O_RDWR, 0755);
	assert_true(fd >= 0);
	assert_int_equal(fchown(fd, 1234, 2345), 0);
	assert_int_equal(fchmod(fd, 06755), 0);
	assert_int_equal(creds_enter_io(IO_CREDS_SERVER, &scope), 0);
	assert_int_equal(pwrite(fd, "a", 1, 0), 1);
	creds_leave(&scope);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 06755);
	assert_int_equal(creds_enter_io(IO_CREDS_PLAIN, &scope), 0);
	assert_int_not_equal(geteuid(), 0);
	assert_true(effective_caps() == 0);
	assert_int_equal(pwrite(fd, "b", 1, 0), 1);
	creds_leave(&scope);
	assert_server(caps);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	close(fd);
}

static void test_umask(void **state)
{
	struct stat st;
	int fd;

	(void)state;
	creds_set_umask(027);
	fd = openat(scratch_fd, "masked", O_CREAT | O_EXCL | O_RDWR, 0666);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	close(fd);
	creds_set_umask(0);
	assert_int_equal(umask(0), 0);
}

/* Other threads keep what they are while one is somebody else. */
struct other {
	pthread_barrier_t inside, seen;
	uid_t euid;
};

static void *other_thread(void *arg)
{
	struct other *other = arg;

	pthread_barrier_wait(&other->inside);
	other->euid = geteuid();
	pthread_barrier_wait(&other->seen);
	return NULL;
}

static void test_other_threads(void **state)
{
	struct caller caller = { .uid = 1234, .gid = 2345 };
	struct other other = { .euid = 1 };
	struct creds_scope scope;
	pthread_t thread;

	(void)state;
	pthread_barrier_init(&other.inside, NULL, 2);
	pthread_barrier_init(&other.seen, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, other_thread, &other), 0);
	assert_int_equal(creds_enter_create(&config_checked, &caller, &scope),
			 0);
	pthread_barrier_wait(&other.inside);
	pthread_barrier_wait(&other.seen);
	assert_int_equal(geteuid(), 1234);
	creds_leave(&scope);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(other.euid, 0);
	pthread_barrier_destroy(&other.inside);
	pthread_barrier_destroy(&other.seen);
}

/* The kernel has not checked: a creation is refused where it must be. */
static void test_create_unchecked(void **state)
{
	struct caller caller = { .uid = 1234, .gid = 2345 };
	struct creds_scope scope;

	(void)state;
	creds_init(true, false);
	assert_int_equal(creds_enter_create(&config_checked, &caller, &scope),
			 0);
	assert_true(effective_caps() == 0);
	assert_int_equal(openat(scratch_fd, "refused", O_CREAT | O_RDWR, 0644),
			 -1);
	assert_int_equal(errno, EACCES);
	creds_leave(&scope);
	creds_init(true, true);
}

static void test_unprivileged(void **state)
{
	struct caller caller = { .uid = 1234, .gid = 2345 };
	const uint64_t caps = effective_caps();
	struct creds_scope scope;

	(void)state;
	creds_init(false, false);
	assert_int_equal(creds_enter_create(&config_checked, &caller, &scope),
			 0);
	assert_server(caps);
	creds_leave(&scope);
	assert_int_equal(creds_enter_io(IO_CREDS_PLAIN, &scope), 0);
	assert_server(caps);
	creds_leave(&scope);
	creds_init(true, true);
}

/* A child with many groups and without privileges, looked at from here. */
static void test_caller(void **state)
{
	enum { GROUPS = 3000 };
	struct caller caller = { .uid = 1234, .gid = 2345 };
	int ready[2], go[2];
	gid_t *groups = NULL;
	char byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	caller.pid = fork();
	if (caller.pid == 0) {
		static gid_t list[GROUPS];

		for (int i = 0; i < GROUPS; i++)
			list[i] = 100000U + (gid_t)i;
		if (setgroups(GROUPS, list) || setresuid(1234, 1234, 1234))
			_exit(1);
		if (write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(caller_groups(&caller, &groups), GROUPS);
	for (int i = 0; i < GROUPS; i++)
		assert_int_equal(groups[i], 100000 + i);
	free(groups);
	assert_false(caller_capable(&caller, CAP_FSETID));
	assert_int_equal(write(go[1], "g", 1), 1);
	assert_int_equal(waitpid(caller.pid, NULL, 0), caller.pid);

	/* Gone: nothing can be known of it. */
	assert_int_equal(caller_groups(&caller, &groups), 0);
	assert_false(caller_capable(&caller, CAP_FSETID));
	caller.pid = 0;
	assert_int_equal(caller_groups(&caller, &groups), 0);

	caller = (struct caller){ .pid = getpid() };
	assert_true(caller_capable(&caller, CAP_SETUID));
	assert_true(caller_at_home(&caller));
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(go[i]);
	}
}

static int set_up(void **state)
{
	(void)state;
	snprintf(scratch, sizeof(scratch), "/tmp/test_creds.XXXXXX");
	if (!mkdtemp(scratch))
		return -1;
	scratch_fd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (scratch_fd < 0)
		return -1;
	creds_init(true, true);
	return creds_thread_init();
}

static int tear_down(void **state)
{
	static const char *const names[] = { "owned", "suid", "masked" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(scratch_fd, names[i], 0);
	close(scratch_fd);
	return rmdir(scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_owner),
		cmocka_unit_test(test_create_group),
		cmocka_unit_test(test_root_changes_nothing),
		cmocka_unit_test(test_checked),
		cmocka_unit_test(test_is_checked),
		cmocka_unit_test(test_only_root),
		cmocka_unit_test(test_no_ids),
		cmocka_unit_test(test_io_plain),
		cmocka_unit_test(test_umask),
		cmocka_unit_test(test_other_threads),
		cmocka_unit_test(test_create_unchecked),
		cmocka_unit_test(test_unprivileged),
		cmocka_unit_test(test_caller),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "skip: this test needs root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
