#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A second signal ends it although the mount is in use; users get ENOTCONN or
# ECONNABORTED, not a hang.
. "$(dirname "$0")/../lib.sh"

start_ferryfs_foreground
exec 5<>"$MNT/open"
echo before >&5
gone() { ! mountpoint -q "$MNT"; }
kill -TERM "$FERRYFS_PID"
expect await_true 20 gone
[ -d "/proc/$FERRYFS_PID" ] || fail "ended although in use"
kill -TERM "$FERRYFS_PID"
expect await_exit "$FERRYFS_PID"
wait "$FERRYFS_PID"
expect_equal $? 1 "exit code"
expect_failure cat <&5
exec 5>&-
exit 0
