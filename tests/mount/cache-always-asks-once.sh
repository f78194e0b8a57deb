#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cache=always: what the kernel knows it does not ask again, and what the mount
# writes is in the source all the same.
TEST_OPTIONS=cache=always,no_writeback
. "$(dirname "$0")/../lib.sh"

requests()
{
	local count

	count=$(stats_number "requests.$1.count")
	echo "${count:-0}"
}

mkdir "$SRC/dir"
echo content >"$SRC/dir/file"
start_ferryfs
expect_equal "$(cat "$MNT/dir/file")" content
expect_failure stat "$MNT/dir/missing"
lookups=$(requests LOOKUP)
getattrs=$(requests GETATTR)
reads=$(requests READ)
for _ in $(seq 50); do
	stat -t "$MNT/dir/file" >/dev/null
	cat "$MNT/dir/file" >/dev/null
	[ ! -e "$MNT/dir/missing" ] || fail "missing is there"
done
expect_equal "$(requests LOOKUP)" "$lookups" "LOOKUPs"
expect_equal "$(requests READ)" "$reads" "READs"
[ $(($(requests GETATTR) - getattrs)) -lt 10 ] ||
	fail "attributes are asked for again"
[ "$reads" -lt 5 ] || fail "$reads READs for one file"

echo changed >"$MNT/dir/file"
expect_equal "$(cat "$SRC/dir/file")" changed
expect_equal "$(cat "$MNT/dir/file")" changed
mv "$MNT/dir/file" "$MNT/dir/moved"
expect_failure stat "$MNT/dir/file"
expect_equal "$(ls "$SRC/dir")" moved
touch "$MNT/dir/missing"
[ -e "$MNT/dir/missing" ] || fail "missing is missing"
stop_ferryfs
