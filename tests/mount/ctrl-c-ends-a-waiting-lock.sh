#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# With one worker: SIGINT ends a wait for a lock, other work goes on meanwhile, and
# the unlock gets through to whoever still waits.
TEST_OPTIONS=workers=1
. "$(dirname "$0")/../lib.sh"

hold=$FERRYFS_BUILD/tests/mount/hold
ready=$WORK/ready
mkfifo "$ready"

waiting() { grep -qE '^(72|73) ' "/proc/$1/syscall"; }

start_ferryfs
for kind in lock flock; do
	"$hold" "$kind" "$MNT/file" >"$ready" &
	holder=$!
	read -r _ <"$ready"
	"$hold" "$kind" "$MNT/file" >/dev/null &
	first=$!
	"$hold" "$kind" "$MNT/file" >"$WORK/second" &
	second=$!
	[ "$(uname -m)" != x86_64 ] || {
		expect await_true 10 waiting "$first"
		expect await_true 10 waiting "$second"
	}
	expect timeout 10 touch "$MNT/meanwhile-$kind"
	kill -INT "$first"
	expect await_exit "$first" 10
	wait "$first"
	expect_equal $? 130 "exit code after Ctrl-C"
	kill "$holder"
	got() { grep -q ready "$WORK/second"; }
	expect await_true 10 got
	kill "$second"
	wait "$holder" "$second" 2>/dev/null
	expect timeout 10 flock -n "$MNT/file" true
done
stop_ferryfs
