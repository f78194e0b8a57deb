#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What fio writes over the sync engine is what it reads.
TEST_OPTIONS=engine=sync
TEST_TIMEOUT=240
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../lib-fio.sh"
exit 0
