#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gyr record, and --record of run and replay: what is recorded replays as it was, slices, rotation,
# disks that are full, recorders that are killed, and what sysdig reads of it.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
captures=$PWD/tests/captures
mounted='' pid=''
# shellcheck disable=SC2317 # the trap calls it
at_exit() {
    [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
    [ -z "$mounted" ] || umount "$mounted"
}
export TZ=UTC

# exits STATUS COMMAND…: output in out, errors in err
exits() {
    want=$1
    shift
    "$@" >"$tmp/out" 2>"$tmp/err"
    rc=$?
    [ "$rc" -eq "$want" ] && return 0
    printf 'exit status %d, not %d\n' "$rc" "$want" >>"$tmp/err"
    return 1
}

says() { grep -qF -- "$1" "$tmp/err"; }

# The alerts of captures by the rules that belong to the program, as JSON: uuids and all.
alerts() { "$gyr" replay -r "$PWD/rules" --json -q "$@"; }

cat >"$tmp/names.yaml" <<'EOF'
- rule: A file was opened
  desc: d
  condition: evt.type = openat
  output: "%evt.arg.name by %proc.name"
  priority: INFO
EOF
# names FILE…: the files opened in captures, one a line
names() { "$gyr" replay -r "$tmp/names.yaml" -q "$@" | sed 's/.*Informational //; s/ by .*//'; }

# ---- from captures ----
for c in seed attacks; do
    alerts "$captures/$c.scap.gz" >"$tmp/want" 2>/dev/null
    [ -s "$tmp/want" ]
    ok "$c has alerts"
    for end in scap scap.gz scap.zst; do
        exits 0 "$gyr" record --read "$captures/$c.scap.gz" "$tmp/$c.$end" &&
            alerts "$tmp/$c.$end" >"$tmp/got" 2>"$tmp/err" && cmp "$tmp/want" "$tmp/got"
        ok "$c recorded as .$end gives the same alerts"
    done
done
[ "$(head -c 2 "$tmp/seed.scap.gz" | od -An -tx1)" = " 1f 8b" ] &&
    [ "$(head -c 4 "$tmp/seed.scap.zst" | od -An -tx1)" = " 28 b5 2f fd" ] &&
    [ "$(head -c 4 "$tmp/seed.scap" | od -An -tx1)" = " 0a 0d 0d 0a" ]
ok "files are packed as their names say"
[ "$(stat -c %a "$tmp/seed.scap")" = 600 ]
ok "a capture is for its owner alone"
exits 0 "$gyr" record --read "$tmp/seed.scap" "$tmp/again.scap" && cmp "$tmp/seed.scap" "$tmp/again.scap"
ok "a recording of a recording is the same, byte by byte"
exits 0 "$gyr" record --read "$captures/seed.scap.gz" "$tmp/x.scap" && says "1,450 events recorded" &&
    says "bytes in 1 file" && ! says "alert"
ok "it says what was recorded"
exits 0 "$gyr" replay -r "$PWD/rules" --json --record "$tmp/both.scap.gz" "$captures/attacks.scap.gz" &&
    cmp "$tmp/want" "$tmp/out" && alerts "$tmp/both.scap.gz" >"$tmp/got" && cmp "$tmp/want" "$tmp/got"
ok "gyr replay --record gives the alerts and records them"
exits 0 "$gyr" record -q --read "$captures/seed.scap.gz" --read "$captures/attacks.scap.gz" "$tmp/two.scap" &&
    [ ! -s "$tmp/err" ] &&
    alerts "$tmp/two.scap" | wc -l >"$tmp/got" &&
    alerts "$captures/seed.scap.gz" "$captures/attacks.scap.gz" | wc -l | cmp - "$tmp/got"
ok "two captures become one"

# ---- slices ----
exits 0 "$gyr" record --read "$captures/attacks.scap.gz" \
    --filter 'evt.type = openat and proc.name = bash' "$tmp/slice.scap.gz"
names "$tmp/slice.scap.gz" >"$tmp/got"
"$gyr" replay -r "$tmp/names.yaml" -q "$captures/attacks.scap.gz" | grep ' by bash$' |
    sed 's/.*Informational //; s/ by .*//' | cmp - "$tmp/got" && [ -s "$tmp/got" ] &&
    says "$(wc -l <"$tmp/got") events recorded"
ok "a filter leaves what passes it, with the state it stands on"
exits 1 "$gyr" record --read "$captures/seed.scap.gz" --filter 'proc.nam = bash' "$tmp/x.scap" &&
    says "unknown field 'proc.nam'; did you mean 'proc.name'?" && says "filter of enricher 'record'"
ok "a wrong filter is told with its place"
exits 1 "$gyr" record --read "$captures/seed.scap.gz" --filter 'evt.type in (open' "$tmp/x.scap" &&
    says "expected ',' or ')'"
ok "a filter that ends too early is told"

# ---- usage ----
exits 2 "$gyr" record && says "name the file to write"
ok "a file must be named"
exits 2 "$gyr" record a b && says "'b' is one word too many"
ok "one file at a time"
exits 2 "$gyr" record --read a --source b c && says "exclude each other"
ok "either what is read or what is live"
exits 0 "$gyr" record --help && grep -q -- '--rotate-size' "$tmp/out"
ok "--help tells the options"
exits 1 "$gyr" record --read "$captures/seed.scap.gz" --rotate-size 1M "$tmp/x.scap" &&
    says "are for live sources"
ok "a recording is not rotated"
exits 1 "$gyr" record --read "$captures/seed.scap.gz" "$tmp/none/x.scap" && says "No such file"
ok "a folder that is not there"
exits 1 "$gyr" record --read "$captures/seed.scap.gz" --keep 3 "$tmp/x.scap" && says "'keep' needs"
ok "--keep needs a rotation"
cat >"$tmp/both.yaml" <<EOF
plugin_dirs: [$build/plugins]
sources: [{plugin: replay, options: {path: $captures/seed.scap.gz}}]
enrichers:
  - {plugin: record, options: {path: $tmp/both.scap}}
  - {plugin: record, name: other, options: {path: $tmp/both.scap}}
outputs: [stdout]
rules: {files: []}
EOF
exits 1 "$gyr" run -c "$tmp/both.yaml" && says "something else is recording into it"
ok "two recorders do not write into one file"

# ---- full disks ----
exits 1 "$gyr" record --read "$captures/attacks.scap.gz" /dev/full &&
    says "the recording ends here: /dev/full: cannot be written: No space left on device"
ok "a full disk is told and fails"
exits 1 "$gyr" replay -r "$PWD/rules" --json -q --record /dev/full "$captures/attacks.scap.gz" &&
    cmp "$tmp/want" "$tmp/out"
ok "alerts go on without the recording"
mkdir "$tmp/small"
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=600k none "$tmp/small" 2>/dev/null; then
    mounted=$tmp/small
    exits 1 "$gyr" record --read "$captures/attacks.scap.gz" "$mounted/x.scap" && says "No space left"
    ok "a small disk is filled"
    exits 0 "$gyr" replay -r "$tmp/names.yaml" "$mounted/x.scap" && [ "$(wc -l <"$tmp/out")" -gt 100 ]
    ok "what was written is a whole capture"
    umount "$mounted" && mounted=''
else
    skip "a small disk: needs root and tmpfs"
fi

# ---- live ----
if ! ${MAKE:-make} -s -f tests/plugins/Makefile CC="${CC:-cc}" SDK="$PWD/sdk" OUT="$tmp/p" \
    "$tmp/p/fake_syscall.so" >"$tmp/err" 2>&1; then
    false
    ok "the live source is built"
    finish
fi
config() { # OPTIONS of the source, options of the recorder
    cat >"$tmp/live.yaml" <<EOF
plugin_dirs: [$tmp/p, $build/plugins]
sources: [{plugin: fake_syscall, options: {$1}}]
enrichers: [process]
outputs: [stdout]
rules: {files: [$tmp/names.yaml]}
EOF
}
# Start a recorder that ends by a signal.
begin() {
    "$gyr" "$@" >"$tmp/out" 2>"$tmp/err" &
    pid=$!
}
end() { # SIGNAL STATUS
    kill "-$1" "$pid"
    wait "$pid"
    rc=$?
    pid=''
    [ "$rc" -eq "$2" ] || { printf 'exit status %d\n' "$rc" >>"$tmp/err" && return 1; }
}
wait_for() { # COMMAND…: true within 20 s
    i=0
    until "$@" >/dev/null 2>&1; do
        i=$((i + 1))
        [ "$i" -lt 200 ] || return 1
        sleep 0.1
    done
}
# shellcheck disable=SC2317 # wait_for calls it
is_larger() { [ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -gt "$2" ]; }
# Names in the order of the files, each once, from 0 on?
in_order() { awk -F/ '$3 != NR - 1 { exit 1 } END { exit NR < 1000 }' "$1"; }

config "rate: 20000"
begin record -c "$tmp/live.yaml" "$tmp/live.scap"
wait_for is_larger "$tmp/live.scap" 1000000
end INT 0 && says "interrupted" && says "events recorded" && names "$tmp/live.scap" >"$tmp/got" &&
    in_order "$tmp/got"
ok "a live recording ends by SIGINT, with every event"

mkdir "$tmp/rot"
begin record -c "$tmp/live.yaml" --rotate-size 1M "$tmp/rot/x.scap"
wait_for test -s "$tmp/rot/x.0004.scap"
end TERM 0 && says "bytes in 4 files"
ok "a recording is rotated by size"
for f in "$tmp"/rot/*; do names "$f"; done >"$tmp/got"
in_order "$tmp/got"
ok "at the seams nothing is lost and nothing doubled"
for f in "$tmp"/rot/*; do
    "$gyr" replay -r "$tmp/names.yaml" -q "$f" | grep -qv ' by opener$' && break
    exits 0 "$gyr" replay --stats -r "$tmp/names.yaml" "$f" || break
done
[ "$f" = "$tmp/rot/x.0004.scap" ] && ! "$gyr" replay -r "$tmp/names.yaml" -q "$f" | grep -qv ' by opener$'
ok "each file opens with the state"

mkdir "$tmp/keep"
begin record -c "$tmp/live.yaml" --rotate-interval 300ms --keep 2 "$tmp/keep/%Y-{n}.scap.gz"
year=$(date +%Y)
wait_for test -s "$tmp/keep/$year-0005.scap.gz"
end INT 0 && [ "$(find "$tmp/keep" -type f -name "$year-*.scap.gz" | wc -l)" = 2 ] &&
    [ ! -e "$tmp/keep/$year-0003.scap.gz" ]
ok "by time, with names of a pattern, the last two being kept"

config "rate: 20000, snapshots: no"
begin record -c "$tmp/live.yaml" --rotate-size 300K "$tmp/stuck.scap"
wait_for is_larger "$tmp/stuck.0001.scap" 1000000
end INT 0 && says "cannot make a snapshot now" && names "$tmp/stuck.0001.scap" >"$tmp/got" && in_order "$tmp/got"
ok "without a snapshot the file goes on"

config "rate: 20000"
begin run -c "$tmp/live.yaml" --json --record "$tmp/run.scap.gz"
wait_for is_larger "$tmp/run.scap.gz" 100000
end INT 0 && names "$tmp/run.scap.gz" >"$tmp/want" && in_order "$tmp/want" &&
    "$gyr" replay -q --json -r "$tmp/names.yaml" "$tmp/run.scap.gz" >"$tmp/got" && cmp "$tmp/out" "$tmp/got"
ok "gyr run --record, and then replay: the same alerts, to the uuid"

for end in scap scap.gz scap.zst; do
    begin record -c "$tmp/live.yaml" "$tmp/killed.$end"
    wait_for is_larger "$tmp/killed.$end" 60000
    sleep 1.5
    end KILL 137
    names "$tmp/killed.$end" >"$tmp/got" 2>/dev/null
    in_order "$tmp/got" && [ "$(wc -l <"$tmp/got")" -gt 20000 ]
    ok "a recorder that is killed leaves a readable .$end"
done

# ---- more than can be written ----
config "rate: 0, count: 400000"
mkfifo "$tmp/slow"
(exec <"$tmp/slow" && sleep 2 && cat >"$tmp/slow.scap") &
reader=$!
sleep 0.5
begin record -c "$tmp/live.yaml" --buffer 1M "$tmp/slow"
sleep 1.5
end INT 0 && wait "$reader" && says "they came faster than they could be written" &&
    says "events come faster than they can be written"
ok "what does not fit is counted and told"
exits 0 "$gyr" replay -r "$tmp/names.yaml" "$tmp/slow.scap" && says "events lost before they reached us" &&
    says "of class 7" && ! names "$tmp/slow.scap" | sort | uniq -d | grep -q .
ok "the capture tells of the losses"
exits 1 "$gyr" record -c "$tmp/live.yaml" "$tmp/slow" && says "nobody reads from this FIFO"
ok "a FIFO that nobody reads"
(exec <"$tmp/slow" && exec sleep 60) &
reader=$!
sleep 0.5
begin record -c "$tmp/live.yaml" "$tmp/slow"
sleep 1
end INT 1 && says "Connection timed out"
ok "a reader that reads no more does not hold up the end"
kill "$reader" 2>/dev/null

# ---- sysdig ----
if ! command -v sysdig >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends sysdig >"$tmp/err" 2>&1
fi
if ! command -v sysdig >/dev/null; then
    skip "sysdig is not here and could not be installed"
else
    for c in seed attacks; do
        sysdig -r "$captures/$c.scap.gz" >"$tmp/want" 2>/dev/null
        for end in scap scap.gz; do
            exits 0 sysdig -r "$tmp/$c.$end" && [ -s "$tmp/want" ] && cmp "$tmp/want" "$tmp/out"
            ok "sysdig lists $c as .$end as it does the original"
        done
    done
    exits 0 sysdig -r "$tmp/seed.scap" && grep -q 'openat fd=3(<f>/etc/shadow) .*name=/etc/shadow' "$tmp/out"
    ok "sysdig shows names and arguments"
    exits 0 sysdig -r "$tmp/rot/x.0003.scap" && grep -q 'opener (42) < openat fd=3' "$tmp/out" &&
        exits 0 sysdig -r "$tmp/rot/x.0003.scap" -p '%evt.arg.name' && names "$tmp/rot/x.0003.scap" | cmp - "$tmp/out"
    ok "sysdig reads a rotated file"
    names "$tmp/slice.scap.gz" >"$tmp/want"
    exits 0 sysdig -r "$tmp/slice.scap.gz" -p '%evt.arg.name' && cmp "$tmp/want" "$tmp/out"
    ok "sysdig shows of a slice what passed the filter"
    exits 0 sysdig -r "$tmp/slow.scap" -p '%evt.arg.name' && [ -s "$tmp/out" ]
    ok "sysdig reads over losses"
fi

finish
