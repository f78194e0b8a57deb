# SPDX-License-Identifier: GPL-2.0-or-later
#
# What every mount test stands on. A test is a bash script that begins with
#
#	TEST_FS=ext4			# optional: pins the source's filesystem
#	TEST_OPTIONS=cache=none		# optional: pins these options
#	TEST_TIMEOUT=300		# optional: seconds, 120 if not given
#	# tags: stress			# optional: also run under ThreadSanitizer
#	. "$(dirname "$0")/../lib.sh"
#
# and from there on runs in mount and pid namespaces of its own, with a fresh
# filesystem at $SRC, an empty folder $MNT, a scratch folder $WORK and the
# program $FERRYFS. What the test does not pin (filesystem, cache mode, engine,
# ...) is chosen by a hash of FERRYFS_SEED and the test's name, or given by
# FERRYFS_TEST_FS and FERRYFS_TEST_OPTIONS. Whatever happens, nothing outlives
# the test: the pid namespace takes its processes along, and they its mounts.
#
# Exit codes: 0 passed, 77 skipped, anything else failed.

TEST_NAME=$(basename "$0" .sh)
TEST_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${FERRYFS_BUILD:=$PWD}" "${FERRYFS:=$FERRYFS_BUILD/ferryfs}"
: "${TEST_TIMEOUT:=120}" "${FERRYFS_SEED:=1}" "${FERRYFS_TEST_SLOWNESS:=1}"
export FERRYFS FERRYFS_BUILD FERRYFS_SEED LC_ALL=C TZ=UTC
umask 022

skip() { echo "skipped: $*"; exit 77; }
note() { echo "$TEST_NAME: $*"; }

fail()
{
	local frame=0

	echo "FAILED: $*" >&2
	while caller "$frame" >&2; do frame=$((frame + 1)); done
	exit 1
}

need()
{
	local program

	for program; do
		command -v "$program" >/dev/null || skip "no $program here"
	done
}

# ---- the outer half: namespaces, a time limit, and no folder left behind ----

run_inside()
{
	local status limit=$((TEST_TIMEOUT * FERRYFS_TEST_SLOWNESS)) name
	local passed_on=()

	for name in ${!FERRYFS*} srcdir TMPDIR; do
		passed_on+=("$name=${!name:-}")
	done
	if [ "$(id -u)" != 0 ]; then
		[ -n "${FERRYFS_SUDO:-}" ] || skip "needs root"
		exec "$FERRYFS_SUDO" -n env "${passed_on[@]}" bash "$0" "$@"
	fi
	[ -c /dev/fuse ] || skip "no /dev/fuse here"
	[ -x "$FERRYFS" ] || fail "no program $FERRYFS"
	unshare -mpf --propagation private true 2>/dev/null ||
		skip "no mount and pid namespaces here"
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/ferryfs-$TEST_NAME.XXXXXX") ||
		fail "no work folder"
	export WORK
	FERRYFS_TEST_INSIDE=1 timeout --kill-after=20 "$limit" \
		unshare -mpf --kill-child --mount-proc --propagation private \
		bash "$0" "$@" </dev/null
	status=$?
	case $status in
	124 | 137) echo "FAILED: not done after $limit s" >&2; status=1 ;;
	esac
	if [ "$status" != 0 ] && [ "$status" != 77 ]; then
		tail -n 60 "$WORK"/log/{*.log,stderr,sanitizer.*} 2>/dev/null
	fi
	rm -rf --one-file-system "$WORK"
	exit "$status"
}

[ -n "${FERRYFS_TEST_INSIDE:-}" ] || run_inside "$@"
# A test that runs another must not take it for its own inner half.
unset FERRYFS_TEST_INSIDE

# ---- choices ----

