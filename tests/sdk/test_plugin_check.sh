#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gyr plugin check: our own plugins pass; each that misbehaves is named, by the check and by the log
# of a detector that runs it.
set -u
cd "$(dirname "$0")/../.." || exit 1
variant=${GYR_VARIANT:-release}
tmp_in=${GYR_BUILD:-build/release} # below /tmp no plugin is loaded
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
told="$tmp/log"

# ---- our own ----
options() { # PLUGIN: what it cannot do without, on lines
    case $1 in
    file) echo "-o path=$tmp/alerts" ;;
    program) echo "-o command=[cat]" ;;
    replay) echo "-o path=tests/captures/seed.scap.gz -o speed=real" ;;
    record) echo "-o path=$tmp/record.scap" ;;
    webhook) echo "-o url=http://127.0.0.1:9/" ;;
    email) echo "-o address=127.0.0.1:9 -o from=a@example.org -o to=[b@example.org]" ;;
    esac
}
check_own() { # FILE
    name=$(basename "$1" .so)
    # shellcheck disable=SC2046 # words are meant to split
    timeout 150 "$gyr" plugin check $(options "$name") "$1" >"$tmp/own.$name" 2>&1
    echo $? >"$tmp/rc.$name"
}
set -- "$build"/plugins/*.so
while [ $# -gt 0 ]; do
    check_own "$1" &
    [ $(($# % 4)) -ne 0 ] || wait
    shift
done
wait
for p in "$build"/plugins/*.so; do
    name=$(basename "$p" .so)
    cp "$tmp/own.$name" "$tmp/log"
    [ "$(cat "$tmp/rc.$name")" -eq 0 ] && ! grep -q FAIL "$tmp/log" &&
        grep -q "ok  *options " "$tmp/log" && grep -Eq '^(9|[1-9][0-9]) ok, 0 failed|^[78] ok, 0 failed, [23] skipped' "$tmp/log"
    ok "our own plugin passes: $name ($(tail -n 1 "$tmp/log"))"
done
for name in file replay stdout program record; do
    grep -q ' 0 failed, [01] skipped' "$tmp/own.$name"
    ok "$name was tried whole"
done

# ---- those that misbehave ----
${MAKE:-make} -s -f tests/plugins/Makefile CC="${CC:-cc}" SDK="$PWD/sdk" OUT="$tmp/p" rogues >"$tmp/log" 2>&1
ok "plugins build with the headers of the SDK alone"

check_rogue() { # NAME STATUS CHECK TEXT
    timeout 150 "$gyr" plugin check "$tmp/p/rogue/$1.so" >"$tmp/rogue.$1" 2>&1
    [ $? -eq "$2" ] && grep -q "^  FAIL  *$3 .*$4" "$tmp/rogue.$1" && : >"$tmp/found.$1"
}
cat >"$tmp/rogues" <<'EOT'
crash_create create source|crashes in create(): Segmentation fault
exit_create create source|ends the process in create()
silent_create create source|does not say why
leak_fd create source|descriptors open: 1000 more after 1000 times
leak_thread start source|leaves threads
exports symbols|helper_of_mine
deaf wake|hangs: it was still waiting
long_event batches|crashes in next_batch()
bad_offset batches|offset 4000 of parameter 1 is outside
unknown_type batches|has no event type 77
silent_error batches|does not say why
crash_next batches|crashes in next_batch(): Segmentation fault
big_batch batches|gives 513 events where 512 have room
hang_next batches|next_batch() hangs
wrong_type fields|rogue.name of event 'tick': the value is of the type unsigned integer, declared was string
wrong_element fields|rogue.list of event 'tick': the value is of the type unsigned integer
long_value fields|is said to have 1073741824 bytes
crash_get fields|crashes in get(): Segmentation fault
no_redeem fields|there is no redeem()
silent_write write|does not say why
bad_verdict write|none of GYR_V_
never_acks write|3 of 17 alerts were to be answered later and never were
EOT
[ "$variant" = asan ] || [ "$variant" = tsan ] ||
    echo "leak_memory create source|leaks memory: 2[0-9]* bytes after 1000 times" >>"$tmp/rogues"
case $variant in asan | tsan) sed -i 's/crashes in \([a-z_]*()\).*/\\(crashes\\|ends the process\\) in \1/' "$tmp/rogues" ;; esac
# by fours: each waits more than it works
while read -r name row; do
    check_rogue "$name" 1 "${row%%|*}" "${row#*|}" &
    [ $((${turn:=0} % 4)) -ne 3 ] || wait
    turn=$((turn + 1))
done <"$tmp/rogues"
wait
while read -r name row; do
    cp "$tmp/rogue.$name" "$tmp/log"
    [ -e "$tmp/found.$name" ]
    ok "the check names: $name"
done <"$tmp/rogues"
timeout 60 "$gyr" plugin check --json "$tmp/p/rogue/tame.so" >"$tmp/log" 2>&1 &&
    grep -q '"plugin":"tame".*"failed":0,"skipped":0,"checks":\[{"check":"symbols","result":"ok"' "$tmp/log"
