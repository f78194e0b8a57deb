#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ferryfs's own source is unpacked, configured, compiled and deleted on a mount.
TEST_TIMEOUT=400
. "$(dirname "$0")/../lib.sh"
need make gcc tar

top=$(cd "$TEST_DIR/.." && pwd)
[ -e "$top/configure" ] || skip "no configure in $top"
start_ferryfs dev,suid
tar -C "$top" --exclude=./build --exclude=./.git -cf "$MNT/ferryfs.tar" . ||
	fail "tar"
mkdir "$MNT/tree"
expect tar -C "$MNT/tree" -xf "$MNT/ferryfs.tar"
(cd "$top" && tar --exclude=./build --exclude=./.git -cf - .) |
	tar -C "$SRC/tree" -df - || fail "unpacked differently"
cd "$MNT/tree" || fail "cd"
# All of one time, or make would make them again.
touch -d "@$(date +%s)" aclocal.m4 configure Makefile.in
mkdir out && cd out || fail "cd"
../configure >"$WORK/configure.log" 2>&1 ||
	fail "configure: $(tail -n 20 "$WORK/configure.log")"
make -j2 ferryfs CFLAGS=-O0 >"$WORK/make.log" 2>&1 ||
	fail "make: $(tail -n 20 "$WORK/make.log")"
expect ./ferryfs --version
cd /
expect_same_file "$MNT/tree/out/ferryfs" "$SRC/tree/out/ferryfs"
expect rm -r "$MNT/tree"
expect_equal "$(ls "$SRC")" ferryfs.tar "what is left"
stop_ferryfs
