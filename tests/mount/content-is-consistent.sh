#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Threads that write and read one file, buffered, by O_DIRECT and libaio, mapped:
# what one writes the others read, and the source has it in the end.
# tags: stress
. "$(dirname "$0")/../lib.sh"

program=$FERRYFS_BUILD/tests/mount/consistency
dd if=/dev/zero of="$SRC/probe" bs=4k count=1 oflag=direct status=none \
	2>/dev/null || skip "no O_DIRECT on $FS"
start_ferryfs
for _ in 1 2 3; do
	expect timeout $((40 * FERRYFS_TEST_SLOWNESS)) "$program" "$MNT/file"
	expect "$program" --check "$MNT/file"
	expect "$program" --check "$SRC/file"
done
stop_ferryfs
expect "$program" --check "$SRC/file"
