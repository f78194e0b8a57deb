#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The blocks that ext4 keeps for root: another user gets ENOSPC before them, through
# the mount as without it, and root can still write.
TEST_FS=tmpfs
. "$(dirname "$0")/../lib.sh"

need mkfs.ext4 losetup setpriv
user=61002
image=$WORK/reserved.image
SRC=$WORK/reserved
mkdir "$SRC"
truncate -s 40M "$image"
expect mkfs.ext4 -q -m 20 -O ^has_journal "$image"
device=$(attach_loop "$image") || skip "no loop device to be had"
mount -t ext4 "$device" "$SRC" || skip "this kernel does not mount ext4"
losetup -d "$device"
rm -f "$image"
mkdir -m 777 "$SRC/users"

free_now() { stat -f -c %f "$SRC"; }
kept=$(($(free_now) - $(stat -f -c %a "$SRC")))
[ "$kept" -gt 1000 ] || fail "only $kept blocks are reserved"
freed() { [ "$(stat -f -c %a "$SRC")" -gt 4000 ]; }

# fill FOLDER: by a user until it is full, then by root.
fill()
{
	local at=$1 left

	expect_errno ENOSPC as_user "$user" dd if=/dev/zero \
		of="$at/users/fill" bs=64k count=1000 conv=fsync
	left=$(free_now)
	[ "$left" -gt $((kept * 9 / 10)) ] ||
		fail "$at: the user left $left of $kept reserved blocks"
	expect_errno ENOSPC as_user "$user" dd if=/dev/zero \
		of="$at/users/more" bs=64k count=32 conv=fsync
	expect_errno ENOSPC as_user "$user" fallocate -l 2M "$at/users/space"
	[ "$(free_now)" -gt $((kept * 8 / 10)) ] ||
		fail "$at: the user went on to $(free_now) blocks"
	expect dd if=/dev/zero of="$at/roots" bs=64k count=32 conv=fsync \
		status=none
	expect_equal "$(stat -c %s "$SRC/roots")" 2097152 "root's bytes"
	expect fallocate -l 1M "$at/roots-space"
	rm -f "$at/users/"* "$at/roots" "$at/roots-space"
	expect await_true 10 freed
}

fill "$SRC"
for cache in auto none; do
	start_ferryfs "allow_other,cache=$cache,no_writeback"
	fill "$MNT"
	stop_ferryfs
done
exit 0
