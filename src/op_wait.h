/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting for an inode's writes in flight, for handlers. Queue's thread.
 */
#ifndef FERRYFS_OP_WAIT_H
#define FERRYFS_OP_WAIT_H

#include "inode.h"
#include "request.h"
#include "util.h"
#include "writeback.h"

/* The end of a range that reaches to the end of any file. */
#define OP_RANGE_MAX UINT64_MAX

static inline struct request *request_of_writeback(struct writeback_op *op)
{
	return container_of(op, struct request, writeback);
}

/*
 * Runs GRANTED, now or later on the queue's thread, once nothing of req->inode
 * that KIND waits for overlaps [START, END). The request is GRANTED's then: what
 * it still needs of the message is in req->saved. 0 or -ENOMEM.
 */
static inline int request_when_clear(struct request *req,
				     enum writeback_kind kind, uint64_t start,
				     uint64_t end,
				     void (*granted)(struct writeback_op *op))
{
	int result;

	req->writeback.kind = kind;
	req->writeback.range.start = start;
	req->writeback.range.end = end;
	req->writeback.loop = req->queue->loop;
	req->writeback.granted = granted;
	result = writeback_begin(&req->inode->writeback, &req->writeback);
	if (result < 0)
		return result;
	if (result > 0)
		granted(&req->writeback);
	return 0;
}

#endif
