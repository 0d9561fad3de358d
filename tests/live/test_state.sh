#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The state of the machine as a live source knows it: programs that fork, execute and open without a
# pause are told whole from the first alert on, whether they began before, during or after the start;
# the same where /proc shows a container only; and what losses have spoilt is right again.
#   GYR_STATE_STARTS: how often to start (4). The source is the plugin GYR_LIVE_SOURCE (ebpf), with
#   GYR_LIVE_OPTIONS (such as "attach: fexit").
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${GYR_BUILD:-$PWD/build/release}
gyr=${GYR:-$build/bin/gyr}
source=${GYR_LIVE_SOURCE:-ebpf}
starts=${GYR_STATE_STARTS:-4}
tmp=$(mktemp -d) || exit 1
loops='' pid=''
stop_loops() {
    # shellcheck disable=SC2086 # several
    [ -z "$loops" ] || kill $loops 2>/dev/null
    loops=''
}
trap 'stop_loops; test -z "$pid" || kill "$pid" 2>/dev/null; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT PIPE TERM
n=0 bad=0

ok() { # NAME: the last command's status decides
    if [ $? -eq 0 ]; then
        n=$((n + 1))
        printf 'ok %d - %s\n' "$n" "$1"
    else
        n=$((n + 1)) bad=1
        printf 'not ok %d - %s\n' "$n" "$1"
        sed 's/^/# /' "$tmp/log" | head -n 40
    fi
}
skip() {
    n=$((n + 1))
    printf 'ok %d # SKIP %s\n' "$n" "$1"
}

if [ "$(id -u)" -ne 0 ]; then
    skip "a live source needs root"
    exit 0
fi

