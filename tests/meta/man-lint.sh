#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The manuals as they are installed please mandoc and say what they must.

command -v mandoc >/dev/null || { echo "skipped: no mandoc here"; exit 77; }
page=${FERRYFS_BUILD:-.}/man/ferryfs.1
mandoc -T lint -W warning "$page" "${srcdir:-.}"/man/*.1 || exit 1
for section in 'EXIT STATUS' SIGNALS EXAMPLES; do
	grep -qE "^\.S[hs] \"?$section" "$page" ||
		{ echo "no section $section"; exit 1; }
done
