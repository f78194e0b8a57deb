/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoding of FUSE messages: see wire.h. Every length is checked against what is
 * left before it is used; nothing is modified.
 */
#include "wire.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

const void *wire_take(struct wire_args *args, size_t bytes)
{
	const void *taken = args->next;

	if (bytes > args->left)
		return NULL;
	args->next += bytes;
	args->left -= bytes;
	return taken;
}

int wire_take_string(struct wire_args *args, const char **ret)
{
	const uint8_t *end = NULL;

	if (args->left)
		end = memchr(args->next, '\0', args->left);
	if (!end)
		return WIRE_MALFORMED;
	*ret = (const char *)args->next;
	args->left -= (size_t)(end - args->next) + 1;
	args->next = end + 1;
	return 0;
}

int wire_take_lookup_name(struct wire_args *args, const char **ret)
{
	const char *name;
	size_t length;
	int err;

	err = wire_take_string(args, &name);
	if (err)
		return err;
	length = strlen(name);
	if (!length || memchr(name, '/', length))
		return WIRE_MALFORMED;
	if (length > NAME_MAX)
		return -ENAMETOOLONG;
	*ret = name;
	return 0;
}

int wire_take_name(struct wire_args *args, const char **ret)
{
	const char *name;
	int err;

	err = wire_take_lookup_name(args, &name);
	if (err)
		return err;
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return WIRE_MALFORMED;
	*ret = name;
	return 0;
}

/*
 * One security context after its header: struct fuse_secctx {size, padding}, the
 * name with its terminator, size bytes of value, padding to 8 bytes.
 */
static int take_secctx(struct wire_args *body, struct wire_extensions *ret)
{
	struct fuse_secctx context;
	const char *name;
	const void *value;
	const void *taken = wire_take(body, sizeof(context));
	int err;

	if (!taken)
		return WIRE_MALFORMED;
	memcpy(&context, taken, sizeof(context));
	err = wire_take_string(body, &name);
	if (err)
		return err;
	value = wire_take(body, context.size);
	if (!value)
		return WIRE_MALFORMED;
	if (!ret->secctx_name && context.size) {
		ret->secctx_name = name;
		ret->secctx_value = value;
		ret->secctx_bytes = context.size;
	}
	return 0;
}

static int take_groups(struct wire_args *body, struct wire_extensions *ret)
{
	uint32_t count, group;
	const void *taken = wire_take(body, sizeof(count));

	if (!taken)
		return WIRE_MALFORMED;
	memcpy(&count, taken, sizeof(count));
	/* Linux sends at most the one that matters: the directory's group. */
	if (count > 1)
		return WIRE_MALFORMED;
	if (!count)
		return 0;
	taken = wire_take(body, sizeof(group));
	if (!taken)
		return WIRE_MALFORMED;
	memcpy(&group, taken, sizeof(group));
	ret->has_group = true;
	ret->group = group;
	return 0;
}

static int take_extension(struct wire_args *extensions,
			  struct wire_extensions *ret)
{
	struct wire_ext_header head;
	struct wire_args body;
	const void *taken;

	if (extensions->left < sizeof(head))
		return WIRE_MALFORMED;
	memcpy(&head, extensions->next, sizeof(head));
	if (head.size < sizeof(head) || head.size > extensions->left)
		return WIRE_MALFORMED;
	taken = wire_take(extensions, head.size);
	body.next = (const uint8_t *)taken + sizeof(head);
	body.left = head.size - sizeof(head);
	/* Each extension is padded to 8 bytes; the size may leave that out. */
	if (head.size % 8)
		wire_take(extensions, 8 - head.size % 8);
	if (head.type == WIRE_EXT_GROUPS)
		return take_groups(&body, ret);
	if (head.type > WIRE_EXT_SECCTX_MAX)
		return 0;
	while (head.type--) {
		int err = take_secctx(&body, ret);

		if (err)
			return err;
	}
	return 0;
}

int wire_take_extensions(const struct fuse_in_header *header,
			 struct wire_args *args, struct wire_extensions *ret)
{
	size_t bytes = (size_t)wire_total_extlen(header) * 8;
	struct wire_args extensions;

	memset(ret, 0, sizeof(*ret));
	if (bytes > args->left)
		return WIRE_MALFORMED;
	args->left -= bytes;
	extensions.next = args->next + args->left;
	extensions.left = bytes;
	while (extensions.left) {
		int err = take_extension(&extensions, ret);

		if (err)
			return err;
	}
	return 0;
}
