#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The source turns read-only under a mount: EROFS to whoever writes, reading
# goes on, and so does writing once it is writable again.
TEST_FS=ext4
. "$(dirname "$0")/../lib.sh"

start_ferryfs no_writeback
echo content >"$MNT/file"
mkdir "$MNT/dir"
expect mount -o remount,ro "$SRC"
expect_errno EROFS touch "$MNT/new"
expect_errno EROFS bash -c "echo x >>'$MNT/file'"
expect_errno EROFS rm "$MNT/file"
expect_errno EROFS chmod 600 "$MNT/file"
expect_errno EROFS mkdir "$MNT/dir/sub"
expect_errno EROFS mv "$MNT/file" "$MNT/moved"
expect_errno EROFS truncate -s 0 "$MNT/file"
expect_equal "$(cat "$MNT/file")" content
expect mount -o remount,rw "$SRC"
expect touch "$MNT/new"
echo more >>"$MNT/file"
expect_equal "$(cat "$SRC/file")" "content
more"
stop_ferryfs
