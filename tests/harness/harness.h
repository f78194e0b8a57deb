/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session without a kernel: raw messages in, raw replies out, over a source
 * directory, one queue, the sync engine and an epoll loop, all on the calling
 * thread. For tests of wire and dispatch, and for fuzzing.
 */
#ifndef FERRYFS_TESTS_HARNESS_H
#define FERRYFS_TESTS_HARNESS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "session.h"

struct harness {
	struct config config;
	struct session *session;
	struct completer completer;
	struct queue queue;
	uint64_t unique;
	/* The last message's reply; reply_bytes 0: none was sent. */
	uint8_t *reply;
	size_t reply_bytes;
	atomic_uint finished;		/* requests that ended */
	struct loop_task wake;		/* one ended on another thread */
};

/*
 * Opens a session over SOURCE as a mount by this user would have it, and sends
 * INIT that offers everything. Aborts on failure: a test cannot go on.
 */
void harness_open(struct harness *harness, const char *source);
void harness_close(struct harness *harness);

/* Delivers BYTES as they are and waits until the request has ended. */
void harness_send_raw(struct harness *harness, const void *message,
		      size_t bytes);

/*
 * A well-formed header before ARGS. Returns the reply's error (0 or -errno), or 1
 * where there was no reply.
 */
int harness_send(struct harness *harness, uint32_t opcode, uint64_t nodeid,
		 const void *args, size_t bytes);

/* What followed the reply's header. */
const void *harness_reply(const struct harness *harness, size_t bytes);

#endif
