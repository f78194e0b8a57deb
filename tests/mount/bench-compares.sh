#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ferryfs-bench measures native, ferryfs and a peer (ferryfs again, as a command
# that becomes a daemon): every row gets its numbers, the JSON holds each sample,
# a contender that does not mount is named with what it said, and nothing is left
# behind.
. "$(dirname "$0")/../lib.sh"

BENCH=$FERRYFS_BUILD/ferryfs-bench
[ -x "$BENCH" ] || skip "no ferryfs-bench was built"
ROWS='stat-4,create-4,rename-1,unlink-4,mkdir-1,tree-*'
if command -v fio >/dev/null; then
	ROWS=$ROWS,seq-write,rand-read,mmap-rand-read
else
	note "no fio: without the data rows"
fi

"$BENCH" --quick --runs 2 --files 200 --size 2M --dir "$SRC" --rows "$ROWS" \
	--ferryfs "$FERRYFS" -o "$OPTIONS" --variant 'plain=engine=sync' \
	--peer "again=$FERRYFS {src} {mnt}" --json "$WORK/result.json" \
	>"$WORK/table" 2>"$WORK/said" || fail "ferryfs-bench: $(cat "$WORK/said")"
cat "$WORK/table"

perl -MJSON::PP -e '
	local $/;
	my $all = decode_json(<STDIN>);
	my @rows = @{$all->{rows}};
	die "only " . @rows . " rows\n" if @rows < 7;
	for my $row (@rows) {
		my @results = @{$row->{results}};
		die "$row->{row}: " . @results . " contenders\n"
			if @results != 4;
		for my $r (@results) {
			my @bad = grep { !($_ > 0) } @{$r->{samples}};
			die "$row->{row}: $r->{contender}: samples\n"
				if @bad || @{$r->{samples}} != 2;
			die "$row->{row}: $r->{contender}: no ratio\n"
				if !$r->{to_native};
		}
		die "$row->{row}: ferryfs against the peer\n"
			if !$results[1]{to_best_peer};
	}
' <"$WORK/result.json" || fail "the JSON file"
[ -z "$(ls -A "$SRC")" ] || fail "left behind: $(ls -A "$SRC")"

"$BENCH" --quick --dir "$SRC" --rows stat-1 --ferryfs "$FERRYFS" \
	--peer 'broken=echo no such boat >&2; exit 5; {mnt}' \
	>"$WORK/table" 2>"$WORK/said"
[ $? = 1 ] || fail "a peer that does not mount: not exit code 1"
for text in broken: 'exit code 5' 'no such boat'; do
	grep -qF "$text" "$WORK/said" || fail "not said: $text"
done

"$BENCH" --rows 'nothing*' --ferryfs "$FERRYFS" 2>/dev/null
[ $? = 2 ] || fail "unknown rows: not exit code 2"
[ -z "$(ls -A "$SRC")" ] || fail "left behind: $(ls -A "$SRC")"
! grep -q ' - fuse' /proc/self/mountinfo || fail "a mount is left"
