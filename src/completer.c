/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How replies complete: see completer.h. Any thread; no lock of its own.
 */
#include "completer.h"

#include "request.h"
#include "stats.h"
#include "util.h"

int completer_open(struct completer *completer, enum completion_policy policy,
		   enum may_block_policy may_block)
{
	int err;

	completer->policy = policy;
	completer->may_block = may_block;
	completer->serial = NULL;
	completer->blocking = NULL;
	if (policy == COMPLETION_SERIALIZED) {
		err = workqueue_create("ferry-serial", 1, &completer->serial);
		if (err)
			return err;
	}
	if (may_block == MAY_BLOCK_WORKER) {
		err = workqueue_create("ferry-mayblock", 0,
				       &completer->blocking);
		if (err)
			goto out_serial;
	}
	return 0;

out_serial:
	if (completer->serial)
		workqueue_destroy(completer->serial);
	return err;
}

void completer_close(struct completer *completer)
{
	if (completer->serial)
		workqueue_destroy(completer->serial);
	if (completer->blocking)
		workqueue_destroy(completer->blocking);
}

static void completion_work(struct work *work)
{
	struct request *req =
		container_of(work, struct request, completion.work);

	req->completion.deliver(req);
}

void completer_run(struct completer *completer, struct request *req,
		   void (*deliver)(struct request *req))
{
	struct completion *completion = &req->completion;

	completion->deliver = deliver;
	work_init(&completion->work, completion_work);
	if (completion->may_block && completer->blocking) {
		atomic_fetch_add_explicit(&req->queue->stats->may_block, 1,
					  memory_order_relaxed);
		workqueue_queue(completer->blocking, &completion->work);
	} else if (completer->serial) {
		workqueue_queue(completer->serial, &completion->work);
	} else {
		deliver(req);
	}
}
