#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What fio writes over the uring engine is what it reads.
TEST_OPTIONS=engine=uring
TEST_TIMEOUT=240
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../lib-fio.sh"
exit 0
