#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The parent's 0 means served: the first call after it works; failures to mount
# come as exit code 1 with the reason on stderr.
. "$(dirname "$0")/../lib.sh"

echo hello >"$SRC/hello"
for _ in $(seq 10); do
	"$FERRYFS" "$SRC" "$MNT" || fail "exit code $?"
	expect_equal "$(cat "$MNT/hello")" hello
	stop_ferryfs
done

# It has let go of the terminal, the working directory and our descriptors.
mkdir "$WORK/cwd"
out=$(cd "$WORK/cwd" && "$FERRYFS" "$SRC" "$MNT" 2>&1) || fail "$out"
rmdir "$WORK/cwd"
FERRYFS_PID=$(ferryfs_pids "$MNT")
expect_equal "$(readlink "/proc/$FERRYFS_PID/cwd")" / "working directory"
expect_equal "$(readlink "/proc/$FERRYFS_PID/fd/1")" /dev/null "stdout"
read -r _ _ _ _ _ session _ <"/proc/$FERRYFS_PID/stat"
[ "$session" != "$(awk '{ print $6 }' "/proc/$$/stat")" ] || fail "same session"
stop_ferryfs

# In the foreground the end by umount is exit code 0.
start_ferryfs_foreground
umount "$MNT"
wait "$FERRYFS_PID"
expect_equal $? 0 "exit code in the foreground"

# No device to ask: 1, with the reason.
mkdir "$WORK/nodev"
mount -t tmpfs none "$WORK/nodev"
touch "$WORK/nodev/fuse"
mount --bind "$WORK/nodev/fuse" /dev/fuse
said=$("$FERRYFS" "$SRC" "$MNT" 2>&1)
expect_equal $? 1 "exit code without /dev/fuse"
[[ $said == ferryfs:*fuse* ]] || fail "says: $said"
mountpoint -q "$MNT" && fail "mounted without /dev/fuse"
umount /dev/fuse
exit 0
