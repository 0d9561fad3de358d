#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Plugins that were built against ABI 1.0, kept as binaries, load and do what they did then.
set -u
cd "$(dirname "$0")/../.." || exit 1
tmp_in=${GYR_BUILD:-build/release} # below /tmp no plugin is loaded
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
told="$tmp/log"
[ "$(uname -m)" = x86_64 ] || skip_all "the binaries are for x86_64"

(cd tests/sdk/abi-1.0 && sha256sum -c SHA256SUMS) >"$tmp/log" 2>&1
ok "they are those of then"
install -m 644 tests/sdk/abi-1.0/*.so "$tmp/" # a clone may be writable by others
for name in source enricher output; do
    "$gyr" plugin describe "$tmp/abi10_$name.so" >"$tmp/log" 2>&1 && grep -q '^  ABI 1.0, ' "$tmp/log"
    ok "the $name loads"
done

config() { # SOURCE-OPTIONS ENRICHER-OPTIONS OUTPUT-OPTIONS
    cat >"$tmp/gyr.yaml" <<EOT
plugin_dirs: [$tmp]
sources: [{plugin: abi10_source, options: {$1}}]
enrichers: [{plugin: abi10_enricher, options: {$2}}]
outputs: [{plugin: abi10_output, options: {path: $tmp/out$3}}]
rules: {files: [rules.yaml]}
EOT
    "$gyr" run -q -c "$tmp/gyr.yaml" >"$tmp/log" 2>&1
}
cat >"$tmp/rules.yaml" <<'EOT'
- rule: writes
  desc: A file is opened for writing.
  source: fake
  condition: evt.type = open and evt.arg.flags contains WRITE
  output: "%evt.arg.path %evt.arg.flags size=%evt.rawarg.size opens=%fake.opens %fake.echo[x]"
  priority: WARNING
- rule: listed
  desc: Only what is no open has the list.
  source: fake
  condition: evt.type = tick and fake.list intersects (two, three) and evt.rawarg.fine = true
  output: "%evt.arg.addr %fake.list %fake.unseen"
  priority: NOTICE
- rule: late
  desc: The answer comes after the event.
  source: fake
  condition: evt.type = ping and fake.late startswith "late"
  output: "%evt.type %fake.late %evt.arg.id"
  priority: NOTICE
EOT
config "count: 12" "" "" && grep -v late "$tmp/out" >"$tmp/alerts" &&
    printf '%s\n' "accepted 1 3 final listed | 10.0.0.7 (one,two) <NA>" \
        "accepted 1 7 final writes | /file/6 WRITE size=-6 opens=3 x" \
        "accepted 1 9 final listed | 10.0.0.7 (one,two) <NA>" \
        "accepted 1 10 final writes | /file/9 READ|WRITE size=-9 opens=4 x" | diff - "$tmp/alerts" >"$tmp/log"
ok "events, fields and alerts are what they were"
config "count: 60, rate: 200" "delay: 10ms" "" && grep late "$tmp/out" >"$tmp/log" &&
    grep -qx "accepted 1 2 final late | ping late 2 1" "$tmp/log" &&
    grep -qx "accepted 1 8 final late | ping late 8 1" "$tmp/log"
ok "a value that comes late, from a thread of the plugin"
config "count: 12" "" ", verdict: retry, first: 1" && cp "$tmp/out" "$tmp/log" &&
    [ "$(grep -c '^retry' "$tmp/out")" -eq 1 ] && grep -q '^accepted 2 ' "$tmp/out"
ok "an output that says later gets it again"
config "count: 30, fail_after: 20" "" ""
[ $? -eq 1 ] && grep -q "failed after 20 events, as it was told to" "$tmp/log"
ok "a source that fails, with its sentence"
config "cuont: 12" "" ""
[ $? -eq 1 ] && grep -q "did you mean 'count'?" "$tmp/log"
ok "its options are known"
config "count: 1" "" ""
for name in source enricher output; do # with the options and the source of the configuration
    timeout 120 "$gyr" plugin check -c "$tmp/gyr.yaml" "$tmp/abi10_$name.so" >"$tmp/log" 2>&1 &&
        grep -Eq ' ok, 0 failed, [012] skipped' "$tmp/log"
    ok "the $name passes the check of today ($(tail -n 1 "$tmp/log"))"
done
finish
