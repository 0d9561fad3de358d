#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The JSON schemas say what the loader does: same keys, and all that we ship is valid.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

python3 -c 'import jsonschema, yaml' 2>/dev/null || skip_all "python3-jsonschema or python3-yaml is not there"
schemas() { python3 tests/rules/schemas.py "$@" >"$tmp/err" 2>&1; }

schemas keys gyr core/config/*.c
ok "configuration: the loader's keys"
schemas keys rules core/rules/items.c core/rules/rule_item.c core/rules/exception.c core/rules/load.c
ok "rules: the loader's keys"
schemas keys tests core/test/testfile.c plugins/sources/scenario/given.c plugins/sources/scenario/container.c
ok "tests of rules: the loader's keys"

# Each mapping of a schema with all its keys and one that is none: the loader knows all but that one.
plugins=$(cd "$build/plugins" && pwd)
for kind in gyr rules; do
    rm -rf "$tmp/probes" && mkdir "$tmp/probes" && schemas probes $kind "$tmp/probes"
    wrong=1
    [ -e "$tmp/probes/5.yaml" ] && [ ! -s "$tmp/err" ] && wrong=0
    for file in "$tmp"/probes/*.yaml; do
        if [ $kind = gyr ]; then
            "$gyr" check -q -c "$file" >/dev/null 2>"$tmp/said"
        else
            "$gyr" check -q --plugin-dir "$plugins" "$file" >/dev/null 2>"$tmp/said"
        fi
        grep -o "has no key '[^']*'\|unknown key '[^']*'\|'[^']*' cannot be overridden" "$tmp/said" | grep -o "'[^']*'" |
            grep -v "^'zzz'" >"$tmp/unknown"
        grep -q "'zzz'" "$tmp/said" && [ ! -s "$tmp/unknown" ] && continue
        wrong=1
        cat "$file" "$tmp/said" >>"$tmp/err"
    done
    [ $wrong -eq 0 ]
    ok "$kind: the loader knows each key of the schema, where it stands"
done

schemas valid rules rules/*.yaml
ok "our rules are valid"
awk '/^```yaml$/ { n++; out = "'"$tmp"'/doc" n ".yaml"; next } /^```$/ { out = "" } out { print >out }' docs/rules.md
schemas valid rules "$tmp"/doc[0-9]*.yaml
ok "the examples of docs/rules.md are valid"
awk '/^```yaml$/ { n++; out = "'"$tmp"'/test" n ".yaml"; next } /^```$/ { out = "" } out { print >out }' docs/testing-rules.md
grep -L '^- ' "$tmp"/test[0-9]*.yaml | while read -r file; do # a part of a test
    { echo '- test: x' && sed 's/^/  /' "$file"; } >"$tmp/part" && mv "$tmp/part" "$file"
done
schemas valid tests rules/tests/*.yaml tests/fuzz/corpus/scenario/*.yaml "$tmp"/test[0-9]*.yaml
ok "tests of our rules are valid, and the examples of docs/testing-rules.md"
"$gyr" migrate tests/e2e/falco.yaml >"$tmp/migrated.yaml" 2>/dev/null
awk '/^```yaml$/ { n++; out = "'"$tmp"'/conf" n ".yaml"; next } /^```$/ { out = "" } out { print >out }' docs/configuration.md
grep -l '^apiVersion' "$tmp"/conf*.yaml | xargs rm -f
schemas valid gyr packaging/gyr.yaml "$tmp/migrated.yaml" "$tmp"/conf*.yaml
ok "configurations are valid: ours, a migrated one, the examples of docs/configuration.md"

mkdir "$tmp/wrong"
echo '[{rule: a, desc: d, condition: c, output: o, priority: high}]' >"$tmp/wrong/1"
echo '[{rule: a, desc: d, condition: c, ouput: o, priority: info}]' >"$tmp/wrong/2"
echo '[{list: a, items: b}]' >"$tmp/wrong/3"
echo '[{macro: a, condition: c, override: {items: append}}]' >"$tmp/wrong/4"
echo '{rule: a}' >"$tmp/wrong/5"
schemas invalid rules "$tmp"/wrong/*
ok "wrong rules are not"
echo '[{test: a, rule: b}]' >"$tmp/wrong/1"
echo '[{test: a, expect: {rule: a, priority: high}}]' >"$tmp/wrong/2"
echo '[{test: a, given: {processes: [{exe: a, usr: b}]}}]' >"$tmp/wrong/3"
echo '[{defaults: {when: [run: a]}}]' >"$tmp/wrong/4"
echo '[{rule: a}]' >"$tmp/wrong/5"
schemas invalid tests "$tmp"/wrong/*
ok "wrong tests are not"
echo '{plugin_dris: [a]}' >"$tmp/wrong/1"
echo '{outputs: [{name: a}]}' >"$tmp/wrong/2"
echo '{rules: {select: [{enable: {rule: a}, disable: {rule: b}}]}}' >"$tmp/wrong/3"
echo '{rule_matching: some}' >"$tmp/wrong/4"
echo '{outputs: [{plugin: a, spool: {fsync: often, dir: x}}]}' >"$tmp/wrong/5"
schemas invalid gyr "$tmp"/wrong/*
ok "wrong configurations are not"
finish
