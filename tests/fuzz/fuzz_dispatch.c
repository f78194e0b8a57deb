/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target: an input is a series of FUSE messages for one session over a
 * small file system of its own (a tmpfs in a private mount namespace where we are
 * root). Each record is
 *
 *   control (1 byte)  opcode (1)  length of the arguments (2, little-endian)  arguments
 *
 *   control & 0x0f    which known nodeid to use (0: the first 8 argument bytes)
 *   control & 0x10    put a known fh into the first 8 bytes of the arguments
 *   control & 0x20    the header's len is off by one
 *   control & 0x40    put a known fh at offset 16 (COPY_FILE_RANGE, RENAME's newdir: nodeid at 0)
 *   control & 0x80    the arguments are the whole message, header included
 *
 * Nodeids and fhs that replies give are remembered, so that deep states are reached.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KNOWN_MAX 16U
#define ARGS_MAX 4096U

struct fuzz {
	struct harness harness;
	uint64_t nodeids[KNOWN_MAX];
	uint64_t fhs[KNOWN_MAX];
	unsigned int nodeid_next;
	unsigned int fh_next;
};

static char source_dir[] = "/tmp/ferryfs-fuzz-XXXXXX";

static void remove_source(void)
{
	umount2(source_dir, MNT_DETACH);
	rmdir(source_dir);
}

/* Files stay small: what a message asks to allocate must not fill the disk. */
static void limit_files(void)
{
	struct rlimit limit = { .rlim_cur = 1U << 22, .rlim_max = 1U << 22 };

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void make_source(void)
{
	static int made;
	char path[sizeof(source_dir) + 16];
	int fd;

	if (!made) {
		made = 1;
		limit_files();
		if (!mkdtemp(source_dir))
			abort();
		atexit(remove_source);
		if (!unshare(CLONE_NEWNS))
			mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	}
	/* A fresh file system each time: inputs do not depend on each other. */
	umount2(source_dir, MNT_DETACH);
	mount("fuzz", source_dir, "tmpfs", 0, "size=8m,nr_inodes=512");
	snprintf(path, sizeof(path), "%s/file", source_dir);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, "content", 7) != 7)
		abort();
	close(fd);
	snprintf(path, sizeof(path), "%s/dir", source_dir);
	mkdir(path, 0755);
}

static void learn(struct fuzz *fuzz, uint32_t opcode)
{
	const struct harness *harness = &fuzz->harness;
	const uint8_t *body = harness->reply + sizeof(struct fuse_out_header);
	size_t bytes = harness->reply_bytes;

	if (bytes <= sizeof(struct fuse_out_header))
		return;
	bytes -= sizeof(struct fuse_out_header);
	if (bytes == sizeof(struct fuse_open_out) &&
	    (opcode == FUSE_OPEN || opcode == FUSE_OPENDIR))
		memcpy(&fuzz->fhs[fuzz->fh_next++ % KNOWN_MAX], body, 8);
	if (bytes >= sizeof(struct fuse_entry_out) && opcode != FUSE_READ &&
	    opcode != FUSE_READDIR && opcode != FUSE_READDIRPLUS)
		memcpy(&fuzz->nodeids[1 + fuzz->nodeid_next++ % (KNOWN_MAX - 1)],
		       body, 8);
	if (bytes == sizeof(struct fuse_entry_out) +
	    sizeof(struct fuse_open_out))
		memcpy(&fuzz->fhs[fuzz->fh_next++ % KNOWN_MAX],
		       body + sizeof(struct fuse_entry_out), 8);
}

static void send_record(struct fuzz *fuzz, uint8_t control, uint8_t opcode,
			uint8_t *args, size_t bytes)
{
	uint8_t message[sizeof(struct fuse_in_header) + ARGS_MAX];
	struct fuse_in_header header = {
		.len = (uint32_t)(sizeof(header) + bytes +
				  ((control & 0x20) ? 1 : 0)),
		.opcode = opcode,
		.nodeid = fuzz->nodeids[control & 0x0f],
		.unique = fuzz->harness.unique += 2,
		.pid = 1,
	};

	if (control & 0x80) {
		harness_send_raw(&fuzz->harness, args, bytes);
		return;
	}
	if (!(control & 0x0f) && bytes >= 8)
		memcpy(&header.nodeid, args, 8);
	if ((control & 0x10) && bytes >= 8)
		memcpy(args, &fuzz->fhs[control & 0x0f], 8);
	if ((control & 0x40) && bytes >= 24)
		memcpy(args + 16, &fuzz->fhs[control & 0x0f], 8);
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), args, bytes);
	harness_send_raw(&fuzz->harness, message, sizeof(header) + bytes);
	learn(fuzz, opcode);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz *fuzz = calloc(1, sizeof(*fuzz));
	unsigned int i;

	if (!fuzz)
		abort();
	make_source();
	harness_open(&fuzz->harness, source_dir);
	for (i = 0; i < KNOWN_MAX; i++)
		fuzz->nodeids[i] = FUSE_ROOT_ID;
	while (size >= 4) {
		uint8_t args[ARGS_MAX];
		size_t bytes = (size_t)data[2] | (size_t)data[3] << 8;

		bytes %= ARGS_MAX + 1;
		if (bytes > size - 4)
			bytes = size - 4;
		memcpy(args, data + 4, bytes);
		send_record(fuzz, data[0], data[1], args, bytes);
		data += 4 + bytes;
		size -= 4 + bytes;
	}
	harness_close(&fuzz->harness);
	free(fuzz);
	return 0;
}
