#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# git clones, commits, branches and packs on a mount; a tree comes back from tar
# and cp as it went.
. "$(dirname "$0")/../lib.sh"
need git tar

export HOME=$WORK GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b
export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
quiet() { "$@" >"$WORK/out" 2>&1 || fail "$*: $(cat "$WORK/out")"; }

start_ferryfs dev,suid
mkdir "$MNT/origin"
cp -r "$TEST_DIR"/. "$MNT/origin/"
quiet git -C "$MNT/origin" init
quiet git -C "$MNT/origin" add -A
quiet git -C "$MNT/origin" commit -m one
quiet git clone --no-hardlinks "$MNT/origin" "$MNT/clone"
quiet git -C "$MNT/clone" checkout -b other
for i in $(seq 20); do
	echo "$i" >"$MNT/clone/file$i"
	quiet git -C "$MNT/clone" add -A
	quiet git -C "$MNT/clone" commit -m "$i"
done
quiet git -C "$MNT/clone" gc
quiet git -C "$MNT/clone" fsck --full
quiet git -C "$MNT/clone" checkout -
quiet git clone "$MNT/clone" "$MNT/linked"
expect_equal "$(git -C "$MNT/clone" status --porcelain)" "" "status"
quiet git -C "$SRC/clone" -c safe.directory='*' fsck --full

expect tar -C /usr/include -cf "$MNT/include.tar" linux
mkdir "$MNT/include"
expect tar -C "$MNT/include" -xf "$MNT/include.tar"
expect tar -C /usr/include -df "$MNT/include.tar"
expect tar -C "$MNT/include" -df "$MNT/include.tar"
expect cp -a "$MNT/include" "$MNT/copy"
expect diff -r "$MNT/include" "$SRC/copy"
(cd "$MNT/copy" && find . -type f -exec cksum {} + | sort) >"$WORK/seen"
(cd "$SRC/include" && find . -type f -exec cksum {} + | sort) >"$WORK/there"
expect_same_file "$WORK/there" "$WORK/seen"
stop_ferryfs
