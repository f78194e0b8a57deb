/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The workers: a thread, a loop, an engine and a queue each, around one session
 * and one transport.
 */
#ifndef FERRYFS_SERVER_H
#define FERRYFS_SERVER_H

#include "config.h"
#include "transport.h"

/* Room for data in a request buffer, whatever max_read and max_write say. */
#define SERVER_BUFFER_BYTES_MIN (128U * 1024U)

struct server;
struct session;

/*
 * Starts everything: session, transport, workers. 0 with requests being served,
 * or -errno with a line on the log and nothing held. SOURCE_FD stays the caller's.
 */
int server_start(const struct config *config, int source_fd,
		 const struct transport_source *source, struct server **ret);
struct session *server_session(struct server *server);

/* The engine that the workers took, e.g. "uring". */
const char *server_engine_name(const struct server *server);

/*
 * Ends the workers, once the session has ended or was aborted, and frees all.
 */
void server_stop(struct server *server);

#endif
