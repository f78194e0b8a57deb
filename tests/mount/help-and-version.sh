#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -h, -V and their long forms: exit code 0, on stdout, nothing mounted.
. "$(dirname "$0")/../lib.sh"

for option in -h --help; do
	said=$("$FERRYFS" $option 2>"$WORK/stderr") || fail "$option: $?"
	[[ $said == *SOURCE*MOUNTPOINT* && $said == *cache=* ]] ||
		fail "$option says: $said"
	[ ! -s "$WORK/stderr" ] || fail "$option writes to stderr"
done
for option in -V --version; do
	said=$("$FERRYFS" $option 2>"$WORK/stderr") || fail "$option: $?"
	[[ $said == *ferryfs*[0-9]* ]] || fail "$option says: $said"
done
"$FERRYFS" --help >/dev/full 2>/dev/null && fail "a full stdout is no error"
exit 0
