#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A wrong option, value or argument: exit code 2, one line that names it and says
# what is allowed, and nothing mounted.
. "$(dirname "$0")/../lib.sh"

# refused TEXT ARGUMENT...
refused()
{
	local text=$1 said status

	shift
	said=$("$FERRYFS" "$@" 2>&1 </dev/null)
	status=$?
	mountpoint -q "$MNT" && fail "mounted: $*"
	expect_equal "$status" 2 "exit code of $*"
	expect_equal "$(wc -l <<<"$said")" 1 "lines: $said"
	[[ $said == "ferryfs: "*$text* ]] || fail "$* says: $said"
}

at=("$SRC" "$MNT")
refused cach -o cach=none "${at[@]}"
refused always -o cache=sometimes "${at[@]}"
refused uring -o engine=steam "${at[@]}"
refused workers -o workers=many "${at[@]}"
refused workers -o workers=100000 "${at[@]}"
refused workers -o workers=-1 "${at[@]}"
refused max_read -o max_read=1 "${at[@]}"
refused max_write -o max_write=10Q "${at[@]}"
refused attr_timeout -o attr_timeout=soon "${at[@]}"
refused fd_limit -o fd_limit= "${at[@]}"
refused xattr -o xattr=yes "${at[@]}"
refused transport -o transport=pigeon "${at[@]}"
refused writeback -o cache=none,writeback "${at[@]}"
refused nonsense -o nonsense "${at[@]}"
refused "nonsense" --nonsense "${at[@]}"
refused MOUNTPOINT "$SRC"
refused SOURCE
refused "too many" "${at[@]}" third
refused source "$WORK/missing" "$MNT"
refused mountpoint "$SRC" "$WORK/missing"
touch "$WORK/file"
refused source "$WORK/file" "$MNT"
refused mountpoint "$SRC" "$WORK/file"
refused log_file -o "log_file=$WORK/missing/log" "${at[@]}"
exit 0
