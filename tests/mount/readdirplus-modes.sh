#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# readdirplus=always|never|auto: the same listing, by the requests it says.
TEST_OPTIONS=cache=auto
. "$(dirname "$0")/../lib.sh"

mkdir "$SRC/dir"
(cd "$SRC/dir" && seq 400 | xargs touch && ln -s x link && mkdir sub)
(cd "$SRC/dir" && ls -ln --time-style=+%s) >"$WORK/there"
for mode in always never auto; do
	start_ferryfs "readdirplus=$mode"
	(cd "$MNT/dir" && ls -ln --time-style=+%s) >"$WORK/seen"
	expect_same_file "$WORK/there" "$WORK/seen"
	expect_equal "$(find "$MNT/dir" | wc -l)" 403 "find"
	plus=$(stats_number requests.READDIRPLUS.count)
	plain=$(stats_number requests.READDIR.count)
	case $mode in
	always) [ -n "$plus" ] && [ -z "$plain" ] || fail "$plus, $plain" ;;
	never) [ -z "$plus" ] && [ -n "$plain" ] || fail "$plus, $plain" ;;
	auto) [ -n "$plus" ] || fail "not used at all" ;;
	esac
	stop_ferryfs
done
exit 0
