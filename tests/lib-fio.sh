# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the fio tests of the engines share; sourced after lib.sh: fio writes at random
# and verifies, by each way to do I/O, with and without the write-back cache.

need fio

# verify NAME OPTION...
verify()
{
	fio --name="$1" --directory="$MNT" --size=12M --rw=randwrite \
		--bsrange=512-96k --blockalign=512 --verify=crc32c \
		--do_verify=1 --verify_fatal=1 --randseed="$FERRYFS_SEED" \
		--fallocate=none --output="$WORK/fio.out" "${@:2}" ||
		fail "fio $1: $(tail -n 20 "$WORK/fio.out")"
	rm -f "$MNT/$1".*
}

for writeback in no_writeback writeback; do
	start_ferryfs cache=auto "$writeback"
	verify "psync-$writeback" --ioengine=psync
	verify "mmap-$writeback" --ioengine=mmap --bs=4k --bsrange=4k-64k \
		--blockalign=4k
	verify "threads-$writeback" --ioengine=psync --numjobs=3 --thread
	if [ "$FS" != tmpfs ]; then
		verify "direct-$writeback" --ioengine=libaio --direct=1 \
			--iodepth=16 --bsrange=4k-128k --blockalign=4k
	fi
	stop_ferryfs
done
