/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small data into and out of the room that the transport has for a reply, which
 * may be in pieces. Bytes over the end of the room are left out; callers have
 * looked at out_max. No state, any thread.
 */
#include <string.h>

#include "ops.h"
#include "util.h"

void out_write(const struct request *req, size_t at, const void *data,
	       size_t bytes)
{
	const uint8_t *from = data;
	int i;

	for (i = 0; i < req->out_iov_count && bytes; i++) {
		const struct iovec *iov = &req->out_iov[i];
		size_t part;

		if (at >= iov->iov_len) {
			at -= iov->iov_len;
			continue;
		}
		part = min_u64(bytes, iov->iov_len - at);
		memcpy((uint8_t *)iov->iov_base + at, from, part);
		from += part;
		bytes -= part;
		at = 0;
	}
}

void out_read(const struct request *req, size_t at, void *data, size_t bytes)
{
	uint8_t *to = data;
	int i;

	for (i = 0; i < req->out_iov_count && bytes; i++) {
		const struct iovec *iov = &req->out_iov[i];
		size_t part;

		if (at >= iov->iov_len) {
			at -= iov->iov_len;
			continue;
		}
		part = min_u64(bytes, iov->iov_len - at);
		memcpy(to, (const uint8_t *)iov->iov_base + at, part);
		to += part;
		bytes -= part;
		at = 0;
	}
}
