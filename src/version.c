/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --version: what this build is and what it was built with.
 */
#define FUSE_USE_VERSION 35
#include <fuse_lowlevel.h>

#include "config.h"
#include "engine.h"
#include "transport.h"
#include "util.h"
#include "wire.h"

void config_print_version(FILE *out)
{
	static const struct io_engine_ops *const engines[] = {
		&engine_uring_ops, &engine_aio_ops, &engine_sync_ops,
	};

	fprintf(out, "ferryfs %s\n", PACKAGE_VERSION);
	fprintf(out, "FUSE protocol %u.%u (at least %u.%u)\n",
		FUSE_KERNEL_VERSION, WIRE_MINOR, FUSE_KERNEL_VERSION,
		WIRE_MINOR_MIN);
	fprintf(out, "libfuse %s, liburing %s, libaio %s\n", fuse_pkgversion(),
		LIBURING_VERSION, LIBAIO_VERSION);
	fputs("transports:", out);
	for (size_t i = 0; transport_table[i]; i++)
		fprintf(out, " %s", transport_table[i]->name);
	fputs("\nengines:", out);
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		fprintf(out, " %s", engines[i]->name);
	fputc('\n', out);
}
