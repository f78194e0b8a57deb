#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -d: stays in the foreground and writes one readable line a request and a reply.
TEST_OPTIONS=cache=none
. "$(dirname "$0")/../lib.sh"

"$FERRYFS" -d -o "$(start_options)" "$SRC" "$MNT" >"$LOG/stdout" \
	2>"$LOG/stderr" </dev/null &
FERRYFS_PID=$!
await_mount "$MNT" "$FERRYFS_PID" || fail "not mounted"
echo hello >"$MNT/some-name"
expect_failure stat "$MNT/missing"
umount "$MNT"
wait "$FERRYFS_PID"
expect_equal $? 0 "exit code"
for word in INIT LOOKUP CREATE WRITE some-name "No such file"; do
	grep -q "$word" "$LOG/stderr" || fail "no $word in the log"
done
expect_equal "$(grep -c '[^[:print:][:space:]]' "$LOG/stderr")" 0 \
	"unprintable lines"
