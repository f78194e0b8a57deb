#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kill -9: ENOTCONN as with any FUSE server, fusermount3 -u cleans up, what was
# fsynced is there, and it can be mounted again.
. "$(dirname "$0")/../lib.sh"
need fusermount3

hold=$FERRYFS_BUILD/tests/mount/hold
ready=$WORK/ready
mkfifo "$ready"
start_ferryfs
"$hold" synced "$MNT/synced" 2000000 >"$ready" &
holder=$!
read -r _ <"$ready"
kill -KILL "$FERRYFS_PID"
expect await_exit "$FERRYFS_PID"
# A request under way may still be told ECONNABORTED.
cut_off() { [[ $(stat "$MNT/synced" 2>&1) == *"not connected"* ]]; }
expect await_true 10 cut_off
expect_errno ENOTCONN ls "$MNT"
kill "$holder"
wait "$holder" 2>/dev/null
expect fusermount3 -u "$MNT"
mountpoint -q "$MNT" && fail "still mounted"
expect_equal "$(tr -dc w <"$SRC/synced" | wc -c)" 2000000 "synced bytes"
start_ferryfs
expect_equal "$(stat -c %s "$MNT/synced")" 2000000
stop_ferryfs
