#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An ordinary user mounts by fusermount3: acts as that user, owns what is made, is
# refused what the user is refused, and unmounts by fusermount3 -u.
. "$(dirname "$0")/../lib.sh"

user=61001
allow_user_mounts "$user"
chown "$user" "$SRC"
echo secret >"$SRC/roots"
chmod 600 "$SRC/roots"
mkdir -m 755 "$SRC/rootdir"
RUN_AS=$user start_ferryfs
me() { as_user "$user" "$@"; }

expect me touch "$MNT/new"
expect_equal "$(stat -c '%u %g' "$SRC/new")" "$user $user" "owner"
expect me mkdir "$MNT/dir"
expect me bash -c "echo hello >'$MNT/dir/file'; cat '$MNT/dir/file'" >/dev/null
expect_equal "$(cat "$SRC/dir/file")" hello
expect_errno EACCES me cat "$MNT/roots"
expect_errno EACCES me touch "$MNT/rootdir/x"
expect_errno EPERM me chmod 644 "$MNT/roots"
expect_errno EPERM me chown 0 "$MNT/new"
expect me chmod 4711 "$MNT/new"
expect me mv "$MNT/new" "$MNT/dir/moved"
expect me ln "$MNT/dir/moved" "$MNT/hard"
expect me rm "$MNT/hard"
expect me flock "$MNT/dir/file" true
expect me tar -C /usr/include -cf "$MNT/t.tar" linux/fuse.h linux/fs.h
expect me tar -C "$MNT/dir" -xf "$MNT/t.tar"
expect_same_file /usr/include/linux/fs.h "$SRC/dir/linux/fs.h"
# Others, root too, are kept out without allow_other.
expect_errno EACCES ls "$MNT"
expect_errno EACCES as_user 61002 ls "$MNT"
me ls "$MNT" >/dev/null || fail "the user cannot list"

[ "$(awk '/^Uid/ { print $2, $3 }' "/proc/$FERRYFS_PID/status")" = \
	"$user $user" ] || fail "ferryfs runs as another"
mkdir "$WORK/second"
chown "$user" "$WORK/second"
if said=$(me "$FERRYFS" -o allow_other "$SRC" "$WORK/second" 2>&1); then
	note "allow_other is permitted here"
	expect me fusermount3 -u "$WORK/second"
else
	[[ $said == *user_allow_other* ]] || fail "no hint: $said"
fi
expect me fusermount3 -u "$MNT"
expect await_exit "$FERRYFS_PID"
exit 0
