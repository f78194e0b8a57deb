#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is removed, replaced or retyped behind our back: an error or the new thing,
# never another file's content, never a crash.
TEST_OPTIONS=cache=none
. "$(dirname "$0")/../lib.sh"

start_ferryfs
mkdir -p "$SRC/dir/sub"
echo old >"$SRC/dir/file"
exec 5<"$MNT/dir/file"
expect_equal "$(cat "$MNT/dir/file")" old
mv "$SRC/dir/file" "$SRC/dir/kept"
echo new >"$SRC/dir/file"
expect_equal "$(cat <&5)" old "the open file"
exec 5<&-
expect_equal "$(cat "$MNT/dir/file")" new
expect_equal "$(cat "$MNT/dir/kept")" old

# A file becomes a directory, a directory a symlink out of the tree.
rm "$SRC/dir/file"
mkdir "$SRC/dir/file"
touch "$SRC/dir/file/inside"
expect_equal "$(ls "$MNT/dir/file")" inside
rm -r "$SRC/dir/file"
ln -s /etc/passwd "$SRC/dir/file"
expect_equal "$(readlink "$MNT/dir/file")" /etc/passwd
rm -r "$SRC/dir/sub"
ln -s /etc "$SRC/dir/sub"
expect_equal "$(stat -c %F "$MNT/dir/sub")" "symbolic link"

# The working directory of a user of the mount is removed and made anew.
mkdir "$SRC/cwd"
(
	cd "$MNT/cwd" || exit 1
	rmdir "$SRC/cwd"
	mkdir "$SRC/cwd"
	touch "$SRC/cwd/other"
	! ls other 2>/dev/null
) || fail "another directory's content showed"

# Everything.
for i in $(seq 200); do echo "$i" >"$SRC/f$i"; done
cat "$MNT"/f* >/dev/null
rm -r "${SRC:?}"/*
expect_failure stat "$MNT/f1"
expect_equal "$(ls "$MNT")" ""
echo alive >"$MNT/alive"
expect_equal "$(cat "$SRC/alive")" alive
stop_ferryfs
