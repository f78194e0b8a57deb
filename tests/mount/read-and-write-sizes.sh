#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# max_read and max_write bound the requests; content is the same with all of them.
. "$(dirname "$0")/../lib.sh"

head -c 3000017 /dev/urandom >"$WORK/data"
for size in 4k 64k 128k 1M; do
	start_ferryfs cache=none "max_read=$size,max_write=$size"
	expect cp "$WORK/data" "$MNT/data"
	expect_same_file "$WORK/data" "$SRC/data"
	expect_same_file "$MNT/data" "$WORK/data"
	reads=$(stats_number requests.READ.count)
	expect dd if="$MNT/data" of="$MNT/copy" bs=1M status=none
	expect_same_file "$WORK/data" "$SRC/copy"
	reads=$(($(stats_number requests.READ.count) - reads))
	note "$size: $reads READs, $(stats_number requests.WRITE.count) WRITEs"
	case $size in
	4k) [ "$reads" -ge 733 ] || fail "READs exceed max_read=4k" ;;
	1M) [ "$reads" -le 10 ] || fail "$reads READs with max_read=1M" ;;
	esac
	stop_ferryfs
	rm "$SRC"/*
done
exit 0
