#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The documented switches exist, and wrong ones are refused with exit code 2.

cd "${srcdir:-.}" || exit 1
for switch in sanitizers=LIST checks fuzzing werror; do
	./configure --help | grep -qe "--enable-$switch" ||
		{ echo "configure --help lacks $switch"; exit 1; }
done
./bootstrap --help | grep -q 'bootstrap check' || exit 1
./bootstrap nonsense 2>/dev/null
[ $? = 2 ] || { echo "bootstrap nonsense: not exit code 2"; exit 1; }
