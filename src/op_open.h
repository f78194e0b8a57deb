/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What OPEN and CREATE share; op_file.c. Queue's thread.
 */
#ifndef FERRYFS_OP_OPEN_H
#define FERRYFS_OP_OPEN_H

#include <stdint.h>

#include "request.h"

struct inode;

/*
 * Of the client's open(2) FLAGS those that the backing file is opened with. The
 * rest is decided by each READ and WRITE, or was the client kernel's to obey.
 */
int open_backing_flags(const struct request *req, uint32_t flags);

/*
 * Takes FD, an open file of INODE, over (also on failure: closes it), makes the
 * handle for FLAGS and fills OUT. 0 or -errno.
 */
int open_finish(struct request *req, struct inode *inode, int fd,
		uint32_t flags, struct fuse_open_out *out);

#endif
