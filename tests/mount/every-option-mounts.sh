#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each option once: it mounts, a file goes through its life, and what the option
# promises shows.
TEST_TIMEOUT=240
. "$(dirname "$0")/../lib.sh"

hold=$FERRYFS_BUILD/tests/mount/hold
head -c 300000 /dev/urandom >"$WORK/data"

smoke()
{
	expect mkdir "$MNT/dir"
	expect cp "$WORK/data" "$MNT/dir/file"
	expect cmp "$WORK/data" "$MNT/dir/file"
	expect mv "$MNT/dir/file" "$MNT/moved"
	expect_equal "$(cd "$MNT" && echo *)" "dir moved" "names"
	expect_equal "$(stat -c %s "$MNT/moved")" 300000 "size"
	expect_errno ENOENT stat "$MNT/dir/file"
	expect test "$(ls -l "$MNT" | wc -l)" = 3
	expect rm -r "$MNT/dir" "$MNT/moved"
	expect_equal "$(ls "$SRC")" "" "what is left"
}

shown() { findmnt -n -o "$1" --target "$MNT"; }

# try_lock FILE: by fcntl, without waiting
try_lock()
{
	perl -MFcntl=:DEFAULT,:seek -e '
		open(my $file, "+<", $ARGV[0]) or die "open: $!";
		my $lock = pack("s s x4 q q l x4", F_WRLCK, SEEK_SET, 0, 0, 0);
		exit(fcntl($file, F_SETLK, $lock) ? 0 : 1);
	' "$1"
}

# held KIND: a lock that somebody holds through the mount
held()
{
	local ready=$WORK/ready

	: >"$SRC/locked"
	rm -f "$ready"
	mkfifo "$ready"
	"$hold" "$1" "$MNT/locked" >"$ready" &
	holder=$!
	read -r _ <"$ready"
}

release()
{
	kill "$holder"
	wait "$holder" 2>/dev/null
	rm "$SRC/locked"
}

see_no_posix_lock()
{
	held lock
	expect_failure try_lock "$MNT/locked"
	try_lock "$SRC/locked" || fail "the lock has reached the source"
	release
}

see_no_flock()
{
	held flock
	expect_failure flock -n "$MNT/locked" true
	flock -n "$SRC/locked" true || fail "the lock has reached the source"
	release
}

see_no_xattr()
{
	: >"$SRC/file"
	expect_errno ENOTSUP setfattr -n user.x -v y "$MNT/file"
	expect_errno ENOTSUP getfattr -n user.x "$MNT/file"
	rm "$SRC/file"
}

see_posix_acl()
{
	: >"$SRC/file"
	if setfacl -m u:61002:r "$SRC/file" 2>/dev/null; then
		expect setfacl -m u:61003:rw "$MNT/file"
		[[ $(getfacl -cnp "$SRC/file") == *user:61003:rw-* ]] ||
			fail "the ACL is not in the source"
	else
		note "no ACL on $FS"
	fi
	rm "$SRC/file"
}

see_allow_other() { expect as_user 61002 ls "$MNT" >/dev/null; }
see_log() { expect grep -q INIT "$LOG/ferryfs.log"; }
see_fsname() { expect_equal "$(shown SOURCE)" x "source shown"; }
see_subtype() { expect_equal "$(shown FSTYPE)" fuse.y "type shown"; }
see_default_permissions()
{
	[[ $(shown OPTIONS) == *default_permissions* ]] || fail "not shown"
}

need findmnt setfattr setfacl
for options in completion=serialized completion=parallel may_block=off \
	explicit_inval_data,cache=auto fd_limit=64 poll_us=50 \
	max_background=4 attr_timeout=5 entry_timeout=300ms \
	negative_timeout=2s no_xattr no_posix_lock no_flock log=debug \
	readdirplus=always readdirplus=never max_read=4096,max_write=4096 \
	inode_handles=always inode_handles=never workers=1 workers=16 \
	posix_acl allow_other default_permissions fsname=x subtype=y; do
	note "-o $options"
	start_ferryfs "$options" || fail "exit code $?: -o $options"
	smoke
	see=see_${options%%=*}
	[ "$(type -t "$see")" != function ] || "$see"
	stop_ferryfs
done
exit 0
