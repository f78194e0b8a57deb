/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How attributes, device numbers, timeouts and pieces of a reply look on the
 * wire: src/attr.c and src/op_out.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "ops.h"
#include "util.h"

static void test_dev(void **state)
{
	static const struct {
		uint32_t major, minor, wire;
	} rows[] = {
		{ 0, 0, 0 },
		{ 1, 3, 0x103 },
		{ 8, 255, 0x8ff },
		{ 8, 256, 0x100800 },
		{ 4095, 0xfffff, 0xffffffff },
	};
	uint32_t major, minor;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(attr_encode_dev(rows[i].major, rows[i].minor),
				 rows[i].wire);
		attr_decode_dev(rows[i].wire, &major, &minor);
		assert_int_equal(major, rows[i].major);
		assert_int_equal(minor, rows[i].minor);
	}
}

static void test_timeout(void **state)
{
	static const struct {
		uint64_t ns, sec;
		uint32_t nsec;
	} rows[] = {
		{ 0, 0, 0 },
		{ 1, 0, 1 },
		{ 1000000000, 1, 0 },
		{ 1500000000, 1, 500000000 },
		{ UINT64_MAX, 18446744073, 709551615 },
	};
	uint64_t sec;
	uint32_t nsec;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		timeout_split(rows[i].ns, &sec, &nsec);
		assert_int_equal(sec, rows[i].sec);
		assert_int_equal(nsec, rows[i].nsec);
	}
}

static void test_statx(void **state)
{
	struct statx stx = {
		.stx_ino = 1ULL << 40,
		.stx_size = 1ULL << 41,
		.stx_blocks = 7,
		.stx_mode = S_IFCHR | 04711,
		.stx_nlink = 3,
		.stx_uid = 1000,
		.stx_gid = 1001,
		.stx_rdev_major = 8,
		.stx_rdev_minor = 256,
		.stx_blksize = 512,
		.stx_atime = { .tv_sec = -2, .tv_nsec = 1 },
		.stx_mtime = { .tv_sec = 5, .tv_nsec = 2 },
		.stx_ctime = { .tv_sec = 6, .tv_nsec = 3 },
	};
	struct fuse_attr attr;

	(void)state;
	attr_from_statx(&stx, &attr);
	assert_int_equal(attr.ino, 1ULL << 40);
	assert_int_equal(attr.size, 1ULL << 41);
	assert_int_equal(attr.blocks, 7);
	assert_int_equal(attr.mode, S_IFCHR | 04711);
	assert_int_equal(attr.nlink, 3);
	assert_int_equal(attr.uid, 1000);
	assert_int_equal(attr.gid, 1001);
	assert_int_equal(attr.rdev, 0x100800);
	assert_int_equal(attr.blksize, 512);
	assert_int_equal((int64_t)attr.atime, -2);
	assert_int_equal(attr.atimensec, 1);
	assert_int_equal(attr.mtime, 5);
	assert_int_equal(attr.mtimensec, 2);
	assert_int_equal(attr.ctime, 6);
	assert_int_equal(attr.ctimensec, 3);
	assert_int_equal(attr.flags, 0);
}

#define ROOM_BYTES 96U

/* The same bytes in a reply in pieces and in one array, after random writes. */
static void test_out(void **state)
{
	const char *text = getenv("FERRYFS_SEED");
	unsigned int seed = text ? (unsigned int)strtoul(text, NULL, 0) : 1;
	uint8_t room[ROOM_BYTES], model[ROOM_BYTES], data[ROOM_BYTES];
	struct iovec iov[3] = {
		{ room, 10 }, { room + 10, 1 }, { room + 11, ROOM_BYTES - 11 },
	};
	struct request *req = calloc(1, sizeof(*req));
	unsigned int round;
	size_t at, bytes, i;

	(void)state;
	assert_non_null(req);
	printf("seed %u\n", seed);
	srandom(seed);
	req->out_iov = iov;
	req->out_iov_count = 3;
	memset(room, 0, sizeof(room));
	memset(model, 0, sizeof(model));
	for (round = 0; round < 10000; round++) {
		at = (size_t)random() % ROOM_BYTES;
		bytes = (size_t)random() % (ROOM_BYTES - at + 1);
		for (i = 0; i < bytes; i++)
			data[i] = (uint8_t)random();
		out_write(req, at, data, bytes);
		memcpy(model + at, data, bytes);
		assert_memory_equal(room, model, sizeof(room));
		memset(data, 0, sizeof(data));
		out_read(req, at, data, bytes);
		assert_memory_equal(data, model + at, bytes);
	}
	free(req);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dev),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_statx),
		cmocka_unit_test(test_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
