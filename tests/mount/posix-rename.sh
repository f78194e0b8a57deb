#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rename(2), sticky directories, reading directories that change.
. "$(dirname "$0")/../lib.sh"

start_ferryfs allow_other,dev,suid
expect "$FERRYFS_BUILD/tests/mount/posix" --native "$SRC" "$MNT" \
	rename rename_flags rename_dirs sticky directory directory_change
stop_ferryfs
