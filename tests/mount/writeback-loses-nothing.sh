#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The write-back cache: appending, writing part of a page by a descriptor that
# cannot read, times that were set, all as without it.
TEST_OPTIONS=writeback,cache=auto
. "$(dirname "$0")/../lib.sh"

start_ferryfs
printf '0123456789' >"$SRC/part"
printf 'AB' | dd of="$MNT/part" bs=1 seek=4 conv=notrunc status=none
expect_equal "$(cat "$SRC/part")" 0123AB6789 "part of a page"
for i in $(seq 200); do echo "line $i" >>"$MNT/log"; done
seq -f 'line %g' 200 >"$WORK/lines"
expect_same_file "$WORK/lines" "$SRC/log"

# A set time is not undone by data that was written before it.
echo data >"$MNT/timed"
touch -d @1000000000 "$MNT/timed"
expect_equal "$(stat -c %Y "$MNT/timed")" 1000000000 "time in the mount"
expect_equal "$(stat -c %Y "$SRC/timed")" 1000000000 "time in the source"
cp -p /etc/passwd "$MNT/kept"
expect_equal "$(stat -c %Y "$SRC/kept")" "$(stat -c %Y /etc/passwd)" "cp -p"

# The time of a write is the source's too, once it is closed.
touch -d @1000000000 "$MNT/timed"
now=$(date +%s)
echo more >>"$MNT/timed"
sync "$MNT/timed"
[ "$(stat -c %Y "$SRC/timed")" -ge "$now" ] || fail "mtime was lost"
expect_equal "$(stat -c %s "$MNT/timed")" 10
exec 5<>"$MNT/open"
head -c 100000 /dev/zero >&5
expect_equal "$(stat -c %s "$MNT/open")" 100000 "size while dirty"
exec 5>&-
expect_equal "$(stat -c %s "$SRC/open")" 100000 "size in the source"
stop_ferryfs
[ "$(stat -c %Y "$SRC/timed")" -ge "$now" ] || fail "mtime was lost"
