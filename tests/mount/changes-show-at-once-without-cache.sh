#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cache=none: what one side changes the other sees with its next call.
TEST_OPTIONS=cache=none
. "$(dirname "$0")/../lib.sh"

# both WHAT COMMAND...: the command, run in either tree, says the same.
both()
{
	local what=$1 here there

	shift
	here=$(cd "$SRC" && "$@" 2>&1)
	there=$(cd "$MNT" && "$@" 2>&1)
	expect_equal "$there" "$here" "$what"
}

# changes A B: changes made in tree A, looked at in B after each.
changes()
{
	local a=$1 b=$2

	expect_failure stat "$b/file"
	echo one >"$a/file"
	expect_equal "$(cat "$b/file")" one "new file"
	echo three >"$a/file"
	expect_equal "$(cat "$b/file")" three "rewritten file"
	expect_equal "$(stat -c %s "$b/file")" 6 "its size"
	exec 3<"$b/file"
	echo four >>"$a/file"
	expect_equal "$(cat <&3)" "three
four" "appended to, while open"
	exec 3<&-
	chmod 640 "$a/file"
	chown 1:2 "$a/file"
	touch -d @1000000000 "$a/file"
	both "attributes" stat -c '%a %u %g %Y %h' file
	ln "$a/file" "$a/hard"
	expect_equal "$(stat -c %h "$b/file")" 2 "link count"
	mv "$a/file" "$a/moved"
	expect_failure stat "$b/file"
	expect stat -t "$b/moved" >/dev/null
	mkdir "$a/dir"
	expect_equal "$(ls "$b/dir")" "" "empty directory"
	touch "$a/dir/x" "$a/dir/y"
	expect_equal "$(ls "$b/dir" | xargs)" "x y" "listing"
	rm "$a/dir/x"
	expect_equal "$(ls "$b/dir")" y "listing after rm"
	ln -sfn here "$a/link"
	expect_equal "$(readlink "$b/link")" here "symlink"
	ln -sfn there "$a/link"
	expect_equal "$(readlink "$b/link")" there "symlink replaced"
	truncate -s 2 "$a/moved"
	expect_equal "$(cat "$b/moved")" th "truncated"
	rm -r "$a"/*
	expect_equal "$(ls "$b")" "" "emptied"
}

start_ferryfs
for _ in 1 2 3; do
	changes "$SRC" "$MNT"
	changes "$MNT" "$SRC"
done
stop_ferryfs
