#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# fcntl and flock locks between processes.
. "$(dirname "$0")/../lib.sh"

start_ferryfs allow_other,dev,suid
expect "$FERRYFS_BUILD/tests/mount/posix" --native "$SRC" "$MNT" \
	locks lock_wait flock
stop_ferryfs
