/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The transports there are, for table.c only: one line each.
 */
#ifndef FERRYFS_TRANSPORTS_H
#define FERRYFS_TRANSPORTS_H

#include "transport.h"

extern const struct transport_ops devfuse_ops;

#endif
