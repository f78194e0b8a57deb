#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What few programs ask for: the time of birth, poll(2) of a regular file, and a file
# opened again by its handle.
. "$(dirname "$0")/../lib.sh"

echo content >"$SRC/old"
start_ferryfs
echo new >"$MNT/new"
mkdir "$MNT/dir"
for name in old new dir; do
	expect_equal "$(stat -c %W "$MNT/$name")" "$(stat -c %W "$SRC/$name")" \
		"birth of $name"
done
[ "$(stat -c %W "$SRC/old")" -gt 0 ] || note "$FS keeps no time of birth"

for mode in '<' '>>'; do
	perl -e '
		open(my $file, $ARGV[0], $ARGV[1]) or die "open: $!";
		my $bits = "";
		vec($bits, fileno $file, 1) = 1;
		my ($read, $write) = ($bits, $bits);
		my $count = select($read, $write, undef, 10);
		die "select: $count" if $count != 2;
	' "$mode" "$MNT/old" || fail "select of a file opened by $mode"
done

case $(uname -m) in
x86_64) calls='303 304' ;;
aarch64 | riscv64) calls='264 265' ;;
*) calls= ;;
esac
if [ -z "$calls" ]; then
	note "handles: unknown machine"
else
	# shellcheck disable=SC2086
	got=$(perl -e '
		my ($to_handle, $by_handle, $path, $root) = @ARGV;
		my $handle = pack("Ll", 128, 0) . "\0" x 128;
		my $mount = pack("l", 0);
		open(my $live, "<", $path) or die "open: $!";
		syscall($to_handle + 0, -100, $path, $handle, $mount, 0) == 0
			or die "name_to_handle_at: $!";
		open(my $top, "<", $root) or die "open $root: $!";
		my $fd = syscall($by_handle + 0, fileno $top, $handle, 0);
		die "open_by_handle_at: $!" if $fd < 0;
		open(my $again, "<&=", $fd) or die "fdopen: $!";
		print <$again>;
	' $calls "$MNT/old" "$MNT") || fail "by handle"
	expect_equal "$got" content "content by handle"
fi
stop_ferryfs
