#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Alerts in a spool: none lost over kill -9 (GYR_KILLS times, 5), restarts, damage, a place that
# cannot be written to.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${GYR_BUILD:-build/release}
gyr=${GYR:-$build/bin/gyr}
seed=$PWD/tests/captures/seed.scap.gz
kills=${GYR_KILLS:-5}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
umask 022
export TZ=UTC
n=0 bad=0

ok() { # NAME: the last command's status decides
    if [ $? -eq 0 ]; then
        n=$((n + 1))
        printf 'ok %d - %s\n' "$n" "$1"
    else
        n=$((n + 1)) bad=1
        printf 'not ok %d - %s\n' "$n" "$1"
        tail -n 20 "$tmp/err" 2>/dev/null | sed 's/^/# /'
    fi
}

cat >"$tmp/rules.yaml" <<'EOR'
- rule: Every call
  desc: Something happened.
  condition: evt.num > 0
  output: "call %evt.type num=%evt.num args=%evt.args"
  priority: INFO
EOR
cat >"$tmp/none.yaml" <<'EOR'
- rule: Nothing
  desc: Never.
  condition: evt.num < 0
  output: "never"
  priority: INFO
EOR

# config NAME RULES TARGET [KEY…]: one output into TARGET
config() {
    name=$1 rules=$2 target=$3
    shift 3
    {
        printf 'plugin_dirs: [%s]\nhostname: h\nrules: {files: [%s]}\noutputs:\n' \
            "$(cd "$build" && pwd)/plugins" "$tmp/$rules"
        printf '  - plugin: file\n    options: {path: %s, format: json}\n' "$target"
        for key; do printf '    %s\n' "$key"; done
    } >"$tmp/$name.yaml"
}

uuids() { grep -o '"uuid":"[0-9a-f-]*"' "$@" | sort -u; }

spool="spool: {dir: $tmp/spool, segment_bytes: 256K, max_bytes: 512M}"
retry='retry: {min: 10ms, max: 100ms}'
config plain rules.yaml "$tmp/want.json"
config down rules.yaml /dev/full "$spool" "$retry" "queue: 64"
config up none.yaml "$tmp/got.json" "$spool" "$retry" "queue: 64"

"$gyr" replay -q -c "$tmp/plain.yaml" "$seed" >/dev/null 2>"$tmp/err" && uuids "$tmp/want.json" >"$tmp/want" &&
    [ "$(wc -l <"$tmp/want")" -gt 1000 ]
ok "a replay without a spool says which alerts there are ($(wc -l <"$tmp/want"))"

# ---- nothing is delivered, the process is killed, the next run sends all ----
"$gyr" replay -c "$tmp/down.yaml" "$seed" >/dev/null 2>"$tmp/err" &
pid=$!
i=0 # its source has ended when the spool does not grow any more
size=-1
while [ $i -lt 100 ] && kill -0 $pid 2>/dev/null; do
    now=$(find "$tmp/spool" -name '*.seg' 2>/dev/null | wc -l)
    [ "$now" -gt 0 ] && [ "$now" = "$size" ] && break
    size=$now i=$((i + 1))
    sleep 0.7
done
kill -9 $pid && ! wait $pid 2>/dev/null
ok "a replay whose output takes nothing is killed with its alerts in the spool"
cp -r "$tmp/spool" "$tmp/harmed"

"$gyr" replay --stats -c "$tmp/up.yaml" "$seed" >/dev/null 2>"$tmp/err" &&
    uuids "$tmp/got.json" | cmp - "$tmp/want" >>"$tmp/err" 2>&1 &&
    [ "$(wc -l <"$tmp/got.json")" = "$(wc -l <"$tmp/want")" ]
ok "the next run, whose rules match nothing, delivers every one of them, once"

grep -q 'of them from the spool, by earlier runs' "$tmp/err" && [ -z "$(find "$tmp/spool" -name '*.seg')" ]
ok "it says how many came from the spool, and leaves no segment behind"

grep -o '"uuid":"[^"]*"' "$tmp/want.json" >"$tmp/a"
grep -o '"uuid":"[^"]*"' "$tmp/got.json" | cmp - "$tmp/a"
ok "in the order that they were raised in"

# ---- damage: bytes in the middle of one file, the half of another, one that is something else ----
config harmed none.yaml "$tmp/rest.json" "spool: {dir: $tmp/harmed, segment_bytes: 256K, max_bytes: 512M}"
find "$tmp/harmed" -name '*.seg' | sort >"$tmp/segments"
file() { sed -n "$1p" "$tmp/segments"; }
printf 'harm' | dd of="$(file 1)" bs=1 seek=100000 conv=notrunc 2>/dev/null
truncate -s 128K "$(file 2)"
printf 'harm' | dd of="$(file 3)" bs=1 conv=notrunc 2>/dev/null
"$gyr" replay -q -c "$tmp/harmed.yaml" "$seed" >/dev/null 2>"$tmp/err" &&
    [ "$(grep -c "of the spool is damaged" "$tmp/err")" = 2 ] &&
    [ "$(grep -c "no segment that this version can read; it is left out and kept aside" "$tmp/err")" = 1 ] &&
    [ "$(find "$tmp/harmed" -name '*.bad' | wc -l)" = 3 ] && [ -z "$(find "$tmp/harmed" -name '*.seg')" ]
