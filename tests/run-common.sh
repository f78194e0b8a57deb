# SPDX-License-Identifier: GPL-2.0-or-later
#
# For run-check and run-matrix: runs tests through automake's harness, says how
# far it is, and adds up. A test is one program or script, or one step. Expects
# $top, the source tree, and $logs, a folder for logs that is made anew.

passed=0 failed=0 skipped=0
reports=()
rm -rf "$logs"
mkdir -p "$logs"

say() { printf '%5d s  %s\n' "$SECONDS" "$*"; }

# step LABEL COMMAND...: one test; whether it passed
step()
{
	local label=$1 log=$logs/${1//[^a-z0-9-]/-}.log

	shift
	if "$@" >"$log" 2>&1 </dev/null; then
		passed=$((passed + 1))
		say "PASS: $label"
		return 0
	fi
	failed=$((failed + 1))
	reports+=("$log")
	say "FAIL: $label"
	return 1
}

# suite LABEL BUILD_FOLDER TESTS [make's other arguments]: each test one test. TESTS
# may use Makefile.am's lists: '$(unit_tests)'.
suite()
{
	local label=$1 folder=$2 tests=$3 line before
	local log=$logs/${1//[^a-z0-9-]/-}.log

	shift 3
	find "$folder/tests" \( -name '*.trs' -o -name '*.log' \) -delete
	before=$((passed + failed + skipped))
	make -C "$folder" -j"${jobs:-3}" check TESTS="$tests" "$@" \
		</dev/null 2>&1 | tee "$log" | while IFS= read -r line; do
		case $line in
		PASS:* | FAIL:* | SKIP:* | ERROR:*) say "$label  $line" ;;
		esac
	done
	add_results "$folder" "$label"
	[ $((passed + failed + skipped)) != "$before" ] && return
	failed=$((failed + 1))
	reports+=("$log")
	say "FAIL: $label: nothing ran"
}

# Adds up what automake's harness left in FOLDER.
add_results()
{
	local folder=$1 label=$2 trs log copy

	while IFS= read -r trs; do
		log=${trs%.trs}.log
		copy=$logs/${label//[^a-z0-9-]/-}-$(basename "$log")
		case $(sed -n 's/^:global-test-result: //p' "$trs") in
		PASS)
			passed=$((passed + 1))
			;;
		SKIP)
			skipped=$((skipped + 1))
			say "$label  $(basename "$log" .log):" \
				"$(grep '^skipped' "$log" | tail -n 1)"
			;;
		*)
			failed=$((failed + 1))
			cp "$log" "$copy"
			reports+=("$copy")
			;;
		esac
	done < <(find "$folder/tests" -name '*.trs' | sort)
}

# What failed, then the line that counts; ends the program.
finish()
{
	local report

	for report in "${reports[@]}"; do
		echo
		echo "==== ${report#"$top"/}"
		tail -n 80 "$report"
	done
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
	exit
}
