#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGTERM, SIGINT and SIGHUP end the mount with exit code 0, and what was stored to
# mapped pages or written to the write-back cache before is in the file after.
TEST_OPTIONS=cache=auto
. "$(dirname "$0")/../lib.sh"

hold=$FERRYFS_BUILD/tests/mount/hold

# holding WHAT FILE BYTES: does it and ends, leaving only the kernel's caches.
holding()
{
	local ready=$WORK/ready pid line

	rm -f "$ready"
	mkfifo "$ready"
	"$hold" "$1" "$MNT/$2" "$3" >"$ready" &
	pid=$!
	read -r line <"$ready"
	expect_equal "$line" ready "hold $1"
	[ "$1" != dirty ] || { kill -KILL "$pid"; wait "$pid"; }
	[ "$1" = dirty ] || disown "$pid"
	held+=("$pid")
}

bytes_of() { tr -dc "$2" <"$SRC/$1" | wc -c; }

for signal in TERM INT HUP; do
	for writeback in writeback no_writeback; do
		held=()
		start_ferryfs_foreground "$writeback"
		holding dirty "mapped-$signal-$writeback" 3000001
		holding written "written-$signal-$writeback" 5000001
		kill -KILL "${held[1]}"
		expect await_exit "${held[1]}"
		kill -"$signal" "$FERRYFS_PID"
		expect await_exit "$FERRYFS_PID"
		wait "$FERRYFS_PID"
		expect_equal $? 0 "exit code on SIG$signal"
		mountpoint -q "$MNT" && fail "still mounted after SIG$signal"
		expect_equal "$(bytes_of "mapped-$signal-$writeback" m)" \
			3000001 "bytes stored, $signal, $writeback"
		expect_equal "$(bytes_of "written-$signal-$writeback" w)" \
			5000001 "bytes written, $signal, $writeback"
	done
done
exit 0
