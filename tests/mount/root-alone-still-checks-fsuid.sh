#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mounted by root without allow_other: root passes, but who is root except for files
# is checked.
. "$(dirname "$0")/../lib.sh"

start_ferryfs dev,suid
expect "$FERRYFS_BUILD/tests/mount/posix" --native "$SRC" "$MNT" fsuid
stop_ferryfs