# ---- what is watched ----
ring=100         # so many markers, in turn: a gap shows
mark=m${tmp##*.} # nobody else's
i=0
while [ $i -lt $ring ]; do
    : >"$tmp/$mark.$i"
    i=$((i + 1))
done
# Each opens marker after marker: a program of its own, a child that stays the shell, the shell itself.
cat >"$tmp/exec.sh" <<'END'
while :; do cat "$1/$mark.$n"; n=$(((n + 1) % 100)); done
END
cat >"$tmp/fork.sh" <<'END'
while :; do (: <"$1/$mark.$n"); n=$(((n + 1) % 100)); done
END
cat >"$tmp/deep.sh" <<'END'
while :; do sh "$1/inner.sh" "$1/$mark.$n"; n=$(((n + 1) % 100)); done
END
cat >"$tmp/inner.sh" <<'END'
cat "$1"; :
END
cat >"$tmp/self.sh" <<'END'
cd "$1" && while :; do : <$mark.$n; sleep 0.003; n=$(((n + 1) % 100)); done
END
start_loops() {
    for name in exec fork deep self; do
        n=0 mark=$mark sh "$tmp/$name.sh" "$tmp" >/dev/null 2>&1 &
        loops="$loops $!"
    done
}
cat >"$tmp/rules.yaml" <<END
- rule: Marker
  desc: A marker is opened.
  condition: evt.type in (open, openat) and evt.arg.name contains $mark. and evt.res = SUCCESS
  output: "|%proc.name|%proc.pname|%proc.cmdline|%proc.pcmdline|%fd.name|%proc.exepath|%proc.aname[2]|%user.name|"
  priority: NOTICE
END
config() { # FILE OPTIONS
    cat >"$1" <<END
plugin_dirs: [$build/plugins]
sources:
  - plugin: $source
    options: {${GYR_LIVE_OPTIONS:+$GYR_LIVE_OPTIONS, }$2}
enrichers:
  - plugin: process
outputs:
  - plugin: file
    options: {path: $tmp/alerts}
rules: {files: [$tmp/rules.yaml]}
END
}
config "$tmp/proc.yaml" ''
config "$tmp/kernel.yaml" 'snapshot: kernel'
config "$tmp/small.yaml" 'ring_size: 256K, state_ring_size: 256K'

cat=$(readlink -f "$(command -v cat)") sh=$(readlink -f "$(command -v sh)")
# Every alert, from the given one on, is one of those that can be. Of each loop none is missing
# between two, unless there are several.
judge() { # LEAST [FROM]
    tail -n "+${2:-1}" "$tmp/alerts" | sed -n 's/.*"output":"[^|]*|\([^"]*\)|",*.*/\1/p' >"$tmp/lines"
    awk -F'|' -v several=$(($# > 1)) -v tmp="$tmp" -v mark="$mark" -v cat="$cat" -v sh="$sh" -v least="$1" '
    function wrong(why) { if (bad++ < 20) print why ": " $0 }
    {
        i = $5; sub(/.*\./, "", i)
        file = tmp "/" mark "." i
        kind = $1 == "cat" && $4 ~ /exec\.sh/ ? "exec" : $1 == "cat" ? "deep" : $3 ~ /fork\.sh/ ? "fork" : "self"
        script = "sh " tmp "/" kind ".sh " tmp
        parent = kind == "fork" ? script : kind == "exec" ? script : kind == "deep" ? "sh " tmp "/inner.sh " file : $4
        own = $1 == "cat" ? "cat " file : script
        if ($5 != file) wrong("name of the file")
        else if ($6 != ($1 == "cat" ? cat : sh)) wrong("path of the program")
        else if ($2 != "sh" && kind != "self") wrong("name of the parent")
        else if ($3 != own) wrong("command line")
        else if ($4 != parent) wrong("command line of the parent")
        else if (kind == "deep" && $7 != "sh") wrong("name of the grandparent")
        else if ($8 != "root") wrong("user")
        else if (!several && kind in last && i != (last[kind] + 1) % 100) wrong("gap behind " last[kind] " of " kind)
        last[kind] = i
        count[kind]++
    }
    END {
        split("exec fork deep self", k, " ")
        for (j = 1; j <= 4; j++) {
            all = all " " count[k[j]] + 0
            if (count[k[j]] < least) { print "only " count[k[j]] + 0 " alerts of " k[j]; bad++ }
        }
        print "alerts of exec, fork, deep, self:" all "; wrong: " bad + 0
        exit bad > 0
    }' "$tmp/lines" >"$tmp/log" 2>&1
}
# Run it, under the command, until every loop has been told of so often, a minute at most.
watch() { # CONFIGURATION TIMES [COMMAND…]
    conf=$1 times=$2
    shift 2
    rm -f "$tmp/alerts"
    "$@" "$gyr" run -c "$conf" >"$tmp/gyr.log" 2>&1 &
    pid=$!
    wait_told "$times"
    end_watch
}
wait_told() { # TIMES [FROM]
    times=$1 from=${2:-1} i_watch=0
    while [ $i_watch -lt 300 ] && kill -0 $pid 2>/dev/null; do
        i_watch=$((i_watch + 1))
        sleep 0.2
        [ -s "$tmp/alerts" ] || continue
        tail -n "+$from" "$tmp/alerts" >"$tmp/tail"
        [ "$(grep -c inner.sh "$tmp/tail")" -lt "$times" ] ||
            [ "$(grep -c self.sh "$tmp/tail")" -lt "$times" ] || break
    done
}
end_watch() { # the daemon itself may be the child of a command that made its namespace
    inner=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null)
    # shellcheck disable=SC2086 # several
    kill -INT ${inner:-$pid} 2>/dev/null
    wait "$pid"
    pid=''
}

start_loops
watch "$tmp/proc.yaml" 10
if ! [ -s "$tmp/alerts" ]; then
    stop_loops
    if grep -qE 'error: ' "$tmp/gyr.log"; then
        skip "the source $source does not start here: $(grep -m 1 -E 'error: ' "$tmp/gyr.log")"
        exit 0
    fi
    cp "$tmp/gyr.log" "$tmp/log"
    false
    ok "the source $source gives events"
    exit 1
fi
stop_loops
# Loops are there before, or begin about when it does.
i=0
while [ $i -lt "$starts" ]; do
    i=$((i + 1))
    if [ $((i % 2)) -eq 0 ]; then
        start_loops
        watch "$tmp/proc.yaml" 10
    else
        (
            sleep "0.$((i % 10))"
            start_loops
            echo "$loops" >"$tmp/loops"
            wait
        ) &
        watch "$tmp/proc.yaml" 10
        loops=$(cat "$tmp/loops")
    fi
    judge 5
    ok "start $i: everything is told whole ($(tail -n 1 "$tmp/log"))"
    stop_loops
done

# ---- after losses ----
rm -f "$tmp/alerts"
"$gyr" run -c "$tmp/small.yaml" >"$tmp/gyr.log" 2>&1 &
pid=$!
start_loops
wait_told 5
kill -STOP "$pid"
sleep 2
start_loops # of which it hears nothing
sleep 2
kill -CONT "$pid"
sleep 5
from=$(($(wc -l <"$tmp/alerts") + 1))
wait_told 10 "$from"
end_watch
stop_loops
cp "$tmp/gyr.log" "$tmp/log"
grep -q 'events lost' "$tmp/alerts"
ok "what does not fit into small rings is told to be lost"
judge 5 "$from"
whole=$?
if [ $whole -eq 0 ] || [ "$(cut -d. -f1 /proc/loadavg)" -lt $((4 * $(nproc))) ]; then
    [ $whole -eq 0 ]
    ok "after losses everything is told whole again ($(tail -n 1 "$tmp/log"))"
else
    skip "after losses: the load of this machine is $(cat /proc/loadavg), events are lost all the time"
fi

# ---- told by the kernel ----
kernel_tells() { # NAME CONFIGURATION [COMMAND…]
    how=$1
    shift
    start_loops
    # shellcheck disable=SC2086 # several words
    watch "$1" 10 $2
    if grep -qE "snapshot' is kernel, but|nothing is known" "$tmp/gyr.log"; then
        skip "$how: $(grep -m 1 -E 'but|known' "$tmp/gyr.log")"
    elif grep -q 'without arguments' "$tmp/gyr.log"; then
        skip "$how: this kernel does not tell arguments"
    else
        judge 5
        ok "$how: everything is told whole ($(tail -n 1 "$tmp/log"))"
    fi
    stop_loops
}
kernel_tells "state told by the kernel" "$tmp/kernel.yaml" ''
if unshare --pid --fork --mount-proc true 2>/dev/null; then
    kernel_tells "in a PID namespace" "$tmp/proc.yaml" "unshare --pid --fork --mount-proc"
    grep -q 'are told by the kernel' "$tmp/gyr.log"
    ok "in a PID namespace it says where state comes from"
else
    skip "no PID namespace can be made here"
fi
exit $bad
