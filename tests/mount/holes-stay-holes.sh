#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SEEK_HOLE and SEEK_DATA reach the host: copying a sparse file copies its data.
TEST_OPTIONS=no_writeback
. "$(dirname "$0")/../lib.sh"

truncate -s 64M "$SRC/sparse"
for at in 0 10 33; do
	dd if=/dev/urandom of="$SRC/sparse" bs=64k count=1 seek=$((at * 16)) \
		conv=notrunc status=none
done
start_ferryfs
expect cp --sparse=auto "$MNT/sparse" "$MNT/copy"
expect_same_file "$SRC/sparse" "$SRC/copy"
sync -f "$SRC"
[ "$(stat -c %b "$SRC/copy")" -le 4096 ] ||
	fail "$(stat -c %b "$SRC/copy") blocks for 192 KiB of data"
stop_ferryfs
