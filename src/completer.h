/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How replies complete: in which context a reply reaches its client. This is
 * the only place that knows about may_block.
 *
 *   parallel     the thread that has the reply delivers it
 *   serialized   one worker delivers, in the order in which replies get ready
 *   may_block    in both, a delivery that can block gets a work item of its
 *                own, as Linux's virtiofs has it since bb737bbe48be
 *
 * The invariant: a completion context must not wait for a completion.
 */
#ifndef FERRYFS_COMPLETER_H
#define FERRYFS_COMPLETER_H

#include <stdbool.h>

#include "config.h"
#include "workqueue.h"

struct request;

struct completer {
	enum completion_policy policy;		/* PARALLEL or SERIALIZED */
	enum may_block_policy may_block;
	struct workqueue *serial;	/* SERIALIZED: ordered; else NULL */
	struct workqueue *blocking;	/* MAY_BLOCK_WORKER: unbounded; else NULL */
};

/* Part of each request. */
struct completion {
	struct work work;
	void (*deliver)(struct request *req);
	bool may_block;		/* set by the handler that knows */
};

/* 0, or -errno and nothing held. Before any request. */
int completer_open(struct completer *completer, enum completion_policy policy,
		   enum may_block_policy may_block);

/* Waits for deliveries under way. */
void completer_close(struct completer *completer);

/*
 * Has DELIVER run for REQ once, now or later, in the context that the policy
 * says. DELIVER frees REQ: neither the caller nor the completer touches it
 * after. Any thread.
 */
void completer_run(struct completer *completer, struct request *req,
		   void (*deliver)(struct request *req));

#endif