ok "each damaged file is told and kept aside"
grep -o '"uuid":"[^"]*"' "$tmp/rest.json" >"$tmp/c"
# one of the first file, half of the second, the whole of the third are missing; nothing else is
awk 'NR == FNR { want[$0] = FNR; n = FNR; next }
    !($0 in want) || want[$0] <= last { exit 1 }
    { gaps += want[$0] > last + 1; last = want[$0] }
    END { if (last != n || gaps != 2 || FNR < n / 2) exit 1 }' "$tmp/a" "$tmp/c"
ok "the others are delivered, in order ($(wc -l <"$tmp/c") of $(wc -l <"$tmp/a"))"

# ---- killed at any moment ----
config both rules.yaml "$tmp/both.json" "spool: {dir: $tmp/spool2, segment_bytes: 256K}" "queue: 64"
began=$(date +%s%N)
"$gyr" replay -q -c "$tmp/both.yaml" "$seed" >/dev/null 2>"$tmp/err"
ok "a replay with a spool"
took=$(($(date +%s%N) - began))

# killed CONFIG I: somewhere in the course of a replay, another place each time
killed() {
    "$gyr" replay -q -c "$1" "$seed" >/dev/null 2>"$tmp/err" &
    pid=$!
    sleep "$(awk -v took="$took" -v i="$2" 'BEGIN { printf "%.4f", took / 1e9 * (40 + i * 37 % 60) / 100 }')"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
}
rm -f "$tmp/both.json"
i=0
while [ $i -lt "$kills" ]; do
    killed "$tmp/both.yaml" $i
    i=$((i + 1))
done
"$gyr" replay -q -c "$tmp/both.yaml" "$seed" >/dev/null 2>"$tmp/err" &&
    # a line that the kill has cut is no alert; the whole one follows, as a line of its own
    ! grep -q '.{"hostname"' "$tmp/both.json" &&
    grep '^{.*}$' "$tmp/both.json" | uuids | cmp - "$tmp/want" >>"$tmp/err" 2>&1
ok "a replay killed $kills times and restarted until its end delivers every uuid, and no other"

# What one that was killed had taken, the next, whose rules match nothing, delivers: those are the
# first of all that were to come, and none of them is missing.
i=0 in_the_middle=0 rc=0
while [ $i -lt "$kills" ]; do
    rm -rf "$tmp/spool3" "$tmp/part.json"
    config part rules.yaml "$tmp/part.json" "spool: {dir: $tmp/spool3, segment_bytes: 64K}" "queue: 64"
    config rest none.yaml "$tmp/part.json" "spool: {dir: $tmp/spool3, segment_bytes: 64K}" "queue: 64"
    killed "$tmp/part.yaml" $i
    "$gyr" replay -q -c "$tmp/rest.yaml" "$seed" >/dev/null 2>"$tmp/err" || rc=1
    touch "$tmp/part.json"
    grep -q '.{"hostname"' "$tmp/part.json" && rc=1
    grep '^{.*}$' "$tmp/part.json" | grep -o '"uuid":"[^"]*"' | awk '!had[$0]++' >"$tmp/b"
    head -n "$(wc -l <"$tmp/b")" "$tmp/a" | cmp - "$tmp/b" >>"$tmp/err" 2>&1 || rc=1
    [ -s "$tmp/b" ] && [ "$(wc -l <"$tmp/b")" -lt "$(wc -l <"$tmp/a")" ] && in_the_middle=$((in_the_middle + 1))
    i=$((i + 1))
done
[ $rc -eq 0 ]
ok "what was taken before a kill is delivered, in order, without a gap ($in_the_middle of $kills in the middle)"

# ---- places that cannot be used ----
printf 'no folder\n' >"$tmp/occupied"
config occupied rules.yaml "$tmp/occ.json" "spool: {dir: $tmp/occupied}"
"$gyr" replay -c "$tmp/occupied.yaml" "$seed" >/dev/null 2>"$tmp/err" &&
    [ "$(grep -c 'cannot use its spool' "$tmp/err")" = 1 ] && uuids "$tmp/occ.json" | cmp - "$tmp/want"
ok "a spool that cannot be made is told once, and alerts go by way of the memory"

if [ "$(id -u)" = 0 ] && mkdir "$tmp/small" && mount -t tmpfs -o size=1m none "$tmp/small" 2>/dev/null; then
    config small rules.yaml "$tmp/small.json" "spool: {dir: $tmp/small/s, segment_bytes: 256K, max_bytes: 512M}"
    "$gyr" replay -c "$tmp/small.yaml" "$seed" >/dev/null 2>"$tmp/err" &&
        uuids "$tmp/small.json" | cmp - "$tmp/want"
    r=$?
    umount "$tmp/small"
    [ $r -eq 0 ]
    ok "a disk that is full costs no alert"
else
    n=$((n + 1))
    printf 'ok %d # SKIP a full disk: needs root and a mount of tmpfs\n' "$n"
fi

printf '1..%d\n' "$n"
exit $bad
