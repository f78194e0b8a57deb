/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoding of FUSE messages: what is refused, and that nothing beyond a message is
 * looked at (each is put at the end of an allocation of its size, for ASan).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util.h"
#include "wire.h"

static struct wire_args args_of(const void *bytes, size_t count)
{
	uint8_t *copy = test_malloc(count ? count : 1);

	memcpy(copy, bytes, count);
	return (struct wire_args){ .next = copy, .left = count };
}

static int take_name(const char *bytes, size_t count)
{
	struct wire_args args = args_of(bytes, count);
	void *memory = (void *)args.next;
	const char *name;
	int err = wire_take_name(&args, &name);

	test_free(memory);
	return err;
}

static void names(void **state)
{
	char longest[257];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[255] = '\0';
	assert_int_equal(take_name("a\0", 2), 0);
	assert_int_equal(take_name(longest, 256), 0);
	longest[255] = 'x';
	longest[256] = '\0';
	assert_int_equal(take_name(longest, 257), -ENAMETOOLONG);
	assert_int_equal(take_name("", 0), WIRE_MALFORMED);
	assert_int_equal(take_name("abc", 3), WIRE_MALFORMED);
	assert_int_equal(take_name("\0", 1), WIRE_MALFORMED);
	assert_int_equal(take_name("a/b\0", 4), WIRE_MALFORMED);
	assert_int_equal(take_name("/\0", 2), WIRE_MALFORMED);
	assert_int_equal(take_name(".\0", 2), WIRE_MALFORMED);
	assert_int_equal(take_name("..\0", 3), WIRE_MALFORMED);
	assert_int_equal(take_name("...\0", 4), 0);
}

static void take_more_than_there_is(void **state)
{
	struct wire_args args = args_of("12345678", 8);
	void *memory = (void *)args.next;

	(void)state;
	assert_null(wire_take(&args, 9));
	assert_non_null(wire_take(&args, 8));
	assert_non_null(wire_take(&args, 0));
	assert_null(wire_take(&args, 1));
	assert_null(wire_take(&args, SIZE_MAX));
	test_free(memory);
}

/* A message's tail as Linux builds it: each extension padded to 8 bytes. */
struct tail {
	uint8_t bytes[256];
	size_t used;
};

static void add_u32(struct tail *tail, uint32_t value)
{
	memcpy(tail->bytes + tail->used, &value, sizeof(value));
	tail->used += sizeof(value);
}

static void add_bytes(struct tail *tail, const void *bytes, size_t count)
{
	memcpy(tail->bytes + tail->used, bytes, count);
	tail->used += count;
}

static void pad(struct tail *tail)
{
	while (tail->used % 8)
		tail->bytes[tail->used++] = 0;
}

/* What *ret points to is gone afterwards. */
static int parse(const struct tail *tail, size_t prefix,
		 struct wire_extensions *ret, size_t *left)
{
	struct fuse_in_header header = { 0 };
	struct wire_args args = args_of(tail->bytes, tail->used);
	void *memory = (void *)args.next;
	int err;

	header.total_extlen = (uint16_t)((tail->used - prefix) / 8);
	err = wire_take_extensions(&header, &args, ret);
	*left = args.left;
	test_free(memory);
	return err;
}

static void extensions(void **state)
{
	struct wire_extensions ret;
	struct tail tail = { .used = 0 };
	size_t left;

	(void)state;
	add_bytes(&tail, "name\0\0\0\0", 8);
	/* A group: header, count, one gid, padding. */
	add_u32(&tail, 16);
	add_u32(&tail, WIRE_EXT_GROUPS);
	add_u32(&tail, 1);
	add_u32(&tail, 4711);
	pad(&tail);
	/* A security context: header {size, count}, {size, 0}, name, value. */
	add_u32(&tail, 8 + 8 + 17 + 6);
	add_u32(&tail, 1);
	add_u32(&tail, 6);
	add_u32(&tail, 0);
	add_bytes(&tail, "security.selinux", 17);
	add_bytes(&tail, "label", 6);
	pad(&tail);
	assert_int_equal(parse(&tail, 8, &ret, &left), 0);
	assert_int_equal(left, 8);
	assert_true(ret.has_group);
	assert_int_equal(ret.group, 4711);
	assert_int_equal(ret.secctx_bytes, 6);
	assert_non_null(ret.secctx_name);
}

static void bad_extensions(void **state)
{
	struct wire_extensions ret;
	struct fuse_in_header header = { .total_extlen = 2 };
	struct wire_args args = { .next = (const uint8_t *)"12345678", .left = 8 };
	struct tail tail = { .used = 0 };
	size_t left;

	(void)state;
	/* More than the message holds. */
	assert_int_equal(wire_take_extensions(&header, &args, &ret), WIRE_MALFORMED);
	/* A size below the header's, and one beyond the end. */
	add_u32(&tail, 7);
	add_u32(&tail, WIRE_EXT_GROUPS);
	assert_int_equal(parse(&tail, 0, &ret, &left), WIRE_MALFORMED);
	tail.used = 0;
	add_u32(&tail, 64);
	add_u32(&tail, WIRE_EXT_GROUPS);
	assert_int_equal(parse(&tail, 0, &ret, &left), WIRE_MALFORMED);
	/* Two groups; a group that is not there. */
	tail.used = 0;
	add_u32(&tail, 16);
	add_u32(&tail, WIRE_EXT_GROUPS);
	add_u32(&tail, 2);
	add_u32(&tail, 0);
	assert_int_equal(parse(&tail, 0, &ret, &left), WIRE_MALFORMED);
	tail.used = 0;
	add_u32(&tail, 8);
	add_u32(&tail, WIRE_EXT_GROUPS);
	assert_int_equal(parse(&tail, 0, &ret, &left), WIRE_MALFORMED);
	/* A context whose value is larger than its extension. */
	tail.used = 0;
	add_u32(&tail, 24);
	add_u32(&tail, 1);
	add_u32(&tail, 1000);
	add_u32(&tail, 0);
	add_bytes(&tail, "a\0\0\0\0\0\0\0", 8);
	assert_int_equal(parse(&tail, 0, &ret, &left), WIRE_MALFORMED);
}

static void names_of_opcodes(void **state)
{
	(void)state;
	assert_string_equal(wire_opcode_name(FUSE_LOOKUP), "LOOKUP");
	assert_string_equal(wire_opcode_name(FUSE_COPY_FILE_RANGE_64),
			    "COPY_FILE_RANGE_64");
	assert_string_equal(wire_opcode_name(9999), "op9999");
	assert_string_equal(wire_opcode_name(7), "op7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(take_more_than_there_is),
		cmocka_unit_test(extensions),
		cmocka_unit_test(bad_extensions),
		cmocka_unit_test(names_of_opcodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
