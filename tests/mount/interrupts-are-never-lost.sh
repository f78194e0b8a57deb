#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A signal in the first microseconds of a wait for a lock, as the request is on its
# way to a worker: each wait ends with EINTR, however the two meet.
# tags: stress
. "$(dirname "$0")/../lib.sh"

storm=$FERRYFS_BUILD/tests/mount/interrupt_storm
limit=$((20 * FERRYFS_TEST_SLOWNESS))

for workers in 4 1; do
	start_ferryfs "workers=$workers" || fail "exit code $?"
	pids=()
	for number in 1 2 3 4; do
		for kind in lock flock; do
			"$storm" "$kind" "$MNT/$kind$number" 1000 "$limit" \
				"$((FERRYFS_SEED * 10 + number))" &
			pids+=($!)
		done
	done
	lost=0
	for pid in "${pids[@]}"; do
		wait "$pid" || lost=$((lost + 1))
	done
	[ "$lost" = 0 ] || fail "workers=$workers: interrupts are lost," \
		"$lost of ${#pids[@]} saw it (seed $FERRYFS_SEED)"
	# Nothing of all that is still in the way.
	expect timeout 10 flock -n "$MNT/flock1" true
	stop_ferryfs
done
exit 0
