#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test_fuzz.sh [FOLDER [OPTION…]]: run every fuzzer of the build folder on its corpus. Without
# arguments: a smoke test of 10,000 inputs and more over all of them, always the same ones.
# With options (-t seconds, -s seed, …) those hold for each.
set -u
cd "$(dirname "$0")/../.." || exit 1
bin=${1:-${GYR_FUZZ:?the folder of the fuzzers}}
[ $# -gt 0 ] && shift
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
n=0 bad=0

for fuzzer in "$bin"/fuzz_*; do
    [ -x "$fuzzer" ] || continue
    name=$(basename "$fuzzer")
    name=${name#fuzz_}
    runs=2000 dict='' words=$name
    case $name in
    capture) seeds="tests/captures" runs=6000 ;;
    process) seeds="tests/captures" runs=2000 ;;
    rules) seeds="rules/*.yaml" runs=4000 ;;
    config) seeds="packaging/gyr.yaml" ;;
    scenario) seeds="rules/tests/*.yaml" runs=4000 ;;
    explain) seeds="tests/fuzz/corpus/rules rules/*.yaml" runs=3000 words=rules ;;
    migrate) seeds="tests/e2e/falco.yaml" runs=4000 ;;
    *) seeds= ;;
    esac
    [ -d "tests/fuzz/corpus/$name" ] && seeds="tests/fuzz/corpus/$name $seeds"
    [ -e "tests/fuzz/$words.dict" ] && dict="-d tests/fuzz/$words.dict"
    n=$((n + 1))
    options="-n $runs -t 90 -s 1"
    [ $# -gt 0 ] && options=$*
    # shellcheck disable=SC2086 # lists are meant to split
    if "$fuzzer" $dict $options $seeds >"$out/log" 2>&1; then
        printf 'ok %d - %s\n' "$n" "$(tail -n 1 "$out/log")"
    else
        printf 'not ok %d - fuzz_%s\n' "$n" "$name"
        tail -n 60 "$out/log" | sed 's/^/# /'
        bad=1
    fi
done
[ "$n" -gt 0 ] || { printf 'not ok 1 - there is no fuzzer in %s\n' "$bin"; n=1 bad=1; }
printf '1..%d\n' "$n"
exit $bad
