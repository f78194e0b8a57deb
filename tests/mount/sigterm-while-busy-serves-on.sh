#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGTERM with the mount in use: data is synced, the mount leaves the tree, its
# users are served until the last has gone, then the exit code is 0.
. "$(dirname "$0")/../lib.sh"

hold=$FERRYFS_BUILD/tests/mount/hold
ready=$WORK/ready
mkfifo "$ready"
start_ferryfs_foreground
"$hold" unlinked "$MNT/unlinked" 100000 >"$ready" &
unlinked=$!
read -r _ <"$ready"
"$hold" dirty "$MNT/dirty" 100001 >"$ready" &
dirty=$!
read -r _ <"$ready"
exec 5<>"$MNT/open"
echo before >&5

gone() { ! mountpoint -q "$MNT"; }
kill -TERM "$FERRYFS_PID"
expect await_true 20 gone
synced() { [ "$(tr -dc m <"$SRC/dirty" | wc -c)" = 100001 ]; }
expect await_true 20 synced

# Those who have it open go on.
echo after >&5
[ -d "/proc/$FERRYFS_PID" ] || fail "ended although in use"
kill -USR1 "$unlinked"
wait "$unlinked"
expect_equal $? 0 "content of the unlinked file"
kill "$dirty"
wait "$dirty" 2>/dev/null
[ -d "/proc/$FERRYFS_PID" ] || fail "ended although in use"
exec 5>&-
expect await_exit "$FERRYFS_PID"
wait "$FERRYFS_PID"
expect_equal $? 0 "exit code"
expect_equal "$(cat "$SRC/open")" "before
after"
