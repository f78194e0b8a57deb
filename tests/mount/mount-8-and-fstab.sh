#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mount -t fuse.ferryfs and a line of fstab, with spaces, colons and commas in
# paths and all the options that mount(8) passes on.
. "$(dirname "$0")/../lib.sh"
need mount.fuse3

# The mount helper looks where root's shell does.
mkdir -p "$WORK/bin"
ln -sf "$FERRYFS" "$WORK/bin/ferryfs"
mount --bind "$WORK/bin" /usr/local/sbin || skip "no /usr/local/sbin"
table=$WORK/fstab

served()
{
	mountpoint -q "$1" || fail "not mounted: $1"
	expect_equal "$(findmnt -no FSTYPE "$1")" fuse.ferryfs "type"
	FERRYFS_PID=$(ferryfs_pids "$1" | tail -n 1)
	expect_equal "$(cat "$1/hello")" hello
	stop_ferryfs "$1"
}

echo hello >"$SRC/hello"
expect mount -t fuse.ferryfs "$SRC" "$MNT"
served "$MNT"
expect mount -t fuse.ferryfs -o allow_other,cache=none,workers=2 "$SRC" "$MNT"
[[ $(findmnt -no OPTIONS "$MNT") == *allow_other* ]] || fail "no allow_other"
served "$MNT"

expect mount -t fuse.ferryfs "$SRC" "$MNT" -o \
	rw,suid,dev,exec,async,nofail,_netdev,noatime,x-foo,x-bar=1,user=nobody
served "$MNT"
expect mount -t fuse.ferryfs -o ro,nosuid,nodev,noexec "$SRC" "$MNT"
[[ $(findmnt -no OPTIONS "$MNT") == *ro,*noexec* ]] || fail "no noexec"
expect_errno EROFS touch "$MNT/x"
served "$MNT"

from="$WORK/with space:colon" to="$WORK/to a space"
mkdir "$from" "$to"
mount --bind "$SRC" "$from"
cat >"$table" <<EOF
${from// /\\040}  ${to// /\\040}  fuse.ferryfs  noauto,rw,suid,dev,exec,allow_other,nofail,_netdev,x-systemd.automount,cache=none  0 0
EOF
expect mount --fstab "$table" "$to"
expect_equal "$(findmnt -no SOURCE "$to")" "$from" "source shown"
served "$to"
expect mount --fstab "$table" -t fuse.ferryfs -a -O no_netdev
mountpoint -q "$to" && fail "noauto was mounted"

# Commas are escaped as fuse_opt wants it.
mkdir "$WORK/a,b"
expect "$FERRYFS" -o 'fsname=x\,y,subtype=odd' "$SRC" "$WORK/a,b"
expect_equal "$(findmnt -no FSTYPE "$WORK/a,b")" fuse.odd
expect_equal "$(findmnt -no SOURCE "$WORK/a,b")" "x,y"
stop_ferryfs "$WORK/a,b"

# What mount(8) has to report it gets, and nothing is mounted.
said=$(mount -t fuse.ferryfs -o cache=wrong "$SRC" "$MNT" 2>&1) &&
	fail "a wrong option mounted"
[[ $said == *cache* ]] || fail "says: $said"
mountpoint -q "$MNT" && fail "mounted by a wrong option"
exit 0
