/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * no_uring COMMAND [ARGUMENT...]: runs it where io_uring is forbidden, as a
 * container's seccomp filter does.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int err;

	if (argc < 2) {
		fprintf(stderr, "usage: no_uring COMMAND [ARGUMENT...]\n");
		return 2;
	}
	if (!filter)
		return 1;
	err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
			       SCMP_SYS(io_uring_setup), 0);
	if (!err)
		err = seccomp_load(filter);
	if (err) {
		fprintf(stderr, "no_uring: seccomp: %s\n", strerror(-err));
		return 1;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 1;
}
