#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# auto_unmount as root: the mount goes although ferryfs was killed.
. "$(dirname "$0")/../lib.sh"
need fusermount3

echo hello >"$SRC/hello"
start_ferryfs auto_unmount
expect_equal "$(cat "$MNT/hello")" hello
kill -KILL "$FERRYFS_PID"
gone() { ! mountpoint -q "$MNT"; }
expect await_true 20 gone
start_ferryfs auto_unmount
stop_ferryfs
