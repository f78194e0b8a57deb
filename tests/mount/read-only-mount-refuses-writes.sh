#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -o ro: everything reads, nothing changes.
. "$(dirname "$0")/../lib.sh"

echo content >"$SRC/file"
mkdir "$SRC/dir"
before=$(stat -c '%a %u %Y %Z %s' "$SRC/file" "$SRC/dir" "$SRC")
start_ferryfs ro
[[ $(findmnt -no OPTIONS "$MNT") == ro,* ]] || fail "not shown as ro"
expect_equal "$(cat "$MNT/file")" content
expect_equal "$(ls "$MNT" | xargs)" "dir file"
expect_errno EROFS touch "$MNT/new"
expect_errno EROFS rm -f "$MNT/file"
expect_errno EROFS mv "$MNT/file" "$MNT/moved"
expect_errno EROFS mkdir "$MNT/new"
expect_errno EROFS rmdir "$MNT/dir"
expect_errno EROFS chmod 600 "$MNT/file"
expect_errno EROFS chown 1 "$MNT/file"
expect_errno EROFS truncate -s 0 "$MNT/file"
expect_errno EROFS ln "$MNT/file" "$MNT/hard"
expect_errno EROFS ln -s x "$MNT/link"
expect_errno EROFS bash -c "echo x >>'$MNT/file'"
expect_equal "$(stat -c '%a %u %Y %Z %s' "$SRC/file" "$SRC/dir" "$SRC")" \
	"$before" "the source's attributes"
stop_ferryfs
