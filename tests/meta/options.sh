#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The options table, --help, the man page and what README and the examples of the
# man page use name the same options.

set -eu -o pipefail
top=${srcdir:-.}
build=${FERRYFS_BUILD:-.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sed -nE 's/^\t\{ "([a-z_]+)", OPTION_.*/\1/p' "$top/src/config.c" |
	sort >"$work/table"
"$build/ferryfs" --help |
	sed -nE 's/^  (\[no_\])?([a-z_]+)(=.*| .*|$)/\2/p' |
	sort >"$work/help"
sed -nE 's/^\.It Cm ([a-z_]+) (,|Ns).*/\1/p' "$build/man/ferryfs.1" |
	sort >"$work/man"
# name=value in backticks or after -o
grep -ohE '(`|-o )[a-z_,=0-9]+=[a-z0-9]+' "$top/README.md" |
	sed -E 's/^(`|-o )//' | tr ',' '\n' |
	sed -nE 's/^(no_)?([a-z_]+)=.*/\2/p' | sort -u >"$work/readme"

[ -s "$work/table" ] || { echo "no options found in config.c"; exit 1; }
diff "$work/table" "$work/help" || { echo "table and --help differ"; exit 1; }
diff "$work/table" "$work/man" || { echo "table and man page differ"; exit 1; }
unknown=$(comm -23 "$work/readme" "$work/table")
[ -z "$unknown" ] || { echo "README uses unknown options: $unknown"; exit 1; }
