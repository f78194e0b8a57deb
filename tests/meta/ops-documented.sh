#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every verb of an ops struct has a comment right above it that says whether it is
# required, unless the one above the struct says that all are.

cd "${srcdir:-.}" || exit 1
found=$(awk '
	FNR == 1 { inside = open = 0; above = comment = "" }
	/^struct [a-z_]+_ops \{/ {
		inside = 1
		all = above ~ /All members are required/
		comment = ""
		structs++
		next
	}
	!inside && /^\/\*/ { above = "" }
	!inside { above = above $0; next }
	/^\}/ { inside = 0; next }
	/^\t\/\*/ { comment = $0; open = !/\*\//; next }
	open { comment = comment $0; open = !/\*\//; next }
	/^\t[a-z].*\(\*[a-z_]+\)\(/ {
		if (comment == "" || !all && comment !~ /Required|Optional/)
			print FILENAME ":" FNR ": undocumented: " $0
	}
	/;/ { comment = "" }
	END { if (structs < 2) print "expected more ops structs" }
' src/*.h)
[ -z "$found" ] || { echo "$found"; exit 1; }
