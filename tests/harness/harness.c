/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See harness.h. A request that parks (a waiting lock) is interrupted, so that a
 * message always ends.
 */
#include "tests/harness/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "creds.h"
#include "inode.h"
#include "stats.h"
#include "transport.h"
#include "util.h"

static void harness_complete(struct request *req, size_t out_bytes)
{
	struct harness *harness = req->queue->transport_private;
	size_t used = 0;
	int i;

	harness->reply_bytes = out_bytes;
	for (i = 0; out_bytes && i < req->reply_iov_count; i++) {
		memcpy(harness->reply + used, req->reply_iov[i].iov_base,
		       req->reply_iov[i].iov_len);
		used += req->reply_iov[i].iov_len;
	}
	if (used != out_bytes)
		abort();
	request_free(req);
	/* Elsewhere the count comes with the wake-up, or it could be missed. */
	if (loop_is_mine(harness->queue.loop))
		atomic_fetch_add(&harness->finished, 1);
	else
		loop_post(harness->queue.loop, &harness->wake);
}

static void harness_woken(struct loop_task *task)
{
	struct harness *harness = container_of(task, struct harness, wake);

	atomic_fetch_add(&harness->finished, 1);
}

static const struct transport_ops harness_ops = {
	.name = "harness",
	.default_completion = COMPLETION_PARALLEL,
	.complete = harness_complete,
};

static void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "harness: %s: %s\n", what, strerror(-err));
	abort();
}

static void send_init(struct harness *harness)
{
	struct fuse_init_in in = {
		.major = FUSE_KERNEL_VERSION,
		.minor = WIRE_MINOR,
		.max_readahead = 1U << 17,
		.flags = ~0U,
		.flags2 = ~0U,
	};

	must(harness_send(harness, FUSE_INIT, 0, &in, sizeof(in)), "INIT");
}

void harness_open(struct harness *harness, const char *source)
{
	char program[] = "harness", options[] = "-oengine=sync,workers=1";
	char mountpoint[] = "/proc";	/* nothing is mounted there */
	char *argv[] = { program, options, NULL, mountpoint, NULL };
	int source_fd;

	memset(harness, 0, sizeof(*harness));
	argv[2] = strdup(source);
	must(config_parse(&harness->config, 4, argv), "options");
	must(config_resolve(&harness->config), "options");
	free(argv[2]);
	creds_init(harness->config.privileged,
		   harness->config.check_permissions);
	must(creds_thread_init(), "umask");
	source_fd = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	must(source_fd < 0 ? -errno : 0, source);
	must(session_create(&harness->config, source_fd, &harness->session),
	     "session");
	close(source_fd);
	harness->session->transport_ops = &harness_ops;
	must(completer_open(&harness->completer, COMPLETION_PARALLEL,
			    MAY_BLOCK_OFF), "completer");
	must(queue_init(&harness->queue, harness->session, 0, CONFIG_IO_BYTES_MAX),
	     "queue");
	harness->queue.completer = &harness->completer;
	harness->queue.transport_private = harness;
	harness->queue.stats = stats_queue(harness->session->stats, 0);
	must(loop_open(LOOP_EPOLL, 0, &harness->queue.loop), "loop");
	must(engine_open(&harness->config, harness->queue.loop,
			 &harness->queue.engine), "engine");
	harness->wake.run = harness_woken;
	harness->reply = malloc(CONFIG_IO_BYTES_MAX + 4096);
	must(harness->reply ? 0 : -ENOMEM, "reply buffer");
	send_init(harness);
}

void harness_close(struct harness *harness)
{
	completer_close(&harness->completer);
	workqueue_flush(harness->session->blocking_calls);
	workqueue_flush(harness->session->lock_waiters);
	engine_close(harness->queue.engine);
	loop_close(harness->queue.loop);
	queue_destroy(&harness->queue);
	session_destroy(harness->session);
	config_destroy(&harness->config);
	free(harness->reply);
}

void harness_send_raw(struct harness *harness, const void *message,
		      size_t bytes)
{
	struct request *req = request_get(&harness->queue);
	unsigned int finished = atomic_load(&harness->finished);

	must(req ? 0 : -ENOMEM, "request");
	must(bytes > REQUEST_HEAD_BYTES + harness->queue.buffer_bytes ?
	     -EMSGSIZE : 0, "message");
	memcpy(req->buffer->head, message, bytes);
	req->out_one.iov_base = req->buffer->data;
	req->out_one.iov_len = harness->queue.buffer_bytes;
	req->out_iov = &req->out_one;
	req->out_iov_count = 1;
	req->out_max = req->out_one.iov_len;
	harness->reply_bytes = 0;
	/* Too short for a header: the session drops it without a reply. */
	session_receive(req, req->buffer->head, bytes);
	if (bytes < sizeof(struct fuse_in_header))
		return;
	while (atomic_load(&harness->finished) == finished) {
		inflight_interrupt_all(harness->session->inflight);
		must(loop_run_once(harness->queue.loop, true) < 0 ? -EIO : 0,
		     "loop");
	}
}

int harness_send(struct harness *harness, uint32_t opcode, uint64_t nodeid,
		 const void *args, size_t bytes)
{
	struct fuse_in_header header = {
		.len = (uint32_t)(sizeof(header) + bytes),
		.opcode = opcode,
		.nodeid = nodeid,
		.unique = harness->unique += 2,
		.uid = getuid(),
		.gid = getgid(),
		.pid = (uint32_t)getpid(),
	};
	uint8_t *message = malloc(sizeof(header) + bytes);
	struct fuse_out_header out;

	must(message ? 0 : -ENOMEM, "message");
	memcpy(message, &header, sizeof(header));
	if (bytes)
		memcpy(message + sizeof(header), args, bytes);
	harness_send_raw(harness, message, sizeof(header) + bytes);
	free(message);
	if (!harness->reply_bytes)
		return 1;
	memcpy(&out, harness->reply, sizeof(out));
	if (out.len != harness->reply_bytes || out.unique != header.unique)
		abort();
	return out.error;
}

const void *harness_reply(const struct harness *harness, size_t bytes)
{
	if (harness->reply_bytes < sizeof(struct fuse_out_header) + bytes)
		abort();
	return harness->reply + sizeof(struct fuse_out_header);
}
