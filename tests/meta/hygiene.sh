#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Licence lines, white space, what includes what, and that the README names the
# two commands.

cd "${srcdir:-.}" || exit 1
bad=0
complain() { echo "$*"; bad=1; }

text=$(find src transport tools tests bootstrap .ci man configure.ac \
	Makefile.am README.md HACKING.md CHANGELOG.md -type f \
	! -path '*/corpus/*' ! -name '*.txt' ! -name '*.mdoc' ! -name 'ferryfs.1')
sources=$(printf '%s\n' $text | grep -vE '\.md$')

missing=$(grep -L 'SPDX-License-Identifier: GPL-2.0-or-later' $sources)
[ -z "$missing" ] || complain "no SPDX line: $missing"
trailing=$(grep -nE '[[:space:]]+$' $text | head)
[ -z "$trailing" ] || complain "trailing space: $trailing"
upward=$(grep -nE '#include "(\.\./|transport/)' src/*.[ch])
[ -z "$upward" ] || complain "src/ includes a transport: $upward"
todo=$(grep -nwE 'TODO|FIXME|XXX' $sources | grep -v meta/hygiene)
[ -z "$todo" ] || complain "unfinished: $todo"
for command in './bootstrap demo' './bootstrap check'; do
	grep -qF "$command" README.md || complain "README lacks $command"
done
exit "$bad"
