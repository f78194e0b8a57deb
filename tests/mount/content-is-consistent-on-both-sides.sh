#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cache=none: three threads in the mount and three in the source write and read one
# file; what one side writes the other reads.
# tags: stress
TEST_OPTIONS=cache=none
. "$(dirname "$0")/../lib.sh"

program=$FERRYFS_BUILD/tests/mount/consistency
dd if=/dev/zero of="$SRC/probe" bs=4k count=1 oflag=direct status=none \
	2>/dev/null || skip "no O_DIRECT on $FS"
start_ferryfs
for _ in 1 2 3; do
	expect timeout $((40 * FERRYFS_TEST_SLOWNESS)) "$program" "$MNT/file" \
		"$SRC/file"
	expect "$program" --check "$MNT/file"
done
stop_ferryfs
