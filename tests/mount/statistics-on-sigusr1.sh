#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# stats_file: JSON on SIGUSR1 and at the end, with what was done counted.
TEST_OPTIONS=cache=none
. "$(dirname "$0")/../lib.sh"

start_ferryfs
head -c 300000 /dev/urandom >"$MNT/file"
cat "$MNT/file" >/dev/null
mkdir "$MNT/dir"
expect_failure cat "$MNT/missing"
expect_equal "$(stats_number requests.MKDIR.count)" 1 "MKDIRs"
[ "$(stats_number requests.LOOKUP.errors)" -ge 1 ] || fail "no LOOKUP failed"
[ "$(stats_number errors.ENOENT)" -ge 1 ] || fail "no ENOENT"
expect_equal "$(stats_number bytes_written)" 300000 "bytes written"
expect_equal "$(stats_number bytes_read)" 300000 "bytes read"
expect_equal "$(stats_number in_flight)" 0 "in flight"
exec 5<"$MNT/file"
expect_equal "$(stats_number open_files)" 1 "open files"
exec 5<&-
[ "$(stats_number inodes)" -ge 2 ] || fail "too few inodes"
expect_equal "$(stat -c %a "$LOG/stats.json")" 644 "mode of the file"
rm "$LOG/stats.json"
stop_ferryfs
[ -s "$LOG/stats.json" ] || fail "no statistics at the end"
expect_equal "$(ls -A "$LOG" | grep -c 'stats.json.')" 0 "temporary files"
