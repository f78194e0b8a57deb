/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The opcode table and the only place that answers errors.
 */
#ifndef FERRYFS_DISPATCH_H
#define FERRYFS_DISPATCH_H

#include <stdint.h>

#include "request.h"

#define OP_NO_REPLY	(1U << 0)  /* FORGET and its like: errors are counted only */
#define OP_NEEDS_INODE	(1U << 1)  /* nodeid is resolved to req->inode first */
#define OP_BEFORE_INIT	(1U << 2)
#define OP_EXACT	(1U << 4)  /* nothing follows in_min */
#define OP_DATA_IN	(1U << 3)  /* what follows in_min becomes req->in_iov */

struct operation {
	const char *name;
	uint16_t in_min;	/* bytes of arguments after the header, at least */
	uint16_t flags;
	/*
	 * Queue's thread. -errno: dispatch answers it. 0: it has answered, or
	 * owns the request and will.
	 */
	int (*handler)(struct request *req);
};

/* Row of OPCODE, or NULL if we do not serve it. */
const struct operation *dispatch_operation(uint32_t opcode);

/* req->in and req->args are set. */
void dispatch(struct request *req);

#endif
