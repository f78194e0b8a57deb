#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Files of at most 500 lines, functions of at most 70 lines between their braces,
# in C and shell alike.

cd "${srcdir:-.}" || exit 1
files=$(find src transport tools tests bootstrap .ci -type f \
	\( -name '*.[ch]' -o -name '*.sh' -o -name 'run*' -o -name bootstrap \))
found=$(awk '
	FNR == 1 { start = 0 }
	FNR == 501 { print FILENAME ": over 500 lines" }
	/^\{/ { start = FNR }
	/^\}/ {
		if (start && FNR - start - 1 > 70)
			printf "%s:%d: function of %d lines\n", FILENAME,
				start, FNR - start - 1
		start = 0
	}
' $files)
[ -z "$found" ] || { echo "$found"; exit 1; }
