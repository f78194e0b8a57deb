#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --check mounts nothing, exits 0 when all is well, else names what is wrong and
# how to mend it.
. "$(dirname "$0")/../lib.sh"

said=$("$FERRYFS" --check "$SRC" "$MNT" 2>&1)
expect_equal $? 0 "exit code when all is well: $said"
mountpoint -q "$MNT" && fail "--check mounted"

# failing TEXT ARGUMENT...
failing()
{
	local text=$1 said

	shift
	said=$("$FERRYFS" --check "$@" 2>&1) && fail "all well for $*: $said"
	[[ $said == *$text* ]] || fail "$* says: $said"
	note "$(grep -m 1 -F "$text" <<<"$said")"
}

failing missing "$WORK/missing" "$MNT"
failing missing "$SRC" "$WORK/missing"
failing cache -o cache=wrong "$SRC" "$MNT"
mkdir "$SRC/inside"
"$FERRYFS" --check "$SRC" "$SRC/inside" >"$WORK/said" 2>&1
note "mountpoint inside the source: $? $(head -n 3 "$WORK/said" | xargs)"

mkdir "$WORK/nodev"
mount -t tmpfs none "$WORK/nodev"
touch "$WORK/nodev/fuse"
mount --bind "$WORK/nodev/fuse" /dev/fuse
failing /dev/fuse "$SRC" "$MNT"
umount /dev/fuse
exit 0
