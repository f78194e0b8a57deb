/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages that no kernel sends: what dispatch and the handlers refuse, over a
 * session without a kernel (tests/harness).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dispatch.h"
#include "inode.h"
#include "stats.h"
#include "tests/harness/harness.h"
#include "util.h"

static struct harness harness;
static char source[] = "/tmp/ferryfs-dispatch-XXXXXX";

static int setup(void **state)
{
	char path[64];
	int fd;

	(void)state;
	if (!mkdtemp(source))
		return -1;
	snprintf(path, sizeof(path), "%s/file", source);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, "0123456789", 10) != 10)
		return -1;
	close(fd);
	harness_open(&harness, source);
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	harness_close(&harness);
	snprintf(command, sizeof(command), "rm -rf -- %s", source);
	return system(command);
}

static uint64_t lookup(const char *name)
{
	struct fuse_entry_out entry;

	assert_int_equal(harness_send(&harness, FUSE_LOOKUP, FUSE_ROOT_ID, name,
				      strlen(name) + 1), 0);
	memcpy(&entry, harness_reply(&harness, sizeof(entry)), sizeof(entry));
	assert_int_not_equal(entry.nodeid, 0);
	return entry.nodeid;
}

static uint64_t open_file(uint64_t nodeid, uint32_t flags)
{
	struct fuse_open_in in = { .flags = flags };
	struct fuse_open_out out;

	assert_int_equal(harness_send(&harness, FUSE_OPEN, nodeid, &in,
				      sizeof(in)), 0);
	memcpy(&out, harness_reply(&harness, sizeof(out)), sizeof(out));
	return out.fh;
}

static int release(uint64_t nodeid, uint64_t fh)
{
	struct fuse_release_in in = { .fh = fh };

	return harness_send(&harness, FUSE_RELEASE, nodeid, &in, sizeof(in));
}

static void forget(uint64_t nodeid, uint64_t count)
{
	struct fuse_forget_in in = { .nlookup = count };

	assert_int_equal(harness_send(&harness, FUSE_FORGET, nodeid, &in,
				      sizeof(in)), 1);
}

/* Each opcode's message, one byte away from its fixed size, is refused. */
static void check_wrong_size(uint32_t opcode, int difference)
{
	static const uint8_t zeros[256];
	const struct operation *row = dispatch_operation(opcode);
	int error = harness_send(&harness, opcode, FUSE_ROOT_ID, zeros,
				 (size_t)(row->in_min + difference));

	assert_int_equal(error, row->flags & OP_NO_REPLY ? 1 : -EINVAL);
}

/* One byte less than each row's smallest message: never read beyond. */
static void every_short_message(void **state)
{
	uint32_t opcode;

	(void)state;
	for (opcode = 1; opcode < 64; opcode++) {
		const struct operation *row = dispatch_operation(opcode);

		if (row && row->in_min && opcode != FUSE_INIT)
			check_wrong_size(opcode, -1);
	}
}

/* And one byte more, where a message has nothing after its fixed part. */
static void every_long_message(void **state)
{
	uint32_t opcode;

	(void)state;
	for (opcode = 1; opcode < 64; opcode++) {
		const struct operation *row = dispatch_operation(opcode);

		if (row && (row->flags & OP_EXACT))
			check_wrong_size(opcode, 1);
	}
}

/* Only a message of bad form counts as malformed, not what the host refuses. */
static void malformed_are_counted(void **state)
{
	atomic_ullong *count = &harness.queue.stats->malformed;
	unsigned long long before = atomic_load(count);
	static const char rename[] = "\1\0\0\0\0\0\0\0file\0file/";

	(void)state;
	assert_int_equal(harness_send(&harness, FUSE_UNLINK, FUSE_ROOT_ID, "/",
				      2), -EINVAL);
	assert_int_equal(atomic_load(count), before + 1);
	assert_int_equal(harness_send(&harness, FUSE_RENAME, FUSE_ROOT_ID,
				      rename, sizeof(rename)), -EINVAL);
	assert_int_equal(atomic_load(count), before + 2);
	assert_int_equal(harness_send(&harness, FUSE_UNLINK, FUSE_ROOT_ID,
				      "none", 5), -ENOENT);
	assert_int_equal(atomic_load(count), before + 2);
}

/* Each flag of the protocol up to 7.45 has a row in the table of INIT. */
static void every_init_flag_is_decided(void **state)
{
	uint64_t known = session_known_flags();
	unsigned int bit;

	(void)state;
	for (bit = 0; bit <= 42; bit++)
		if (bit != 31)		/* INIT_RESERVED */
			assert_true(known & (1ULL << bit));
}

