#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# umount of a mount in use: EBUSY, and everything goes on.
. "$(dirname "$0")/../lib.sh"
need fusermount3

echo hello >"$SRC/hello"
start_ferryfs
exec 5<>"$MNT/open"
said=$(umount "$MNT" 2>&1) && fail "unmounted although busy"
[[ $said == *busy* ]] || fail "umount says: $said"
said=$(fusermount3 -u "$MNT" 2>&1) && fail "unmounted although busy"
[[ $said == *busy* ]] || fail "fusermount3 says: $said"
expect_equal "$(cat "$MNT/hello")" hello
echo more >&5
expect_equal "$(cat "$MNT/open")" more
[ -d "/proc/$FERRYFS_PID" ] || fail "the server has gone"
exec 5>&-
stop_ferryfs
start_ferryfs
expect fusermount3 -u "$MNT"
expect await_exit "$FERRYFS_PID"
