#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -o remount says what to do instead, and what was mounted stays as it was.
. "$(dirname "$0")/../lib.sh"

echo content >"$SRC/file"
start_ferryfs
said=$("$FERRYFS" -o remount,ro "$SRC" "$MNT" 2>&1)
expect_equal $? 2 "exit code"
[[ $said == *remount*unmount* ]] || fail "says: $said"
expect_equal "$(wc -l <<<"$said")" 1 "lines"
expect_equal "$(cat "$MNT/file")" content
expect touch "$MNT/new"
expect_equal "$(findmnt -rn "$MNT" | wc -l)" 1 "mounts"
stop_ferryfs
