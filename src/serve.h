/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main thread while requests are served: signals in, the mount's end out.
 */
#ifndef FERRYFS_SERVE_H
#define FERRYFS_SERVE_H

#include "config.h"

struct mount;
struct session;

/* Blocks the signals that serve_until_end() takes. Before threads. */
void serve_block_signals(void);

/*
 * Returns when the session has ended: 0, or -errno if it was not by an unmount.
 *
 *   TERM, INT, HUP   unmount, and detach if the mount is busy; serve on until the
 *                    kernel has ended it. Once more: abort. Once more: exit.
 *   USR1             statistics
 */
int serve_until_end(const struct config *config, struct session *session,
		    struct mount *mount);

#endif