# choose WHAT A B C ...: the same one for the same seed, test and WHAT.
choose()
{
	local what=$1 sum

	shift
	sum=$(printf '%s' "$FERRYFS_SEED/$TEST_NAME/$what" | cksum)
	sum=$((${sum%% *} / 7 % $# + 1))
	echo "${!sum}"
}

# Options in the order given; of two for the same thing the later one stays.
merge_options()
{
	local -A seen=()
	local -a words=() kept=()
	local joined key i

	joined=$(IFS=,; echo "$*")
	IFS=, read -ra words <<<"$joined"
	for ((i = ${#words[@]} - 1; i >= 0; i--)); do
		key=${words[i]%%=*}
		key=${key#no_}
		[ -n "$key" ] && [ -z "${seen[$key]:-}" ] || continue
		seen[$key]=1
		kept=("${words[i]}" "${kept[@]}")
	done
	(IFS=,; echo "${kept[*]}")
}

choose_options()
{
	local cache writeback=no_writeback

	if [ -n "${FERRYFS_TEST_OPTIONS:-}" ]; then
		merge_options "$FERRYFS_TEST_OPTIONS" "${TEST_OPTIONS:-}"
		return
	fi
	cache=$(choose cache none auto always)
	[ "$cache" = none ] || writeback=$(choose writeback \
		no_writeback writeback)
	case ${TEST_OPTIONS:-} in
	*cache=none*) writeback=no_writeback ;;
	esac
	merge_options "cache=$cache" "$writeback" \
		"engine=$(choose engine uring aio sync)" \
		"workers=$(choose workers 1 4)" \
		"inode_handles=$(choose inode_handles auto never)" \
		"${TEST_OPTIONS:-}"
}

# ---- events ----

# await_exit PID [SECONDS]: until the process has ended, woken by its pidfd.
await_exit()
{
	perl -e '
		my $fd = syscall(434, $ARGV[0] + 0, 0);
		exit 0 if $fd < 0;
		my $bits = "";
		vec($bits, $fd, 1) = 1;
		exit(select($bits, undef, undef, $ARGV[1]) > 0 ? 0 : 1);
	' "$1" "${2:-$((30 * FERRYFS_TEST_SLOWNESS))}"
}

# await_mount PATH PID [SECONDS]: until a fuse.ferryfs is mounted at PATH, woken
# by the mount table; fails if the process ends first.
await_mount()
{
	perl -e '
		my ($path, $pid, $limit) = @ARGV;
		my $end = time + $limit;
		my $pidfd = syscall(434, $pid + 0, 0);
		exit 1 if $pidfd < 0;
		open(my $table, "<", "/proc/self/mountinfo") or exit 1;
		$path =~ s/([ \t\n\\])/sprintf("\\%03o", ord $1)/ge;
		for (;;) {
			seek($table, 0, 0);
			while (my $line = <$table>) {
				my @field = split / /, $line;
				exit 0 if $field[4] eq $path &&
					$line =~ / - fuse\.\S+ /;
			}
			my ($ended, $changed) = ("", "");
			vec($ended, $pidfd, 1) = 1;
			vec($changed, fileno $table, 1) = 1;
			exit 1 if select($ended, undef, $changed,
					 $end - time) <= 0;
			exit 1 if vec($ended, $pidfd, 1);
		}
	' "$1" "$2" "${3:-$((30 * FERRYFS_TEST_SLOWNESS))}"
}

# await_true SECONDS COMMAND...: for what has no event to wait for.
await_true()
{
	local end=$((SECONDS + $1 * FERRYFS_TEST_SLOWNESS))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		read -rt 0.05 <> <(:) || :
	done
}

# ---- the source's filesystem ----

# attach_loop IMAGE: prints the block device. It goes away with its last user.
attach_loop()
{
	local device

	(
		flock 9
		for _ in 1 2 3 4 5; do
			device=$(losetup -f) || break
			[ -b "$device" ] ||
				mknod "$device" b 7 "${device#/dev/loop}"
			losetup "$device" "$1" && echo "$device" && exit 0
		done
		exit 1
	) 9<"$TEST_DIR/lib.sh"
}

# make_fs TYPE FOLDER [MEBIBYTES [MOUNT_OPTIONS]]
make_fs()
{
	local type=$1 folder=$2 size=${3:-512} options=${4:-} image device

	mkdir -p "$folder"
	if [ "$type" = tmpfs ]; then
		mount -t tmpfs -o "size=${size}m,mode=755${options:+,$options}" \
			tmpfs "$folder" || skip "cannot mount tmpfs"
		return
	fi
	need "mkfs.$type" losetup
	image=$(mktemp "$WORK/image.XXXXXX")
	truncate -s "${size}M" "$image"
	case $type in
	ext4) mkfs.ext4 -q -E lazy_itable_init=1 -O ^has_journal "$image" ;;
	xfs) mkfs.xfs -q "$image" ;;
	btrfs) mkfs.btrfs -q "$image" >/dev/null ;;
	*) fail "unknown filesystem $type" ;;
	esac || fail "mkfs.$type"
	device=$(attach_loop "$image") || skip "no loop device to be had"
	if ! mount -t "$type" ${options:+-o "$options"} "$device" "$folder"
	then
		losetup -d "$device"
		skip "this kernel does not mount $type"
	fi
	losetup -d "$device"	# from here on held by the mount alone
	rm -f "$image"
	[ "$type" != ext4 ] || rmdir "$folder/lost+found"
}

# ---- ferryfs ----

# pids of the ferryfs processes that serve mountpoint $1, not of their guards
ferryfs_pids()
{
	local file

	for file in /proc/[0-9]*/cmdline; do
		grep -qzxF -- "$1" "$file" 2>/dev/null || continue
		[ "$(cat "${file%cmdline}comm" 2>/dev/null)" = ferryfs ] ||
			continue
		file=${file#/proc/}
		echo "${file%/cmdline}"
	done
}

# What ferryfs is started with: chosen options, then the reports, then the test's
# own. No writeback without a cache: it would be refused.
start_options()
{
	local options

	options=$(merge_options "$OPTIONS" "$@" \
		"stats_file=$LOG/stats.json")
	[ "${RUN_AS:-0}" = 0 ] || chown -R "${RUN_AS%%:*}" "$LOG"
	case ,$options, in
	*,cache=none,*) options=$(merge_options "$options" no_writeback) ;;
	esac
	echo "$options"
}

# start_ferryfs [OPTIONS...]: a daemon over $SRC at $MNT; sets FERRYFS_PID. Each
# argument is a list for -o; it wins over what was chosen. With RUN_AS=UID it is
# that user's. Returns ferryfs's exit code; what it said is in $LOG/stderr.
start_ferryfs()
{
	local status options

	options=$(start_options "log_file=$LOG/ferryfs.log" "$@")
	STARTED+=("$MNT")
	as_user "${RUN_AS:-0}" "$FERRYFS" -o "$options" "$SRC" "$MNT" \
		>"$LOG/stdout" 2>"$LOG/stderr" </dev/null
	status=$?
	cat "$LOG/stderr" >&2
	[ "$status" = 0 ] || return "$status"
	FERRYFS_PID=$(ferryfs_pids "$MNT" | tail -n 1)
	[ -n "$FERRYFS_PID" ] || fail "ferryfs said 0 and nothing serves $MNT"
}

# The same in the foreground: `wait $FERRYFS_PID` then gives its exit code.
start_ferryfs_foreground()
{
	local options

	options=$(start_options "$@")
	STARTED+=("$MNT")
	AS_USER_EXEC=exec as_user "${RUN_AS:-0}" \
		"$FERRYFS" -f -o "$options" "$SRC" "$MNT" \
		>"$LOG/stdout" 2>"$LOG/stderr" </dev/null &
	FERRYFS_PID=$!
	await_mount "$MNT" "$FERRYFS_PID" ||
		fail "not mounted: $(cat "$LOG/stderr")"
}

# Unmounts $MNT (or $1) and waits until its server is gone.
stop_ferryfs()
{
	local at=${1:-$MNT} pid pids

	pids=$(ferryfs_pids "$at")
	umount "$at" || fail "umount $at"
	for pid in $pids; do
		await_exit "$pid" ||
			fail "ferryfs ($pid) still there after umount"
	done
	check_reports
}

# Fails if a sanitizer or an internal check has spoken.
check_reports()
{
	local report

	for report in "$LOG"/sanitizer.*; do
		[ -e "$report" ] || continue
		head -n 80 "$report" >&2
		fail "sanitizer report"
	done
	! grep -qsE 'runtime error:|AddressSanitizer|ThreadSanitizer' \
		"$LOG"/stderr "$LOG"/ferryfs.log || fail "sanitizer report"
}

# stat_of EXPRESSION-LIKE NAME: a number from the statistics, asked for anew.
# Only top-level and dotted names are understood: `stats_number in_flight`.
stats_number()
{
	local before

	before=$(stat -c %i "$LOG/stats.json" 2>/dev/null || echo none)
	kill -USR1 "$FERRYFS_PID" || fail "no ferryfs to ask"
	await_true 10 stats_are_new "$before" || fail "no statistics"
	perl -MJSON::PP -e '
		local $/;
		my $value = decode_json(<STDIN>);
		$value = ref $value ? $value->{$_} : undef
			for split /\./, $ARGV[0];
		print defined $value ? $value : "", "\n";
	' "$1" <"$LOG/stats.json"
}

stats_are_new()
{
	[ -e "$LOG/stats.json" ] &&
		[ "$(stat -c %i "$LOG/stats.json")" != "$1" ]
}

# ---- users ----

# as_user UID[:GID[,GROUP...]] COMMAND...; AS_USER_EXEC=exec: in place of this shell
as_user()
{
	local who=$1 uid gid groups

	shift
	[ "$who" != 0 ] || { ${AS_USER_EXEC:-} "$@"; return; }
	uid=${who%%:*}
	gid=$uid
	case $who in *:*) gid=${who#*:} ;; esac
	groups=$gid
	gid=${gid%%,*}
	HOME=/ ${AS_USER_EXEC:-} setpriv --reuid "$uid" --regid "$gid" --groups "$groups" \
		--inh-caps=-all -- "$@"
}

# An ordinary user can mount: /dev/fuse is open to all in this namespace, and
# $FERRYFS becomes a copy that they can reach. $MNT becomes the user's ($1).
allow_user_mounts()
{
	need fusermount3 setpriv
	[ -u "$(command -v fusermount3)" ] || skip "fusermount3 is not setuid"
	mkdir -p "$WORK/dev" "$WORK/bin"
	mount -t tmpfs -o mode=755 tmpfs "$WORK/dev" || fail "tmpfs for nodes"
	mknod -m 666 "$WORK/dev/fuse" c 10 229 || skip "no device nodes here"
	chmod 666 "$WORK/dev/fuse"
	mount --bind "$WORK/dev/fuse" /dev/fuse || fail "bind /dev/fuse"
	# fusermount3 wants the user to have a name.
	{ cat /etc/passwd && echo "ferry:x:$1:$1::/:/bin/sh"; } >"$WORK/passwd"
	mount --bind "$WORK/passwd" /etc/passwd || fail "bind /etc/passwd"
	install -m 755 "$FERRYFS" "$WORK/bin/ferryfs"
	FERRYFS=$WORK/bin/ferryfs
	chown "$1" "$MNT"
}

# ---- expectations ----

# expect_errno ENAME COMMAND...: it fails, and says that errno's text.
expect_errno()
{
	local name=$1 text said status

	shift
	text=$(perl -MErrno -e '$! = Errno->can($ARGV[0])->(); print "$!"' \
		"$name")
	said=$("$@" 2>&1)
	status=$?
	[ "$status" != 0 ] || fail "expected $name, succeeded: $*"
	case $said in
	*"$text"*) ;;
	*) fail "expected $name, got '$said': $*" ;;
	esac
}

