#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Modes, owners, setid bits, sizes and times.
. "$(dirname "$0")/../lib.sh"

start_ferryfs allow_other,dev,suid
expect "$FERRYFS_BUILD/tests/mount/posix" --native "$SRC" "$MNT" \
	chmod chown setid truncate utimens times io_times statvfs
stop_ferryfs
