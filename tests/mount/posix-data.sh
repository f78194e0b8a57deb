#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Space, holes, copies, maps, O_DIRECT.
. "$(dirname "$0")/../lib.sh"

start_ferryfs allow_other,dev,suid
expect "$FERRYFS_BUILD/tests/mount/posix" --native "$SRC" "$MNT" \
	fallocate seek copy read_write mmap direct
stop_ferryfs
