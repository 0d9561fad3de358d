# SPDX-License-Identifier: Apache-2.0
# What the tests of containers' names share, besides tap.sh, which is sourced first: hostile commands in
# containers, gyr and the meter behind it, and what must be true of the names.
# shellcheck shell=sh disable=SC2154 # tap.sh and the scripts set these
pid='' proxy='' waits=''

names_need() { # PROGRAM…
    [ "$(id -u)" -eq 0 ] || skip_all "needs root"
    for c; do
        command -v "$c" >/dev/null || skip_all "needs $c"
    done
    case ${GYR_VARIANT:-release} in asan | tsan) skip_all "measures; not under sanitizers" ;; esac
    [ -e "$build/plugins/ebpf.so" ] || skip_all "needs the source ebpf"
}

names_end() { # what was started here, when the script ends
    for p in $pid $proxy $waits; do kill "$p" 2>/dev/null; done
}

names_files() { # FOLDER: what an image holds
    mkdir -p "$1/bin" "$1/etc"
    cp "$(command -v busybox)" "$1/bin/busybox"
    for c in sh cat sleep true; do ln -s busybox "$1/bin/$c"; done
    echo 'root:!:1::::::' >"$1/etc/shadow"
}

names_rules() { # WORD of the hostile commands' arguments; more rules on the standard input
    cat >"$tmp/rules.yaml" <<EOT
- macro: hostile
  condition: >
    evt.type in (open, openat) and fd.name = /etc/shadow and container.id != host
    and proc.name = cat and proc.args contains "$1"
- rule: plain
  desc: reads nothing of the runtime
  condition: hostile
  output: "num=%evt.num id=%container.id args=%proc.args"
  priority: warning
- rule: named
  desc: reads the runtime's
  condition: hostile
  output: "num=%evt.num name=%container.name image=%container.image args=%proc.args"
  priority: warning
EOT
    cat >>"$tmp/rules.yaml"
}

names_start() { # ENRICHERS WORDS: gyr run, and the meter behind it, until it says the words
    cat >"$tmp/gyr.yaml" <<EOT
plugin_dirs: [$build/plugins]
log_level: info
sources: [{plugin: ebpf}]
enrichers: [$1]
outputs: [{plugin: stdout, options: {format: json}}]
rules: {files: [rules.yaml]}
EOT
    rm -f "$tmp/pipe"
    mkfifo "$tmp/pipe"
    tee "$tmp/alerts" <"$tmp/pipe" | "$build/e2e/names_meter" >"$tmp/result" 2>"$tmp/wrong" &
    meter=$!
    "$gyr" run -c "$tmp/gyr.yaml" >"$tmp/pipe" 2>"$tmp/err" &
    pid=$!
    waits=$meter
    until_true 20 grep -q 'calls are traced\|cannot\|error' "$tmp/err" &&
        until_true 20 grep -q "$2" "$tmp/err"
}

alerts() { # TEXT…: how many alerts have all of them
    awk 'BEGIN { n = ARGC - 1; ARGC = 1; for (i = 1; i <= n; i++) want[i] = ARGV[i] }
        { for (i = 1; i <= n; i++) if (!index($0, want[i])) next; k++ } END { print k + 0 }' \
        "$@" <"$tmp/alerts"
}

# shellcheck disable=SC2317 # until_true calls it
has_seen() { # NUMBER: so many hostile commands have given an alert
    [ "$(alerts '"rule":"plain"')" -ge "$1" ]
}

names_stop() { # NUMBER of hostile commands
    until_true 20 has_seen "$1" # a busy machine is behind
    sleep 1.5                   # longer than anything is parked
    kill -INT "$pid" && wait "$pid"
    wait "$meter"
    pid='' waits=''
    sed 's/^/# /' "$tmp/result" "$tmp/wrong"
}

result() { # NAME: a number of the meter's line
    awk -v k="$1" '{ for (i = 1; i < NF; i += 2) if ($i == k) print $(i + 1) }' "$tmp/result"
}

below() { # NUMBER LIMIT
    awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'
}

names_right() { # NUMBER
    [ "$(result plain)" -eq "$1" ] && [ "$(result named)" -eq "$1" ]
    ok "$1 hostile commands, four at a time: an alert of each"
    [ "$(result right)" -eq "$1" ] && [ "$(result wrong)" -eq 0 ] && [ "$(result twice)" -eq 0 ]
    ok "every alert has the right name and image, none comes twice"
    below "$(result median_ms)" 50 && below "$(result worst_ms)" 1000
    ok "the names cost a median of $(result median_ms) ms, $(result worst_ms) at worst"
}

# names_cut NUMBER SOCKET ENRICHERS UP DOWN AGAIN: so many, of which the second third comes while the
# runtime cannot be reached for ten seconds. ENRICHERS name $tmp/proxy.sock; UP, DOWN and AGAIN are what
# gyr says then. The script's hostile FIRST LAST runs the commands.
names_cut() {
    "$build/e2e/unix_proxy" "$tmp/proxy.sock" "$2" &
    proxy=$!
    until_true 20 test -S "$tmp/proxy.sock"
    names_start "$3" "$4"
    third=$(($1 / 3))
    hostile 1001 $((1000 + third))
    kill -USR1 "$proxy"
    sleep 10 &
    cut=$!
    hostile $((1001 + third)) $((1000 + 2 * third))
    wait "$cut"
    kill -USR2 "$proxy"
    until_true 20 grep -q "$6" "$tmp/err"
    hostile $((1001 + 2 * third)) $((1000 + $1))
    names_stop "$1"
    [ "$(result plain)" -eq "$1" ] && [ "$(result named)" -eq "$1" ] && [ "$(result twice)" -eq 0 ]
    ok "cut for ten seconds: every alert arrives, none twice"
    [ $(($(result right) + $(result missing))) -eq "$1" ] && [ "$(result wrong)" -eq 0 ] &&
        [ "$(result missing)" -gt 0 ]
    ok "those without a name say that it is missing ($(result missing) of $1), all others are right"
    [ "$(result right)" -ge $((2 * third)) ]
    ok "names come again when it is healed"
    [ "$(grep -c "$5" "$tmp/err")" -eq 1 ] && [ "$(grep -c "$6" "$tmp/err")" -eq 1 ]
    ok "it is told once, and once that it is over"
}
