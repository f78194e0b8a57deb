#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# open(2) with all its flags, by all classes of users.
. "$(dirname "$0")/../lib.sh"

start_ferryfs allow_other,dev,suid
expect "$FERRYFS_BUILD/tests/mount/posix" --native "$SRC" "$MNT" \
	open open_flags open_race tmpfile unlinked
stop_ferryfs
