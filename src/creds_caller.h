/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What /proc says of a caller. No state, any thread.
 */
#ifndef FERRYFS_CREDS_CALLER_H
#define FERRYFS_CREDS_CALLER_H

#include <stdbool.h>
#include <sys/types.h>

#include "creds.h"

/*
 * The supplementary groups of the calling thread, in *ret, which the caller
 * frees. Their number; 0 for a caller of another pid namespace or one that has
 * ended; -errno.
 */
int caller_groups(const struct caller *caller, gid_t **ret);

/*
 * Whether the calling thread is being killed (SIGKILL pending, which is also what
 * Linux makes of any fatal signal that dumps no core).
 */
bool caller_dying(const struct caller *caller);

#endif
