/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Becoming a daemon: the parent stays until the child says that it serves, so that
 * whoever started us knows that the mount works. Main thread, before others exist.
 */
#ifndef FERRYFS_DAEMON_H
#define FERRYFS_DAEMON_H

/*
 * Forks. 0 in the child; -errno where nothing was started. Does not return in the
 * parent: it exits 0 after daemon_ready(), else as the child did.
 */
int daemon_start(void);

/*
 * The child serves: releases the parent, leaves its terminal, session, working
 * directory and standard descriptors. Nothing without daemon_start().
 */
void daemon_ready(void);

#endif
