#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where io_uring is forbidden (seccomp, as in containers): engine=auto says so, waits
# by epoll and takes aio; engine=uring is refused with the reason; --check tells.
# tags: stress
. "$(dirname "$0")/../lib.sh"

real=$FERRYFS
no_uring=$FERRYFS_BUILD/tests/mount/no_uring
[ -x "$no_uring" ] || fail "no program $no_uring"

"$no_uring" "$real" -o engine=uring "$SRC" "$MNT" 2>"$WORK/refused" &&
	fail "engine=uring was taken without io_uring"
grep -q 'engine=uring.*io_uring.*engine=auto' "$WORK/refused" ||
	fail "the reason is not told: $(cat "$WORK/refused")"
"$no_uring" "$real" --check -o engine=uring "$SRC" "$MNT" >"$WORK/check" &&
	fail "--check finds nothing wrong with engine=uring"
grep -q 'FAIL.*io_uring' "$WORK/check" ||
	fail "--check does not name io_uring: $(cat "$WORK/check")"

# A program that start_ferryfs runs in the place of ferryfs.
cat >"$WORK/ferryfs" <<END
#!/bin/sh
exec "$no_uring" "$real" "\$@"
END
chmod +x "$WORK/ferryfs"
FERRYFS=$WORK/ferryfs
for workers in 1 4; do
	start_ferryfs "engine=auto,workers=$workers,log=info"
	expect grep -q 'waiting by epoll' "$LOG/ferryfs.log"
	expect cp -a /usr/include/linux "$MNT/copy$workers"
	expect diff -r /usr/include/linux "$SRC/copy$workers"
	expect dd if=/dev/urandom of="$MNT/data" bs=1M count=8 conv=fsync \
		status=none
	expect_same_file "$SRC/data" "$MNT/data"
	expect dd if="$MNT/data" of=/dev/null bs=64k iflag=direct status=none
	expect rm -r "$MNT/copy$workers" "$MNT/data"
	stop_ferryfs
done
exit 0
