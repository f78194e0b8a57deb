#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every source and test of the tree is in Makefile.am.

cd "${srcdir:-.}" || exit 1
bad=0
for file in src/*.[ch] transport/*.[ch] tools/*/*.[ch] \
	tests/{unit,contract,mount,fuzz,meta}/*.{c,h,sh}; do
	[ -e "$file" ] || continue
	name=${file%.c}
	grep -qE "(^|[[:space:]])($file|$name)([[:space:]]|\$)" Makefile.am ||
		{ echo "not in Makefile.am: $file"; bad=1; }
done
exit "$bad"
