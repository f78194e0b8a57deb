/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups and capabilities of a caller, out of /proc/TID/task/TID/status. Nothing
 * is cached: who asks waits for the answer, so its id cannot have become
 * another's, while a cache would have to look at the start time in /proc to be as
 * sure, which costs as much as the groups do, and would miss setgroups(2).
 */
#include "creds_caller.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A line with NGROUPS_MAX groups fits: 11 characters each, and the rest. */
#define STATUS_BYTES_FIRST 4096U
#define STATUS_BYTES_MAX (NGROUPS_MAX * 11U + 8192U)

/* The whole of the caller's status as a string in *ret (freed by the caller). */
static int read_status(pid_t pid, char **ret)
{
	size_t size = STATUS_BYTES_FIRST;
	size_t used = 0;
	char path[64];
	char *text = NULL;
	ssize_t got;
	int error;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (;;) {
		char *larger = realloc(text, size);

		error = -ENOMEM;
		if (!larger)
			goto out_free;
		text = larger;
		got = read(fd, text + used, size - used - 1);
		if (got < 0 && errno == EINTR)
			continue;
		error = got < 0 ? -errno : 0;
		if (got <= 0)
			break;
		used += (size_t)got;
		if (size - used > 1)
			continue;
		error = -EOVERFLOW;
		if (size > STATUS_BYTES_MAX)
			goto out_free;
		size *= 2;
	}
	if (error)
		goto out_free;
	text[used] = '\0';
	close(fd);
	*ret = text;
	return 0;

out_free:
	free(text);
	close(fd);
	return error;
}

/* What follows NAME (colon included) at the beginning of a line, or NULL. */
static const char *status_field(const char *text, const char *name)
{
	size_t length = strlen(name);

	while (text) {
		if (strncmp(text, name, length) == 0)
			return text + length;
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return NULL;
}

static unsigned int count_words(const char *line)
{
	unsigned int count = 0;
	bool inside = false;

	for (; *line && *line != '\n'; line++) {
		bool blank = *line == ' ' || *line == '\t';

		if (!blank && !inside)
			count++;
		inside = !blank;
	}
	return count;
}

int caller_groups(const struct caller *caller, gid_t **ret)
{
	const char *line;
	gid_t *groups;
	char *status;
	unsigned int count;
	int error;

	if (caller->pid <= 0)
		return 0;
	error = read_status(caller->pid, &status);
	if (error == -ENOENT || error == -ESRCH)
		return 0;
	if (error)
		return error;
	line = status_field(status, "Groups:");
	count = line ? count_words(line) : 0;
	error = 0;
	if (count == 0 || count > NGROUPS_MAX)
		goto out_free_status;
	error = -ENOMEM;
	groups = calloc(count, sizeof(*groups));
	if (!groups)
		goto out_free_status;
	for (unsigned int i = 0; i < count; i++) {
		char *end;

		groups[i] = (gid_t)strtoul(line, &end, 10);
		line = end;
	}
	*ret = groups;
	error = (int)count;

out_free_status:
	free(status);
	return error;
}

static uint64_t status_mask(const char *status, const char *name)
{
	const char *field = status_field(status, name);

	return field ? strtoull(field, NULL, 16) : 0;
}

bool caller_dying(const struct caller *caller)
{
	uint64_t pending;
	char *status;

	if (caller->pid <= 0 || read_status(caller->pid, &status))
		return false;
	pending = status_mask(status, "SigPnd:") | status_mask(status, "ShdPnd:");
	free(status);
	return pending >> (SIGKILL - 1) & 1;
}

/* Capabilities count only in the namespace that they were got in. */
static bool same_user_namespace(pid_t pid)
{
	struct stat mine, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	if (stat(path, &theirs) || stat("/proc/self/ns/user", &mine))
		return false;
	return mine.st_dev == theirs.st_dev && mine.st_ino == theirs.st_ino;
}

bool caller_at_home(const struct caller *caller)
{
	if (caller->pid <= 0)
		return caller->uid == 0;
	return same_user_namespace(caller->pid);
}

bool caller_capable(const struct caller *caller, int capability)
{
	char *status;
	bool capable;

	if (caller->pid <= 0 || read_status(caller->pid, &status))
		return caller->uid == 0;
	capable = status_mask(status, "CapEff:") >> capability & 1;
	free(status);
	return capable && same_user_namespace(caller->pid);
}