expect() { "$@" || fail "exit code $?: $*"; }

expect_failure()
{
	! "$@" >/dev/null 2>&1 || fail "succeeded and should not: $*"
}

# expect_equal GOT WANTED [WHAT]
expect_equal()
{
	[ "$1" = "$2" ] || fail "${3:-value}: got '$1', wanted '$2'"
}

expect_same_file()
{
	cmp "$1" "$2" || fail "$1 and $2 differ"
}

# ---- the test begins ----

. "$TEST_DIR/lib-end.sh"

chmod 755 "$WORK"
LOG=$WORK/log
SRC=$WORK/source
MNT=$WORK/mount
STARTED=()
FERRYFS_PID=
mkdir -p "$LOG" "$SRC" "$MNT"
chmod 777 "$LOG"
trap at_exit EXIT
trap on_timeout TERM

export ASAN_OPTIONS="log_path=$LOG/sanitizer:${ASAN_OPTIONS:-}"
export LSAN_OPTIONS="suppressions=$TEST_DIR/lsan.supp:print_suppressions=0"
export UBSAN_OPTIONS="log_path=$LOG/sanitizer:print_stacktrace=1:${UBSAN_OPTIONS:-}"
export TSAN_OPTIONS="log_path=$LOG/sanitizer:${TSAN_OPTIONS:-}"

FS=${FERRYFS_TEST_FS:-$(choose fs ext4 xfs btrfs tmpfs)}
FS=${TEST_FS:-$FS}
OPTIONS=$(choose_options)
note "seed $FERRYFS_SEED, source on $FS, options $OPTIONS"
make_fs "$FS" "$SRC" "${TEST_FS_SIZE:-512}"
