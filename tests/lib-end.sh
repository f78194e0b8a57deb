# SPDX-License-Identifier: GPL-2.0-or-later
#
# How a mount test ends: lib.sh's other half, sourced by it. Unmounts what is still
# mounted, answers before it aborts, and fails the test if anything was left.

# Processes of this namespace that are not this shell's own plumbing, and do not
# end by themselves soon.
left_running()
{
	local folder

	for folder in /proc/[0-9]*; do
		[ "${folder#/proc/}" != 1 ] && [ -s "$folder/cmdline" ] ||
			continue
		[ "$(awk '/^PPid/ { print $2 }' "$folder/status")" = 1 ] &&
			[ "${folder#/proc/}" != "$BASHPID" ] || continue
		await_exit "${folder#/proc/}" 5 && continue
		echo "${folder#/proc/} $(tr '\0' ' ' <"$folder/cmdline")"
	done 2>/dev/null
}

# Mounts below $WORK, innermost first, octal escapes undone.
own_mounts()
{
	awk -v work="$WORK/" 'index($5, work) == 1 { print $5 }' \
		/proc/self/mountinfo | tac | while read -r path; do
		printf '%b\n' "${path//\\/\\0}"
	done
}

# Answer first, abort last: umount, then SIGTERM, then the connection is cut.
take_down()
{
	local path pid

	own_mounts | while IFS= read -r path; do
		timeout 10 umount "$path" 2>/dev/null && continue
		for pid in $(ferryfs_pids "$path"); do
			kill -TERM "$pid"
			await_exit "$pid" 10 || cut_connections
			await_exit "$pid" 5 || kill -KILL "$pid"
		done
		timeout 10 umount "$path" 2>/dev/null ||
			umount -l "$path" 2>/dev/null
	done
	[ -z "$(own_mounts)" ]
}

cut_connections()
{
	local path control=$WORK/fusectl

	mkdir -p "$control" && mount -t fusectl fusectl "$control" || return
	awk -v work="$WORK/" '/ - fuse\./ && index($5, work) == 1 {
		split($3, device, ":"); print device[2] }' \
		/proc/self/mountinfo | while read -r path; do
		echo 1 >"$control/$path/abort"
	done
	umount "$control"
}

show_state()
{
	local folder

	echo "---- processes and where they wait" >&2
	for folder in /proc/[0-9]*/task/[0-9]*; do
		printf '%s %s %s\n' "${folder##*/}" "$(cat "$folder/comm")" \
			"$(head -n 1 "$folder/stack")"
	done >&2 2>/dev/null
}

at_exit()
{
	local status=$? at left

	trap - EXIT TERM
	cd /
	if [ "$status" = 0 ]; then
		for at in "${STARTED[@]}"; do
			mountpoint -q "$at" || continue
			(stop_ferryfs "$at") || status=1
		done
		(check_reports) || status=1
	fi
	[ "$status" = 0 ] || [ "$status" = 77 ] || show_state
	take_down || { echo "FAILED: mounts left" >&2; status=1; }
	left=$(left_running)
	if [ "$status" = 0 ] && [ -n "$left" ]; then
		echo "FAILED: still running: $left" >&2
		status=1
	fi
	exit "$status"
}

on_timeout()
{
	echo "FAILED: time is up" >&2
	exit 1
}
