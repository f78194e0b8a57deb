#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where /dev/fuse cannot be opened once more (an ordinary user's mount), the workers
# cannot clone its descriptor: they share it, and serve as they do otherwise.
TEST_OPTIONS=workers=4,log=debug
# tags: stress
. "$(dirname "$0")/../lib.sh"

user=61001
allow_user_mounts "$user"
chown "$user" "$SRC"
me() { as_user "$user" "$@"; }

# libfuse opens /dev/fuse, may not mount, calls fusermount3 and waits for its end.
# This one closes the door, which is the user's, behind the real one.
tool=$(realpath "$(command -v fusermount3)")
touch "$WORK/bin/fusermount3"
expect mount --bind "$tool" "$WORK/bin/fusermount3"
expect chown "$user" "$WORK/dev/fuse"
cat >"$WORK/bin/wrapper" <<EOF
#!/bin/sh
"$WORK/bin/fusermount3" "\$@"
status=\$?
chmod 0 /dev/fuse
exit \$status
EOF
chmod 755 "$WORK/bin/wrapper"
expect mount --bind "$WORK/bin/wrapper" "$tool"

RUN_AS=$user start_ferryfs || fail "exit code $?"
expect_failure me dd if=/dev/fuse of=/dev/null count=0
expect_equal "$(grep -c 'shares the first descriptor' "$LOG/ferryfs.log")" 3 \
	"workers that share"
expect_equal "$(find "/proc/$FERRYFS_PID/fd" -lname '*/fuse' | wc -l)" 1 \
	"descriptors of /dev/fuse"

pids=()
for copy in 1 2 3 4; do
	me cp -r /usr/include/linux "$MNT/copy$copy" &
	pids+=($!)
done
me dd if=/dev/urandom of="$MNT/data" bs=1M count=16 conv=fsync status=none ||
	fail "writing"
for pid in "${pids[@]}"; do
	wait "$pid" || fail "a copy failed"
done
pids=()
for copy in 1 2 3 4; do
	me diff -r /usr/include/linux "$MNT/copy$copy" &
	pids+=($!)
done
expect me cmp "$SRC/data" "$MNT/data"
for pid in "${pids[@]}"; do
	wait "$pid" || fail "a copy differs"
done
expect diff -r /usr/include/linux "$SRC/copy4"
expect me bash -c "rm -r '$MNT'/*"
expect_equal "$(ls "$SRC")" ""

expect me fusermount3 -u "$MNT"
expect await_exit "$FERRYFS_PID"
exit 0
