#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A waiting lock holds no worker: one is enough for all of them.
TEST_OPTIONS=workers=1
. "$(dirname "$0")/../lib.sh"

start_ferryfs allow_other,dev,suid,workers=1
expect "$FERRYFS_BUILD/tests/mount/posix" --native "$SRC" "$MNT" \
	locks lock_wait flock
stop_ferryfs
