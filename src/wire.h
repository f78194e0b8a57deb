/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FUSE messages: bounds-checked decoding, names of opcodes, flags to text, and
 * the numbers of protocol 7.38 to 7.45 that an older <linux/fuse.h> lacks.
 * Bytes come from the client and are not trusted. No state, any thread.
 */
#ifndef FERRYFS_WIRE_H
#define FERRYFS_WIRE_H

#include <linux/fuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire_compat.h"

/* The protocol we speak, and the oldest minor that we accept (Linux 5.2). */
#define WIRE_MINOR 45U
#define WIRE_MINOR_MIN 31U

/*
 * A message that is not well-formed, as opposed to one that the host refuses with
 * EINVAL. Dispatch counts it and answers EINVAL.
 */
#define WIRE_MALFORMED (-1000)

/* What is left of a message's arguments. */
struct wire_args {
	const uint8_t *next;
	size_t left;
};

/* The next BYTES bytes, or NULL if so many are not there. */
const void *wire_take(struct wire_args *args, size_t bytes);

/*
 * The next NUL-terminated string in *ret (pointing into the message).
 * 0; WIRE_MALFORMED: no terminator.
 */
int wire_take_string(struct wire_args *args, const char **ret);

/*
 * The next string as a file name. 0; WIRE_MALFORMED: not terminated, empty or with
 * a slash, or "." or ".."; -ENAMETOOLONG: over NAME_MAX bytes.
 */
int wire_take_name(struct wire_args *args, const char **ret);

/* Like wire_take_name(), but "." and ".." are let through. */
int wire_take_lookup_name(struct wire_args *args, const char **ret);

/* What the extensions at a message's end said. */
struct wire_extensions {
	bool has_group;
	uint32_t group;			/* FUSE_CREATE_SUPP_GROUP */
	/* Security context (the first), or NULL. Point into the message. */
	const char *secctx_name;
	const void *secctx_value;
	uint32_t secctx_bytes;
};

/*
 * Splits the extensions (header.total_extlen * 8 bytes at the end) off args and
 * parses them. 0 or WIRE_MALFORMED.
 */
int wire_take_extensions(const struct fuse_in_header *header,
			 struct wire_args *args, struct wire_extensions *ret);

/* "LOOKUP", or "op99". Static or thread-local memory. */
const char *wire_opcode_name(uint32_t opcode);

/*
 * One readable line about a request's arguments, for -d. Looks only at what is
 * there. Returns buffer.
 */
const char *wire_request_text(const struct fuse_in_header *header,
			      const void *args, size_t bytes, char *buffer,
			      size_t buffer_bytes);

/* INIT's flags as words, for -d and the log. Returns buffer. */
const char *wire_init_flags_text(uint64_t flags, char *buffer,
				 size_t buffer_bytes);

#endif
