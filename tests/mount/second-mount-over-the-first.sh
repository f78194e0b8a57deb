#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A second mount at the same place covers the first; unmounting uncovers it.
. "$(dirname "$0")/../lib.sh"

mkdir "$WORK/other"
echo first >"$SRC/file"
echo second >"$WORK/other/file"
start_ferryfs
expect "$FERRYFS" "$WORK/other" "$MNT"
expect_equal "$(cat "$MNT/file")" second
umount "$MNT" || fail "umount of the second"
expect_equal "$(cat "$MNT/file")" first
stop_ferryfs
# A mount of a mount.
start_ferryfs
mkdir "$WORK/again"
expect "$FERRYFS" "$MNT" "$WORK/again"
expect_equal "$(cat "$WORK/again/file")" first
echo through >"$WORK/again/two"
expect_equal "$(cat "$SRC/two")" through
umount "$WORK/again" || fail "umount of the outer"
stop_ferryfs
