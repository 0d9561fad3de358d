#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gyr migrate: a falco.yaml as a gyr.yaml that loads and does the same.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

sed "s|RULES|$PWD/rules|" tests/e2e/falco.yaml >"$tmp/falco.yaml"
"$gyr" migrate "$tmp/falco.yaml" >"$tmp/gyr.yaml" 2>"$tmp/err"
ok "a configuration with everything in it"
"$gyr" check --plugin-dir "$build/plugins" -c "$tmp/gyr.yaml" >"$tmp/out" 2>"$tmp/check" && [ ! -s "$tmp/check" ] &&
    grep -q '(5 disabled)\|([1-9][0-9]* disabled)' "$tmp/out"
ok "what comes of it loads, with the rules selected"

has() { grep -qF -- "$1" "$tmp/gyr.yaml" || { echo "# not there: $1"; return 1; }; }
has '# changes: container_engines: ' && has '  - plugin: ebpf' && has 'rule_matching: first' && has '  min_priority: notice' && has 'log_level: info' &&
    has 'watch_config_files: false' && has 'select: [{"disable": {"tag": "network"}}, {"enable": {"rule": "Sensitive*"}}]' &&
    has 'extra_output: "on %evt.hostname"' && has '- extra_fields: [{"site": "berlin"}]' && has 'queue: 500' && has 'http: {listen: "127.0.0.1:8766"}'
ok "what stays"
has 'path: "./a \"quoted\" name.txt"' && has 'content: "json"' && has 'url: "http://127.0.0.1:1/alerts"' &&
    has 'tls_verify: false' && has 'tls_cert: "/etc/gyr/client.crt"' && has 'headers: {User-Agent: "falco/ours"}' &&
    has "command: [/bin/sh, -c, \"jq '{text: .output}' | cat\"]"
ok "outputs"

lost=$(grep -c ': warning: ' "$tmp/err")
[ "$lost" -eq 11 ] && [ "$(grep -c '^# missing: ' "$tmp/gyr.yaml")" -eq "$lost" ]
ok "what has no equivalent is told, and stands at the head"
absent=0
for word in "nowhere/falco_rules.yaml' are left out" "plugin 'k8saudit'" output_fields_property 'ca_path' 'program is started once' \
    'grpc has' grpc_output ssl_enabled 'metrics are' custom_set 'two lines'; do
    grep -q "warning: .*$word" "$tmp/err" || { echo "# not told: $word" && absent=1; }
done
[ $absent -eq 0 ]
ok "each with its reason"

absent=0
for kind in kmod ebpf; do
    printf 'engine: {kind: %s}\nstdout_output: {enabled: false}\n' $kind >"$tmp/falco.yaml"
    "$gyr" migrate "$tmp/falco.yaml" >"$tmp/gyr.yaml" 2>"$tmp/err" && has "plugin: $kind" && has 'outputs: []' && continue
    absent=1
done
[ $absent -eq 0 ]
ok "engine kinds; no output at all"
echo 'engine: {kind: replay, replay: {capture_file: /x/y.scap}}' >"$tmp/falco.yaml"
"$gyr" migrate "$tmp/falco.yaml" >"$tmp/gyr.yaml" 2>"$tmp/err" && has 'options: {path: "/x/y.scap"}' && has 'rule_matching: first'
ok "a capture as the source"
printf 'priority: emerg\nrule_matching: ALL\nstatic_fields: {a: [b], c: 5%%, d: "e\\N\\L\\Pf"}\n' >"$tmp/falco.yaml"
"$gyr" migrate "$tmp/falco.yaml" >"$tmp/gyr.yaml" 2>"$tmp/err" && has 'rule_matching: all' && has 'min_priority: debug' && has '{"d": "e\u0085\u2028\u2029f"}' &&
    grep -q "^$tmp/falco.yaml:1:11: warning: priority: 'emerg' is no priority" "$tmp/err" &&
    grep -q "'a' is left out: it is no text" "$tmp/err" && grep -q "'c' is left out: a '%' names" "$tmp/err"
ok "what Falco refuses does not become something else in silence"
echo 'a: [' >"$tmp/falco.yaml"
"$gyr" migrate "$tmp/falco.yaml" >"$tmp/out" 2>"$tmp/err"
[ $? -eq 1 ] && [ ! -s "$tmp/out" ] && grep -q 'YAML: ' "$tmp/err" && ! "$gyr" migrate >/dev/null 2>&1
ok "no YAML, no file"
finish
