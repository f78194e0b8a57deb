#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The same where ferryfs, not the kernel, has to ask for permission.
# Not with writeback: the kernel sends "now" as a time of its own making then, so that
# nobody can tell who may only touch a file from who sets its times.
TEST_OPTIONS=no_writeback
. "$(dirname "$0")/../lib.sh"

start_ferryfs allow_other,dev,suid,no_default_permissions,no_posix_acl
expect "$FERRYFS_BUILD/tests/mount/posix" --native "$SRC" "$MNT" \
	access open open_flags mkdir mknod create_owner unlink rmdir rename \
	sticky chmod chown truncate utimens
stop_ferryfs
