/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * auto_unmount: a process of its own that outlives the server, however that ends,
 * and takes a mount away that it left behind.
 */
#ifndef FERRYFS_GUARD_H
#define FERRYFS_GUARD_H

#include <sys/types.h>

/*
 * Forks the guard of the file system DEV at MOUNTPOINT. Returns a descriptor whose
 * last close (our end) wakes it, or -errno. Before threads.
 */
int guard_start(const char *mountpoint, dev_t dev);

#endif
