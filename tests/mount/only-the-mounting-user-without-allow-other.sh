#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mounted by root without allow_other: others are kept out.
. "$(dirname "$0")/../lib.sh"

echo hello >"$SRC/hello"
start_ferryfs
expect_errno EACCES as_user 61001 cat "$MNT/hello"
expect_equal "$(cat "$MNT/hello")" hello
stop_ferryfs
start_ferryfs allow_other
expect_equal "$(as_user 61001 cat "$MNT/hello")" hello
stop_ferryfs
