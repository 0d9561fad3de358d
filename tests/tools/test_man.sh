#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The man pages are well-formed, and say what the code does: commands and options, keys of the configuration, the
# rule language, the ABI; each in both directions.
set -u
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
told=$tmp/log
python=/usr/bin/python3

if command -v mandoc >/dev/null 2>&1; then
    mandoc -Tlint -Wwarning docs/man/*.[0-9] >"$tmp/log" 2>&1
    ok "mandoc finds nothing wrong"
else
    skip "there is no mandoc"
fi
for page in docs/man/*.[0-9]; do
    # shellcheck disable=SC2013 # words
    for to in $(sed -n 's/^\.Xr \([a-z.-]*\) \([0-9]\).*/\1.\2/p' "$page" | grep '^gyr'); do
        [ -e "docs/man/$to" ] || echo "$page: there is no page $to"
    done
done >"$tmp/log"
! grep . "$tmp/log"
ok "the pages that they point to are there"
[ -x $python ] || { skip "there is no $python: pages and code are not compared" && finish; }
$python tests/tools/man.py commands "$gyr" >"$tmp/log" 2>&1
ok "gyr(8): commands and options"
$python tests/tools/man.py keys >"$tmp/log" 2>&1
ok "gyr.yaml(5): keys"
$python tests/tools/man.py rules >"$tmp/log" 2>&1
ok "gyr-rules(5): keys, comparators, transformers"
$python tests/tools/man.py plugin >"$tmp/log" 2>&1
ok "gyr-plugin(7) and the page it points to: structs and functions"
finish
