#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# rules/README.md lists every rule we ship, with its priority, and no other.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
awk '
    /^- rule: / { name = substr($0, 9) }
    /^  priority: / && name != "" { print name " | " tolower($2); name = "" }
' rules/*.yaml >"$tmp/rules"
awk -F' *[|] *' 'NF == 6 && $2 != "rule" && $2 !~ /^-+$/ { print $2 " | " $3 }' rules/README.md \
    >"$tmp/readme"
printf '1..1\n'
if [ -s "$tmp/rules" ] && diff -u "$tmp/readme" "$tmp/rules" >"$tmp/diff"; then
    printf 'ok 1 - rules/README.md lists the rules\n'
    exit 0
fi
printf 'not ok 1 - rules/README.md lists the rules\n'
sed 's/^/# /' "$tmp/diff"
exit 1
