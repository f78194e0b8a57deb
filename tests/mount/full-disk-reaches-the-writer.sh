#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A full source: ENOSPC reaches the caller, what was written is counted right, at
# the latest fsync tells with a write-back cache, and freed space can be used.
TEST_FS=ext4
TEST_FS_SIZE=24
. "$(dirname "$0")/../lib.sh"

freed() { [ "$(stat -f -c %a "$SRC")" -gt 2000 ]; }

for writeback in no_writeback writeback; do
	start_ferryfs cache=auto "$writeback"
	expect_errno ENOSPC dd if=/dev/zero of="$MNT/big" bs=128k count=320 \
		conv=fsync
	used=$(stat -c %s "$SRC/big")
	[ "$used" -gt 1000000 ] || fail "only $used bytes were written"
	[ $((used % 4096)) = 0 ] || note "ends inside a page: $used"
	if [ "$writeback" = no_writeback ]; then
		expect_equal "$(stat -c %s "$MNT/big")" "$used" "size shown"
		expect_same_file "$SRC/big" "$MNT/big"
	fi
	expect_errno ENOSPC dd if=/dev/zero of="$MNT/more" bs=1M count=8 \
		conv=fsync
	expect_errno ENOSPC fallocate -l 20M "$MNT/allocated"
	# Other work goes on, and space that is freed can be used.
	expect stat -t "$MNT/big" >/dev/null
	expect rm "$MNT/big" "$MNT/more"
	rm -f "$MNT/allocated"
	# The kernel lets go of a removed file a moment after the call.
	expect await_true 10 freed
	expect dd if=/dev/urandom of="$MNT/again" bs=1M count=4 conv=fsync \
		status=none
	expect_same_file "$SRC/again" "$MNT/again"
	stop_ferryfs
	rm -f "$SRC"/*
done
exit 0
