#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lint.sh FILE…: check C files, and every script, with the tools that are there; what is missing is
# named. Exit status 1 when one found something.
set -u
bad=0

have() {
    command -v "$1" >/dev/null 2>&1 && return 0
    printf 'lint: %s is not installed; skipped\n' "$1"
    return 1
}

step() { # NAME COMMAND…
    name=$1
    shift
    printf 'lint: %s\n' "$name"
    "$@" || { bad=1; printf 'lint: %s found something\n' "$name"; }
}

# shellcheck disable=SC2317,SC2016 # step calls it; the inner shell expands its text
tidy() {
    printf '%s\n' "$@" | xargs -P "$(nproc)" -n 8 sh -c \
        'clang-tidy --quiet "$@" -- -std=gnu17 -D_GNU_SOURCE -Isdk -Icore -Iplugins/common -Ibuild/release/gen \
            2>/dev/null' sh
}

others=$(git ls-files -co --exclude-standard '*.sh' '*.def' '*.yaml' '*.mk' Makefile '*/Kbuild' \
    .ci/run tests/tools/checksrc ':!tests/fuzz/corpus')
scripts=$(git ls-files -co --exclude-standard '*.sh' .ci/run tests/tools/checksrc)
# The analysers read what ships. They do not know that an assertion of cmocka ends a test, and
# nothing of the kernel, whose style its module has (.clang-format there).
ships=
for f in "$@"; do
    case $f in tests/* | plugins/sources/kmod/module/*) ;; *.c) ships="$ships $f" ;; esac
done

# shellcheck disable=SC2086 # lists are meant to split
{
    step checksrc sh tests/tools/checksrc "$@" $others
    have clang-format && step clang-format clang-format --dry-run -Werror "$@"
    have shellcheck && step shellcheck shellcheck $scripts
    have cppcheck && step cppcheck cppcheck --quiet --error-exitcode=1 --inline-suppr \
        --enable=warning,portability --suppressions-list=tests/tools/cppcheck.txt \
        --std=c11 -D__x86_64__ -Isdk -Icore -Iplugins/common -j "$(nproc)" $ships
    have clang-tidy && step clang-tidy tidy $ships
}
exit $bad
