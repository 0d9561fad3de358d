#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run-tests.sh [-l LOGS] [-j JOBS] [-t SECONDS] PROGRAM…
# Run test programs and scripts, each on its own and for a limited time, and sum them up. What they
# print is TAP ("ok", "not ok", "# SKIP"); a program that prints none counts as one test by its exit
# status, 77 meaning skipped. The last line is "N passed, N failed, N skipped"; the exit status is 1
# when one failed.
set -u
export LC_ALL=C
logs=${TMPDIR:-/tmp}/gyr-tests.$$ jobs=$(nproc 2>/dev/null || echo 2) limit=300
while getopts l:j:t: o; do
    case $o in
    l) logs=$OPTARG ;;
    j) jobs=$OPTARG ;;
    t) limit=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
rm -rf "$logs"
mkdir -p "$logs" || exit 1

export CMOCKA_MESSAGE_OUTPUT=TAP
export ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1:${ASAN_OPTIONS-}"
export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS-}"
export TSAN_OPTIONS="halt_on_error=1:${TSAN_OPTIONS-}"

# One test: the log holds what it printed, .sum its counts.
# shellcheck disable=SC2016 # the inner shell expands these
one='
name=$(basename "$3"); log=$1/$name.log
case $3 in *.sh) set -- "$1" "$2" sh "$3" ;; *) set -- "$1" "$2" "$3" ;; esac
dir=$1 limit=$2; shift 2
timeout -k 5 "$limit" "$@" >"$log" 2>&1 </dev/null
rc=$?
awk -v rc=$rc -v name="$name" -v limit="$limit" "
    /^(not )?ok( |\$)/ { seen++; if (/# *SKIP/) skip++; else if (/^not/) bad++; else ok++ }
    /^1\.\.[0-9]+/ { plan += substr(\$1, 4) }
    END {
        if (!seen && !plan && rc == 0) ok++
        else if (!seen && !plan && rc == 77) skip++
        else if (rc == 124 || rc == 137) { bad++; why = \" (stopped after \" limit \" s)\" }
        else if (rc != 0 && !bad) { bad++; why = \" (exit status \" rc \")\" }
        else if (plan > seen) { bad += plan - seen; why = \" (ended early)\" }
        printf \"%d %d %d\n\", ok, bad, skip > \"$dir/$name.sum\"
        printf \"  %-6s %s: %d passed\", bad ? \"FAIL\" : ok ? \"ok\" : \"skip\", name, ok
        if (bad) printf \", %d failed%s\", bad, why
        if (skip) printf \", %d skipped\", skip
        print \"\"
    }" "$log"'
alone='/live/|/kernels/|_live\.sh$|_names\.sh$|_run\.sh$|/test_unruly\.sh$'
printf '%s\n' "$@" | grep -Ev "$alone" | xargs -r -P "$jobs" -n 1 sh -c "$one" sh "$logs" "$limit"
printf '%s\n' "$@" | grep -E "$alone" | xargs -r -n 1 sh -c "$one" sh "$logs" "$limit"

for log in "$logs"/*.log; do
    [ -e "$log" ] || continue
    read -r _ bad skip <"${log%.log}.sum" || bad=1 skip=0
    if [ "$bad" -gt 0 ]; then
        printf '\n---- %s ----\n' "$(basename "$log" .log)"
        tail -c 20000 "$log"
    elif [ "$skip" -gt 0 ]; then
        printf '%s: ' "$(basename "$log" .log)"
        grep -m 1 '# *SKIP' "$log" || printf 'skipped\n'
    fi
done

# A test that left no sum did not run, which is a failure.
cat "$logs"/*.sum 2>/dev/null | awk -v n=$# '
    { ok += $1; bad += $2; skip += $3 }
    END {
        if (NR != n) bad += n - NR
        printf "%d passed, %d failed, %d skipped\n", ok, bad, skip
        exit bad > 0
    }'
