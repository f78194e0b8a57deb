/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * auto_unmount: a process of its own that outlives the server, however that ends,
 * and takes a mount away that it left behind.
 */
#ifndef FERRYFS_GUARD_H
#define FERRYFS_GUARD_H

struct mount_identity;

/*
 * Forks the guard of the mount IDENTITY at MOUNTPOINT. Returns a descriptor whose
 * last close (our end) wakes it, or -errno. Before threads.
 */
int guard_start(const char *mountpoint, const struct mount_identity *identity);

/* FD, from guard_start(): the mount is gone, the guard ends and does nothing. */
void guard_dismiss(int fd);

#endif