static void length_that_is_not_the_message(void **state)
{
	struct fuse_in_header header = {
		.len = sizeof(header) + 16,
		.opcode = FUSE_GETATTR,
		.nodeid = FUSE_ROOT_ID,
		.unique = 1000,
	};
	struct fuse_out_header out;

	(void)state;
	harness_send_raw(&harness, &header, sizeof(header));
	memcpy(&out, harness.reply, sizeof(out));
	assert_int_equal(out.error, -EINVAL);
	/* Too short for a header: nobody to answer to, and nothing breaks. */
	harness_send_raw(&harness, &header, 10);
	assert_int_equal(harness.reply_bytes, 0);
}

static void bad_names(void **state)
{
	static const struct {
		const char *bytes;
		size_t count;
		int error;
	} rows[] = {
		{ "file", 4, -EINVAL },
		{ "a/b\0", 4, -EINVAL },
		{ "\0", 1, -EINVAL },
		{ "..", 3, -EINVAL },
		{ ".", 2, -EINVAL },
		{ "none", 5, -ENOENT },
	};
	char name[258];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(harness_send(&harness, FUSE_UNLINK,
					      FUSE_ROOT_ID, rows[i].bytes,
					      rows[i].count), rows[i].error);
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	assert_int_equal(harness_send(&harness, FUSE_LOOKUP, FUSE_ROOT_ID, name,
				      257), -ENAMETOOLONG);
}

static void unknown_numbers(void **state)
{
	struct fuse_getattr_in getattr = { 0 };
	struct fuse_read_in read = { .fh = 0x123456789abcULL, .size = 10 };
	uint64_t file = lookup("file");

	(void)state;
	assert_int_equal(harness_send(&harness, FUSE_GETATTR, 0, &getattr,
				      sizeof(getattr)), -ESTALE);
	assert_int_equal(harness_send(&harness, FUSE_GETATTR, 0xffffffffffULL,
				      &getattr, sizeof(getattr)), -ESTALE);
	assert_int_equal(harness_send(&harness, FUSE_READ, file, &read,
				      sizeof(read)), -EBADF);
	assert_int_equal(harness_send(&harness, 99, FUSE_ROOT_ID, NULL, 0),
			 -ENOSYS);
	forget(file, 1);
	assert_int_equal(harness_send(&harness, FUSE_GETATTR, file, &getattr,
				      sizeof(getattr)), -ESTALE);
	/* More than there are, and of nobody: counted, not believed. */
	file = lookup("file");
	forget(file, 1ULL << 60);
	forget(file, 1);
	forget(0xdeadbeefULL, 1);
	assert_int_equal(harness_send(&harness, FUSE_GETATTR, FUSE_ROOT_ID,
				      &getattr, sizeof(getattr)), 0);
}

static void fh_of_another_file(void **state)
{
	uint64_t file = lookup("file");
	uint64_t fh = open_file(file, O_RDWR);
	struct fuse_read_in read = { .fh = fh, .size = 10 };

	(void)state;
	assert_int_equal(harness_send(&harness, FUSE_READ, FUSE_ROOT_ID, &read,
				      sizeof(read)), -EBADF);
	assert_int_equal(harness_send(&harness, FUSE_READDIR, file, &read,
				      sizeof(read)), -EBADF);
	assert_int_equal(release(file, fh), 0);
	assert_int_equal(release(file, fh), -EBADF);
	assert_int_equal(harness_send(&harness, FUSE_READ, file, &read,
				      sizeof(read)), -EBADF);
	forget(file, 1);
}

static void offsets_past_the_end_of_numbers(void **state)
{
	uint64_t file = lookup("file");
	uint64_t fh = open_file(file, O_RDWR);
	struct fuse_read_in read = {
		.fh = fh, .size = 10, .offset = (uint64_t)INT64_MAX + 1,
	};
	struct {
		struct fuse_write_in in;
		uint8_t data[10];
	} write = { .in = { .fh = fh, .size = 10,
			    .offset = (uint64_t)INT64_MAX + 1 } };
	struct fuse_fallocate_in fallocate = {
		.fh = fh, .offset = (uint64_t)INT64_MAX, .length = 10,
	};

	(void)state;
	assert_int_equal(harness_send(&harness, FUSE_READ, file, &read,
				      sizeof(read)), -EINVAL);
	assert_int_equal(harness_send(&harness, FUSE_WRITE, file, &write,
				      sizeof(write.in) + 10), -EINVAL);
	assert_in_range(-harness_send(&harness, FUSE_FALLOCATE, file, &fallocate,
				      sizeof(fallocate)), 1, 200);
	/* A size that is not what came, both ways. */
	write.in.offset = 0;
	write.in.size = 11;
	assert_int_equal(harness_send(&harness, FUSE_WRITE, file, &write,
				      sizeof(write.in) + 10), -EINVAL);
	write.in.size = 9;
	assert_int_equal(harness_send(&harness, FUSE_WRITE, file, &write,
				      sizeof(write.in) + 10), -EINVAL);
	read.offset = 0;
	read.size = UINT32_MAX;
	assert_int_equal(harness_send(&harness, FUSE_READ, file, &read,
				      sizeof(read)), -EINVAL);
	assert_int_equal(release(file, fh), 0);
	forget(file, 1);
}

