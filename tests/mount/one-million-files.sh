#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 1,000,000 files that the kernel knows all at once, under ulimit -n 1024, and what
# each of them costs. Takes minutes and 3 GiB: for check-all, once.
TEST_FS=tmpfs
TEST_OPTIONS=cache=always,no_writeback,workers=4
TEST_TIMEOUT=900
. "$(dirname "$0")/../lib.sh"

available=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
[ "$available" -gt 4096 ] || skip "needs 4 GiB of memory, has $available MiB"
SRC=$WORK/million
make_fs tmpfs "$SRC" 2048 nr_inodes=1100000
perl -e '
	chdir $ARGV[0] or die "$!";
	for my $dir (1 .. 1000) {
		mkdir $dir or die "mkdir: $!";
		for my $file (1 .. 1000) {
			open(my $made, ">", "$dir/$file") or die "open: $!";
		}
	}
' "$SRC" || fail "making them"

resident() { awk '/^VmRSS/ { print $2 }' "/proc/$FERRYFS_PID/status"; }

ulimit -n 1024
for handles in auto never; do
	start_ferryfs "inode_handles=$handles"
	before=$(resident)
	begin=$SECONDS
	expect_equal "$(find "$MNT" -type f -size 0 -printf x | wc -c)" \
		1000000 "files found"
	after=$(resident)
	inodes=$(stats_number inodes)
	note "inode_handles=$handles: $((SECONDS - begin)) s, $inodes inodes," \
		"$(stats_number inode_fds) descriptors, VmRSS $after kB," \
		"$(((after - before) * 1024 / (inodes + 1))) bytes an inode"
	[ "$(find "/proc/$FERRYFS_PID/fd" -type l | wc -l)" -lt 1024 ] ||
		fail "too many descriptors"
	expect_equal "$(stat -c %i "$MNT/777/333")" \
		"$(stat -c %i "$SRC/777/333")" "inode number"
	echo hello >"$MNT/1/1"
	expect_equal "$(cat "$SRC/1/1")" hello
	: >"$SRC/1/1"
	stop_ferryfs
done
exit 0