ok "one that keeps to the ABI passes whole, told as JSON"
timeout 60 "$gyr" plugin check --json "$tmp/p/rogue/exports.so" >"$tmp/log" 2>&1
[ $? -eq 1 ] && grep -q '"failed":1' "$tmp/log" && grep -q '"check":"symbols","result":"failed"' "$tmp/log"
ok "a failure as JSON, exit status 1"
"$gyr" plugin check "$tmp/p/none.so" >"$tmp/log" 2>&1
[ $? -eq 2 ] && grep -q 'none.so: No such file' "$tmp/log"
ok "no such file: exit status 2"
"$gyr" plugin check -o nonsense "$tmp/p/rogue/tame.so" >"$tmp/log" 2>&1
[ $? -eq 2 ] && grep -q 'KEY=VALUE' "$tmp/log"
ok "a malformed -o: exit status 2"
timeout 60 "$gyr" plugin check -o count=x "$tmp/p/rogue/tame.so" >"$tmp/log" 2>&1
[ $? -eq 1 ] && grep -q "FAIL  *create source .*'x' is not a whole number" "$tmp/log"
ok "an option of the user's that is wrong is told"
printf 'sources: [{plugin: %s/p/rogue/tame.so, options: {count: y}}]\n' "$tmp" >"$tmp/c.yaml"
timeout 60 "$gyr" plugin check -c "$tmp/c.yaml" "$tmp/p/rogue/tame.so" >"$tmp/log" 2>&1
[ $? -eq 1 ] && grep -q "'y' is not a whole number" "$tmp/log"
ok "options come from its entry in the configuration"
printf 'text' >"$tmp/p/text.so"
"$gyr" plugin check "$tmp/p/text.so" >"$tmp/log" 2>&1
[ $? -eq 1 ] && grep -q 'FAIL  *symbols .*not a shared object' "$tmp/log" && grep -q 'FAIL  *load ' "$tmp/log"
ok "no shared object"

# ---- in a detector ----
cat >"$tmp/rules.yaml" <<'EOT'
- rule: any tick
  desc: Each.
  source: rogue
  condition: evt.type = tick and rogue.name != nobody and rogue.list intersects (item)
  output: "%rogue.name %rogue.list"
  priority: NOTICE
EOT
run() { # PLUGIN: until it ends by itself, or for a second
    cat >"$tmp/gyr.yaml" <<EOT
sources: [{plugin: $tmp/p/rogue/$1.so}]
enrichers: [{plugin: $tmp/p/rogue/$1.so}]
outputs: [{plugin: $build/plugins/stdout.so}]
rules: {files: [rules.yaml]}
EOT
    "$gyr" run -q -c "$tmp/gyr.yaml" >"$tmp/log" 2>&1 &
    pid=$!
    i=0
    while [ $i -lt 100 ] && kill -0 $pid 2>/dev/null && ! grep -q "$2" "$tmp/log"; do
        sleep 0.1
        i=$((i + 1))
        [ $i -ne 10 ] || kill -INT $pid 2>/dev/null
    done
    kill -INT $pid 2>/dev/null
    i=0
    while [ $i -lt 200 ] && kill -0 $pid 2>/dev/null; do
        sleep 0.1
        i=$((i + 1))
    done
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    rc=$?
    grep -q "$2" "$tmp/log"
}
while read -r name text; do
    case $variant-$name in asan-crash* | tsan-crash* | asan-leak_memory | tsan-leak*)
        skip "$name in a $variant detector: the sanitizer tells"
        continue
        ;;
    esac
    run "$name" "$text"
    ok "the detector's log names: $name"
done <<'EOT'
crash_create crash_create.so has crashed: Segmentation fault, in create()
crash_next crash_next.so has crashed: Segmentation fault
crash_get crash_get.so has crashed: Segmentation fault
hang_next the plugin 'hang_next' hangs in next_batch(): it has not come back for
wrong_type 'wrong_type': the value of the field 'rogue.name' is no well-formed string, as it was declared, but of the type number
wrong_element 'wrong_element': the value of the field 'rogue.list' is no well-formed list of string, as it was declared; such values
long_value 'long_value': the value of the field 'rogue.name' is no well-formed string
big_batch 'big_batch': gave 513 events where 512 had room
bad_offset 'bad_offset': a malformed record is left out: event: offset 4000
silent_error 'silent_error': next_batch() failed and does not say why
silent_create plugin silent_create: create() failed and does not say why
leak_memory plugin leak_memory: destroy() has not given back 2[0-9]* bytes of memory
leak_thread plugin leak_thread: destroy() has left the thread [0-9]* running
EOT
run tame 'name (item,item)' && [ "$rc" -eq 0 ] && ! grep -q error "$tmp/log"
ok "one that keeps to the ABI runs, and nothing is said of it"
finish
