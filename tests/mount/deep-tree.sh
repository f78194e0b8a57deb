#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A path of 1,000 directories, deeper than PATH_MAX, made, walked and removed.
. "$(dirname "$0")/../lib.sh"

start_ferryfs
perl -e '
	chdir $ARGV[0] or die "$!";
	for (1 .. 1000) {
		mkdir "deep-$_", 0755 or die "mkdir $_: $!";
		chdir "deep-$_" or die "chdir $_: $!";
	}
	open(my $file, ">", "bottom") or die "open: $!";
	print $file "bottom\n";
	close $file or die "close: $!";
	for (1 .. 1000) { chdir ".." or die "chdir ..: $!"; }
	-d "deep-1" or die "not back at the top";
' "$MNT" || fail "making it"
expect_equal "$(find "$MNT" -type d | wc -l)" 1001 "directories"
expect_equal "$(find "$SRC" -name bottom -execdir cat {} +)" bottom
expect_equal "$(find "$MNT" -name bottom -execdir cat {} +)" bottom
expect rm -r "$MNT/deep-1"
expect_equal "$(ls "$SRC")" ""
stop_ferryfs
