#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The mountpoint inside the source, the source inside its own mount: refused with
# a clear line, or harmless. Never a hang.
. "$(dirname "$0")/../lib.sh"

mkdir -p "$SRC/inside/deep"
echo hello >"$SRC/hello"
if timeout 20 "$FERRYFS" "$SRC" "$SRC/inside" 2>"$WORK/said"; then
	expect_equal "$(timeout 10 cat "$SRC/inside/hello")" hello
	timeout 10 find "$SRC/inside" -xdev >/dev/null || fail "find hangs"
	timeout 10 ls -R "$SRC/inside" >/dev/null 2>&1
	[ $? != 124 ] || fail "ls hangs"
	timeout 20 umount "$SRC/inside" || fail "cannot be unmounted"
else
	expect_equal "$(wc -l <"$WORK/said")" 1 "lines"
	note "$(cat "$WORK/said")"
fi
# Over itself, and onto what lies above it.
if timeout 20 "$FERRYFS" "$SRC/inside" "$SRC/inside" 2>"$WORK/said"; then
	timeout 10 ls "$SRC/inside" >/dev/null || fail "ls hangs"
	timeout 20 umount "$SRC/inside" || fail "cannot be unmounted"
else
	note "$(cat "$WORK/said")"
fi
if timeout 20 "$FERRYFS" "$SRC/inside" "$SRC" 2>"$WORK/said"; then
	expect_equal "$(timeout 10 ls "$SRC")" deep
	timeout 20 umount "$SRC" || fail "cannot be unmounted"
else
	note "$(cat "$WORK/said")"
fi
expect_equal "$(cat "$SRC/hello")" hello
exit 0
