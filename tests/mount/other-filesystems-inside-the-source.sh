#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Another filesystem mounted inside the source is shown merged: same content, the
# host's inode numbers, no escape by "..".
. "$(dirname "$0")/../lib.sh"

mkdir "$SRC/sub" "$SRC/local"
mount -t tmpfs none "$SRC/sub"
echo inside >"$SRC/sub/file"
mkdir "$SRC/sub/dir"
start_ferryfs
expect_equal "$(cat "$MNT/sub/file")" inside
expect_equal "$(stat -c %i "$MNT/sub/file")" "$(stat -c %i "$SRC/sub/file")"
echo more >"$MNT/sub/dir/new"
expect_equal "$(cat "$SRC/sub/dir/new")" more
expect_errno EXDEV ln "$MNT/sub/file" "$MNT/local/file"
expect mv "$MNT/sub/file" "$MNT/local/file"
expect_equal "$(cat "$SRC/local/file")" inside
expect_errno EBUSY rmdir "$MNT/sub"
# Two files with one number on two filesystems stay two.
for i in $(seq 30); do echo "a $i" >"$SRC/local/f$i"; echo "b $i" >"$SRC/sub/f$i"; done
for i in $(seq 30); do
	expect_equal "$(cat "$MNT/local/f$i" "$MNT/sub/f$i")" "a $i
b $i"
done
(cd "$MNT" && expect_equal "$(stat -c %i ../mount)" "$(stat -c %i .)")
stop_ferryfs
umount "$SRC/sub"
