#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the kernel forgets, ferryfs forgets: inodes and descriptors go down again.
. "$(dirname "$0")/../lib.sh"

for dir in $(seq 10); do
	mkdir "$SRC/$dir"
	(cd "$SRC/$dir" && seq 300 | xargs touch)
done
start_ferryfs
for _ in 1 2 3; do
	find "$MNT" -type f -exec stat -t {} + >/dev/null
	[ "$(stats_number inodes)" -gt 3000 ] || fail "3,000 files and" \
		"$(stats_number inodes) inodes"
	echo 2 >/proc/sys/vm/drop_caches
	forgotten() { [ "$(stats_number inodes)" -lt 100 ]; }
	expect await_true 20 forgotten
	[ "$(stats_number inode_fds)" -lt 100 ] || fail "descriptors are kept"
done
rm -r "$MNT"/*
expect_equal "$(ls "$SRC")" ""
stop_ferryfs
