#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Access control lists, extended attributes, inode flags.
. "$(dirname "$0")/../lib.sh"

start_ferryfs allow_other,dev,suid
expect "$FERRYFS_BUILD/tests/mount/posix" --native "$SRC" "$MNT" \
	acl xattr xattr_spaces inode_flags
stop_ferryfs
