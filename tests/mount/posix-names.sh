#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Making and removing names, and what is refused, as several users.
. "$(dirname "$0")/../lib.sh"

start_ferryfs allow_other,dev,suid
expect "$FERRYFS_BUILD/tests/mount/posix" --native "$SRC" "$MNT" \
	paths access mkdir mknod special symlink link unlink rmdir create_owner
stop_ferryfs
