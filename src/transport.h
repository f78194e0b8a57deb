/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a transport fills in. A transport moves messages and knows nothing of
 * opcodes; src/ never includes a concrete one. transport/table.c is the only
 * list of them.
 */
#ifndef FERRYFS_TRANSPORT_H
#define FERRYFS_TRANSPORT_H

#include <stddef.h>
#include <sys/uio.h>

#include "config.h"
#include "request.h"

struct loop;
struct transport;

/* What a transport is opened with. */
struct transport_source {
	int fuse_fd;		/* a mounted /dev/fuse, or -1 */
};

struct transport_ops {
	const char *name;
	const char *summary;	/* one line for --help */
	/* completion=auto becomes this. */
	enum completion_policy default_completion;
	/* Optional. Refuses a configuration with -errno and a line on the log. */
	int (*check)(const struct config *config);
	/* Required. On failure returns -errno and holds nothing. Main thread. */
	int (*open)(const struct config *config, struct session *session,
		    const struct transport_source *source,
		    struct transport **ret);
	/*
	 * Required. Queue's thread. Requests then reach session_receive() from
	 * queue->loop.
	 */
	int (*attach)(struct transport *transport, struct queue *queue);
	/*
	 * Required. Any thread. Delivers the reply in req->reply_iov through
	 * the completer and frees req; a request without a reply (out_bytes 0)
	 * is only freed. Exactly once for each request, FORGET too.
	 */
	void (*complete)(struct request *req, size_t out_bytes);
	/* Optional. NULL: notifications fail with EOPNOTSUPP. Any thread. */
	int (*notify)(struct transport *transport, const struct iovec *iov,
		      int count);
	/* Required. Main thread: no request arrives once queue loops ended. */
	void (*stop)(struct transport *transport);
	/* Required. Main thread, after stop and with nothing in flight. */
	void (*close)(struct transport *transport);
};

/* Ends with NULL. */
extern const struct transport_ops *const transport_table[];

/* By name; "auto" is the first row. NULL: no such transport. */
const struct transport_ops *transport_find(const char *name);

/* That every required member is there: called at start-up. 0 or -EINVAL. */
int transport_table_check(void);

#endif
