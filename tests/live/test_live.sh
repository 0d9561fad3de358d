#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A live source gives every typed event, with the parameters that the program's calls had. The driver
# makes the calls and writes what must come; an enricher (tap.so) writes what comes; both are compared
# parameter by parameter. The source is the plugin GYR_LIVE_SOURCE (default: ebpf), with GYR_LIVE_OPTIONS
# (such as "attach: fexit").
#   GYR_LIVE_KEEP=folder keeps the files.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${GYR_BUILD:-$PWD/build/release}
gyr=${GYR:-$build/bin/gyr}
live=$build/live
source=${GYR_LIVE_SOURCE:-ebpf}
tmp=$(mktemp -d) || exit 1
pid=
trap 'test -z "$pid" || kill "$pid" 2>/dev/null; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
umask 022
n=0 bad=0

ok() { # NAME: the last command's status decides
    if [ $? -eq 0 ]; then
        n=$((n + 1))
        printf 'ok %d - %s\n' "$n" "$1"
    else
        n=$((n + 1)) bad=1
        printf 'not ok %d - %s\n' "$n" "$1"
        sed 's/^\([^#]\)/# \1/' "$tmp/log"
    fi
}

skip() {
    n=$((n + 1))
    printf 'ok %d # SKIP %s\n' "$n" "$1"
}

# What came, had all come as expected: the expectations with something in each open place.
perfect() {
    awk -F '\t' -v OFS='\t' '/^left out/ { next } {
        split($2, at, "#"); key = at[2]; $2 = $2 ~ / cut$/ ? "cut" : "-"
        for (i = 5; i <= NF; i++) {
            if ($i ~ /=\^"/) { sub(/=\^/, "=", $i); $i = $i "and more\"" }
            sub(/=[*+]$/, "=0", $i)
        }
        printf "%d\t%s\n", key, $0 }' "$1" | sort -s -n | cut -f 2-
}
compare() { # STATUS [TEXT]
    "$live/drive" --compare "$tmp/expected" "$tmp/came" >"$tmp/log" 2>&1
    [ $? -eq "$1" ] && { [ $# -eq 1 ] || grep -q -- "$2" "$tmp/log"; }
}

if [ ! -x "$live/drive" ]; then
    skip "the live test's driver makes calls of x86_64, and was not built"
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    skip "the live test needs root"
    exit 0
fi
# ---- the comparison itself ----
"$live/drive" "$tmp/expected" >"$tmp/log" 2>&1
case $? in
0) ;;
77)
    skip "the live test needs the machine's first PID namespace"
    exit 0
    ;;
*)
    false
    ok "the driver makes its calls"
    exit 1
    ;;
esac
perfect "$tmp/expected" >"$tmp/came"
compare 0
ok "the comparison takes what is as expected, and no event type is forgotten"
perfect "$tmp/expected" | sed '/\t247\t/s/queuemax=7/queuemax=8/' >"$tmp/came"
compare 1 'got      queuemax=8'
ok "and finds a wrong parameter"
perfect "$tmp/expected" | sed '/\t307\t.*new2\?"/d' >"$tmp/came"
compare 1 '^# missing: openat'
ok "and finds a missing event"
perfect "$tmp/expected" | sed '/\t309\t/p' >"$tmp/came"
compare 1 '^# unexpected: link'
ok "and finds an event that was not asked for"

perfect "$tmp/expected" | sed 's/\tcut\t/\t-\t/' >"$tmp/came"
compare 1 'marked as -'
ok "and finds one that is not marked as cut"

# ---- live ----
cat >"$tmp/all.yaml" <<END
- rule: Everything
  desc: Asks the source for every event there is, and says nothing.
  condition: evt.num = 0
  output: nothing
  priority: DEBUG
END
cat >"$tmp/gyr.yaml" <<END
plugin_dirs: [$build/plugins]
sources:
  - plugin: $source
    options: {${GYR_LIVE_OPTIONS:-}}
enrichers:
  - plugin: $live/tap.so
    options: {path: $tmp/came}
  - plugin: process
outputs:
  - plugin: file
    options: {path: $tmp/alerts}
rules: {files: [$tmp/all.yaml]}
END
rm -f "$tmp/came"
"$gyr" run -c "$tmp/gyr.yaml" >"$tmp/gyr.log" 2>&1 &
pid=$!
i=0 # minutes: loading takes long where nothing is fast
until "$live/drive" --sync "$tmp/came" 2 >"$tmp/log" 2>&1; do
    i=$((i + 1))
    [ $i -lt 200 ] && kill -0 "$pid" 2>/dev/null && continue
    cat "$tmp/gyr.log" >>"$tmp/log"
    if kill -0 "$pid" 2>/dev/null; then
        false
        ok "the source $source gives events"
    else
        wait "$pid"
        r=$? pid=
        if [ $r -eq 1 ]; then # it says what it lacks, or is not there
            skip "the source $source does not start here: $(grep -m 1 -E 'error: |gyr: ' "$tmp/gyr.log")"
        else
            false
            ok "the source $source starts, or says why not (status $r)"
        fi
    fi
    exit $bad
done
"$live/drive" "$tmp/expected" >"$tmp/log" 2>&1
ok "the driver makes its calls while they are watched"
"$live/drive" --sync "$tmp/came" 60 >"$tmp/log" 2>&1
ok "the source keeps up"
kill "$pid"
wait "$pid"
r=$?
pid=
cp "$tmp/gyr.log" "$tmp/log"
[ $r -eq 0 ]
ok "the daemon ends cleanly"
lacks=$(grep -c "the kernel's types lack" "$tmp/gyr.log")
if [ "$lacks" -gt 0 ]; then
    skip "every event came: this kernel's types lack functions of $lacks calls, as Gyr told"
else
    compare 0
    ok "every event came, with the parameters that the calls had"
    sed -n '/^# Event types/,$p' "$tmp/log"
fi
[ -z "${GYR_LIVE_KEEP:-}" ] || cp "$tmp/expected" "$tmp/came" "$tmp/gyr.log" "$tmp/log" "$GYR_LIVE_KEEP"
# ---- with little power ----
if [ "$source" != ebpf ] || ! command -v setpriv >/dev/null; then
    skip "the capabilities that suffice are tried with setpriv, on ebpf"
else
    prlimit --pid $$ --memlock=unlimited 2>/dev/null # before 5.11 the rings count against it
    setpriv --bounding-set=-all,+bpf,+perfmon "$gyr" run --dry-run -vv -c "$tmp/gyr.yaml" >"$tmp/log" 2>&1
    r=$?
    if [ $r -ne 0 ] && grep -q 'failed to iterate BTF objects' "$tmp/log"; then
        skip "CAP_BPF and CAP_PERFMON: this libbpf wants CAP_SYS_ADMIN, too, on kernels before 6.2"
    else
        [ $r -eq 0 ]
        ok "CAP_BPF and CAP_PERFMON suffice to start it"
    fi
fi
exit $bad
