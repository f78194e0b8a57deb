# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the tests with few descriptors share; sourced after lib.sh: 20,000 files are
# walked, written and deleted under ulimit -n 1024.

# make_tree: 40 directories of 500 files each.
make_tree()
{
	local dir

	for dir in $(seq 40); do
		mkdir "$SRC/$dir"
		(cd "$SRC/$dir" && seq 500 | xargs touch)
	done
}

make_tree
ulimit -n 1024
start_ferryfs
walked=$(find "$MNT" -type f -printf x | wc -c)
expect_equal "$walked" 20000 "files found"
note "$(stats_number inodes) inodes, $(stats_number inode_fds) descriptors"
[ "$(stats_number inode_fds)" -lt 1024 ] || fail "too many descriptors"
[ "$(ls "/proc/$FERRYFS_PID/fd" | wc -l)" -lt 1024 ] || fail "and more"

# All are known to the kernel now; each can still be had, in any order.
(cd "$MNT" && for dir in 1 20 40; do
	for file in 1 250 500; do echo "$dir/$file" >"$dir/$file" || exit 1; done
done) || fail "writing after the walk"
expect_equal "$(cat "$SRC/20/250")" 20/250
find "$MNT" -type f -exec stat -c %i {} + | sort >"$WORK/seen"
find "$SRC" -type f -exec stat -c %i {} + | sort >"$WORK/there"
expect_same_file "$WORK/seen" "$WORK/there"
expect mv "$MNT/1" "$MNT/renamed"
expect_equal "$(cat "$MNT/renamed/250")" 1/250
expect_equal "$(find "$MNT" -type f | wc -l)" 20000 "after a rename"
expect rm -r "$MNT"/[0-9]* "$MNT/renamed"
expect_equal "$(ls "$SRC")" "" "what is left"
stop_ferryfs
