#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two drivers that watch the same program give the same events: two daemons run at once, the driver
# (drive) makes its calls, and what came of each of its threads is equal, record by record: flags, type,
# and every parameter. Both see one run, so that nothing has to be made the same: not the numbers of
# processes, files and addresses either. Only time is left out, and so the order between threads.
#   GYR_LIVE_SAME='SOURCE: OPTIONS|SOURCE: OPTIONS' (ebpf: attach: sys_exit|ebpf: attach: auto).
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/live.sh
. tests/lib/live.sh
live=$build/live
same=${GYR_LIVE_SAME:-ebpf: attach: sys_exit|ebpf: attach: auto}
pids=
# shellcheck disable=SC2086,SC2317 # several; a trap calls it
at_exit() { [ -z "$pids" ] || kill $pids 2>/dev/null; }

if [ "$(id -u)" -ne 0 ] || [ ! -x "$live/drive" ]; then
    skip "two drivers at once: needs root, and tests/live built (x86_64)"
    exit 0
fi
cat >"$tmp/all.yaml" <<END
- rule: Everything
  desc: Asks the source for every event there is, and says nothing.
  condition: evt.num = 0
  output: nothing
  priority: DEBUG
END

begin() { # NAME "SOURCE: OPTIONS": a daemon that writes what comes to $tmp/NAME
    cat >"$tmp/$1.yaml" <<END
plugin_dirs: [$build/plugins]
sources: [{plugin: ${2%%:*}, options: {${2#*:}}}]
enrichers: [{plugin: $live/tap.so, options: {path: $tmp/$1}}, process]
outputs: [{plugin: file, options: {path: $tmp/$1.alerts}}]
rules: {files: [$tmp/all.yaml]}
END
    timeout --foreground -k 5 600 "$gyr" run -c "$tmp/$1.yaml" >"$tmp/$1.log" 2>&1 &
    pids="$pids $!"
}
seen() { # NAME: has it what happens now?
    "$live/drive" --sync "$tmp/$1" 2 >"$tmp/log" 2>&1
}
running() {
    for pid in $pids; do kill -0 "$pid" 2>/dev/null || return 1; done
}
end_both() { # @return the worst exit status
    # shellcheck disable=SC2086 # several
    kill $pids 2>/dev/null
    r=0
    for pid in $pids; do
        wait "$pid"
        status=$?
        [ $status -le $r ] || r=$status
    done
    pids=
    cat "$tmp/one.log" "$tmp/other.log" >"$tmp/log"
    return $r
}
# Each daemon's events of the driver's threads, thread by thread.
of_drive() { # NAME
    awk -F '\t' 'NR == FNR { mine[$1]; next } $1 in mine' "$tmp/tids" "$tmp/$1" | sort -s -t "$(printf '\t')" -k 1,1n
}
# $differ records are not in both; told in $tmp/log, parameters below each other. @return whether there is none
differences() {
    diff -U 0 "$tmp/one.own" "$tmp/other.own" >"$tmp/diff"
    differ=$(grep -c '^[+-][0-9]' "$tmp/diff")
    {
        echo "$differ records are not in both"
        grep '^[+-][0-9]' "$tmp/diff" | head -n 20 | cut -c 1-2000 | tr '\t' '\n'
    } >"$tmp/log"
    [ "$differ" -eq 0 ]
}

# How often the kernel did not run one of eBPF's programs because on that CPU it ran for another thread, which
# had been interrupted: kernels may do so, and nobody but the program's descriptor tells.
missed() {
    for pid in $pids; do
        cat "/proc/$(tr -d ' ' <"/proc/$pid/task/$pid/children")/fdinfo/"* 2>/dev/null
    done | awk '/^recursion_misses/ { n += $2 } END { print n + 0 }'
}

# Both watch while the driver makes its calls. @return 0; 77 when that cannot be, told; else 1
watch_both() {
    rm -f "$tmp/one" "$tmp/other" "$tmp"/*.alerts
    begin one "${same%%|*}"
    begin other "${same#*|}"
    i=0
    until seen one && seen other; do
        i=$((i + 1))
        [ $i -lt 200 ] && running && continue
        end_both
        if [ $? -eq 1 ]; then # one says what it lacks, or is not there
            skip "two drivers at once, $same: $(grep -m 1 -E 'error: |gyr: run: ' "$tmp/log")"
            return 77
        fi
        false
        ok "both drivers start, or say why not ($same)"
        return 1
    done
    "$live/drive" "$tmp/expected" >"$tmp/log" 2>&1
    status=$?
    if [ $status -eq 77 ]; then
        skip "two drivers at once: needs the machine's first PID namespace"
        return 77
    fi
    [ $status -eq 0 ]
    ok "the driver makes its calls while both watch"
    seen one && seen other && running
    ok "both keep up"
    missed=$(missed)
    lacks=$(cat "$tmp/one.log" "$tmp/other.log" | grep -c "the kernel's types lack")
    end_both
    ok "they end cleanly"
}

# Both see what all others do on this machine, too: a ring may be full. Then, once more.
for _ in 1 2 3 4 5; do
    watch_both || finish
    grep -v '^left out' "$tmp/expected" | cut -f 1 | sort -u >"$tmp/tids"
    of_drive one >"$tmp/one.own"
    of_drive other >"$tmp/other.own"
    cat "$tmp/one.alerts" "$tmp/other.alerts" >"$tmp/alerts"
    grep -q 'events lost' "$tmp/alerts" || [ "$missed" -gt 0 ] || break
    differences && break
    echo "# once more: the kernel did not run a program of eBPF $missed times," \
        "$(grep -c 'events lost' "$tmp/alerts") alerts of losses"
done
[ -z "${GYR_LIVE_KEEP:-}" ] || cp "$tmp/one" "$tmp/other" "$tmp/expected" "$GYR_LIVE_KEEP"
if [ "$lacks" -gt 0 ]; then
    skip "the events of $same: this kernel's types lack functions of $lacks calls, as Gyr told"
else
    if differences || [ "$missed" -eq 0 ]; then
        [ "$differ" -eq 0 ]
        ok "the events of both are equal ($same)"
    else
        [ "$differ" -le "$missed" ] && grep -q 'events lost' "$tmp/alerts"
        ok "the events of both are equal, but for $differ that the kernel ran no program for, as was told ($same)"
    fi
    grep -c . "$tmp/one.own" | sed 's/^/# /; s/$/ records, equal but for time/'
fi
# The comparison sees one that is not, and one that is missing.
cp "$tmp/other.own" "$tmp/kept"
sed 's/queuemax=7/queuemax=8/' "$tmp/kept" >"$tmp/other.own"
! differences && [ "$(grep -c 'queuemax=8' "$tmp/log")" -ge 1 ]
ok "a wrong parameter is found"
sed '/queuemax=7/d' "$tmp/kept" >"$tmp/other.own"
! differences && grep -q 'queuemax=7' "$tmp/log"
ok "a missing record is found"
finish
