#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The mountpoint inside the source, the source inside its own mount: wrong usage,
# said in one line, and nothing is mounted.
. "$(dirname "$0")/../lib.sh"

# refused SOURCE MOUNTPOINT WORDS
refused()
{
	timeout 20 "$FERRYFS" "$1" "$2" 2>"$WORK/said"
	expect_equal $? 2 "exit code of $1 at $2"
	expect_equal "$(wc -l <"$WORK/said")" 1 "lines"
	grep -q "$3" "$WORK/said" || fail "unclear: $(cat "$WORK/said")"
	! mountpoint -q "$SRC/inside" || fail "mounted"
}

mkdir -p "$SRC/inside/deep" "$WORK/bound"
echo hello >"$SRC/hello"
refused "$SRC" "$SRC/inside" 'inside the source'
refused "$SRC" "$SRC/inside/deep/.." 'inside the source'
refused "$SRC/inside" "$SRC/inside" 'the source itself'
refused "$SRC/inside" "$SRC" 'inside its own mountpoint'
# Another name of the same directory.
expect mount --bind "$SRC" "$WORK/bound"
refused "$WORK/bound" "$SRC/inside" 'inside the source'
umount "$WORK/bound"
[ -z "$(ferryfs_pids "$SRC/inside")" ] || fail "ferryfs is left"
expect_equal "$(cat "$SRC/hello")" hello
exit 0
