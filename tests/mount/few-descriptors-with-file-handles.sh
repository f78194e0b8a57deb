#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 20,000 files under ulimit -n 1024, remembered by file handles.
TEST_OPTIONS=inode_handles=auto,cache=none,readdirplus=auto
TEST_TIMEOUT=240
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../lib-descriptors.sh"