/* Modes that Linux's client keeps to itself reach the host by message. */
static void fallocate_of_every_mode(void **state)
{
	uint64_t file = lookup("file");
	uint64_t fh = open_file(file, O_RDWR);
	struct fuse_fallocate_in in = { .fh = fh, .length = 1U << 20 };
	struct stat stat;
	char path[64];

	(void)state;
	assert_int_equal(harness_send(&harness, FUSE_FALLOCATE, file, &in,
				      sizeof(in)), 0);
	in.mode = FALLOC_FL_COLLAPSE_RANGE;
	in.length = 1U << 16;
	assert_int_equal(harness_send(&harness, FUSE_FALLOCATE, file, &in,
				      sizeof(in)), 0);
	snprintf(path, sizeof(path), "%s/file", source);
	assert_int_equal(lstat(path, &stat), 0);
	assert_int_equal(stat.st_size, (1U << 20) - (1U << 16));
	in.mode = 0x4000;
	assert_int_equal(harness_send(&harness, FUSE_FALLOCATE, file, &in,
				      sizeof(in)), -EOPNOTSUPP);
	assert_int_equal(release(file, fh), 0);
	forget(file, 1);
}

static void batch_forget_that_does_not_add_up(void **state)
{
	struct {
		struct fuse_batch_forget_in in;
		struct fuse_forget_one one[2];
	} batch = { .in = { .count = 1000 } };
	uint64_t file = lookup("file");
	struct fuse_getattr_in getattr = { 0 };

	(void)state;
	batch.one[0].nodeid = file;
	batch.one[0].nlookup = 1;
	assert_int_equal(harness_send(&harness, FUSE_BATCH_FORGET, 0, &batch,
				      sizeof(batch)), 1);
	assert_int_equal(harness_send(&harness, FUSE_GETATTR, file, &getattr,
				      sizeof(getattr)), 0);
	batch.in.count = 2;
	batch.one[1].nodeid = 77;
	batch.one[1].nlookup = 3;
	assert_int_equal(harness_send(&harness, FUSE_BATCH_FORGET, 0, &batch,
				      sizeof(batch)), 1);
	assert_int_equal(harness_send(&harness, FUSE_GETATTR, file, &getattr,
				      sizeof(getattr)), -ESTALE);
}

/* No answer: it is kept for a request that may be on its way. */
static void interrupt_of_nobody(void **state)
{
	struct fuse_interrupt_in in = { .unique = 424242 };

	(void)state;
	assert_int_equal(harness_send(&harness, FUSE_INTERRUPT, 0, &in,
				      sizeof(in)), 1);
}

static void early_interrupt_finds_its_request(void **state)
{
	struct request *req = calloc(1, sizeof(*req));
	struct inflight *inflight;

	(void)state;
	assert_int_equal(inflight_create(&inflight), 0);
	inflight_interrupt(inflight, 1000);
	inflight_interrupt(inflight, 1512);	/* the same bucket */
	req->in.unique = 1000;
	inflight_add(inflight, req);
	assert_int_equal(inflight_interruptible(inflight, req, NULL), -EINTR);
	inflight_remove(inflight, req);
	/* It was meant for that one alone. */
	req->in.unique = 2024;
	inflight_add(inflight, req);
	assert_int_equal(inflight_interruptible(inflight, req, NULL), 0);
	inflight_remove(inflight, req);
	inflight_destroy(inflight);
	free(req);
}

static void second_init_is_refused(void **state)
{
	struct fuse_init_in in = {
		.major = FUSE_KERNEL_VERSION, .minor = WIRE_MINOR,
	};

	(void)state;
	assert_int_equal(harness_send(&harness, FUSE_INIT, 0, &in, sizeof(in)),
			 -EINVAL);
}

/* The root's parent is the root: export's LOOKUP of ".." never leaves. */
static void dot_dot_stays_inside(void **state)
{
	assert_true(session_has(harness.session, FUSE_EXPORT_SUPPORT));
	(void)state;
	assert_int_equal(lookup(".."), FUSE_ROOT_ID);
	assert_int_equal(lookup("."), FUSE_ROOT_ID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_short_message),
		cmocka_unit_test(every_long_message),
		cmocka_unit_test(malformed_are_counted),
		cmocka_unit_test(every_init_flag_is_decided),
		cmocka_unit_test(length_that_is_not_the_message),
		cmocka_unit_test(bad_names),
		cmocka_unit_test(unknown_numbers),
		cmocka_unit_test(fh_of_another_file),
		cmocka_unit_test(offsets_past_the_end_of_numbers),
		cmocka_unit_test(fallocate_of_every_mode),
		cmocka_unit_test(batch_forget_that_does_not_add_up),
		cmocka_unit_test(interrupt_of_nobody),
		cmocka_unit_test(early_interrupt_finds_its_request),
		cmocka_unit_test(second_init_is_refused),
		cmocka_unit_test(dot_dot_stays_inside),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
