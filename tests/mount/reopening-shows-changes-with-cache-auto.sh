#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cache=auto is close-to-open: what was closed on one side is what an open on the
# other finds, sizes and attributes after a second at the latest. Not with writeback:
# there the kernel takes its own size and times for the right ones.
TEST_OPTIONS=cache=auto,no_writeback
. "$(dirname "$0")/../lib.sh"

says() { [ "$(cat "$MNT/file" 2>/dev/null)" = "$1" ]; }
sized() { [ "$(stat -c %s "$MNT/file")" = "$1" ]; }
gone() { ! [ -e "$MNT/file" ]; }

start_ferryfs
# What the mount closed is there, writeback or not.
for i in 1 2 3 4 5; do
	head -c $((i * 10000)) /dev/urandom >"$MNT/written"
	expect_same_file "$SRC/written" "$MNT/written"
done

echo first >"$SRC/file"
expect says first
echo other >"$SRC/file"
expect await_true 3 says other
echo "longer than before" >"$SRC/file"
expect await_true 3 says "longer than before"
expect sized 19
: >"$SRC/file"
expect await_true 3 sized 0
rm "$SRC/file"
expect await_true 3 gone

# An appended-to log is read on, by reopening.
for i in 1 2 3; do
	echo "line $i" >>"$SRC/file"
	lines=$(seq -f 'line %g' "$i")
	expect await_true 3 says "$lines"
done
stop_ferryfs
