#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rules change while a busy machine is watched: no event is lost, no alert is lost or doubled, memory stays. Two
# rule files that want different system calls take turns, with one that is broken now and then; meanwhile a
# program with a number in its arguments reads /etc/shadow, again and again.
#   GYR_RELOADS=n: so many generations, instead of 50; GYR_LOAD=script: what keeps the machine busy, called
#   with seconds; default: ../shared/tools/load.sh where it is, else nothing does.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/live.sh
. tests/lib/live.sh

if [ "$(id -u)" -ne 0 ]; then
    skip_all "reloads while this machine is watched: needs root"
fi
mark=gyr-reload-$$ all=${GYR_RELOADS:-50}
load=${GYR_LOAD:-$PWD/../shared/tools/load.sh}
mkdir "$tmp/gyr.d" "$tmp/rules.d"
echo 'watch_config_files: false' >"$tmp/gyr.d/10.yaml"
# NAME CALLS: the rule that counts, and another that wants calls of its own
rules() {
    cat >"$tmp/new" <<END
- rule: Marked
  desc: Each program that the test starts.
  condition: evt.type in (open, openat, openat2) and fd.name = /etc/shadow and proc.args contains $mark
  output: "$1 %proc.args"
  priority: NOTICE
- rule: Calls of $1
  desc: The source has to trace more, and less again.
  condition: evt.type in ($2) and proc.args contains no-such-$mark
  output: "%proc.args"
  priority: NOTICE
END
    mv "$tmp/new" "$tmp/rules.d/rules.yaml"
}
one() { rules one "symlink, symlinkat, getcwd, sched_yield"; }
two() { rules two "fchmod, fchown, sync, getrlimit"; }
one
gyr_start $((120 + all * 3)) "$PWD/rules, $tmp/rules.d" --stats
case $? in
0) ;;
77)
    skip_all "reloads while this machine is watched: the source $source does not start here: $(cat "$tmp/why")"
    ;;
*)
    false
    ok "the source $source starts"
    exit 1
    ;;
esac

# ---- the load and the acts ----
if [ -e "$load" ]; then
    (while [ ! -e "$tmp/over" ]; do bash "$load" 10; done) >/dev/null 2>&1 &
    busy_pid=$!
else
    busy_pid=
    skip "a busy machine: there is no $load here"
fi
(
    i=0
    while [ ! -e "$tmp/over" ]; do
        cat /etc/shadow "$mark-$i" >/dev/null 2>&1
        i=$((i + 1))
        echo $i >"$tmp/acts"
        sleep 0.01
    done
) &
acts_pid=$!

# ---- generations ----
in_force() { kill -0 "$gyr_pid" && grep -q "generation $1 is in force" "$tmp/gyr.log"; }
# shellcheck disable=SC2317 # until_true calls it
refused() { [ "$(grep -c 'stays in force' "$tmp/gyr.log")" -ge "$1" ]; }
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$gyr_watching/status"; }
read -r gyr_watching _ <"/proc/$gyr_pid/task/$gyr_pid/children" # of timeout
k=1 broken=0 early=0
began=$(date +%s)
while [ $k -lt "$all" ]; do
    if [ $((k % 10)) -eq 5 ]; then
        echo '- rule: broken' >"$tmp/rules.d/zz.yaml"
        kill -HUP "$gyr_watching"
        broken=$((broken + 1))
        until_true 60 refused $broken || break
        rm "$tmp/rules.d/zz.yaml"
    fi
    k=$((k + 1))
    if [ $((k % 2)) -eq 0 ]; then two; else one; fi
    kill -HUP "$gyr_watching"
    until_true 60 in_force $k || break
    [ $k -ne $((all / 10)) ] || early=$(rss)
done
late=$(rss)
took=$(($(date +%s) - began))
tail -n 20 "$tmp/gyr.log" >"$tmp/log"
in_force "$all"
ok "$all generations in $took s, $broken attempts at a broken rule between them"
[ "$(grep -c 'rules.d/zz.yaml:1:3: error: ' "$tmp/gyr.log")" -ge "$broken" ]
ok "what is broken is told with its place"
: >"$tmp/over"
wait $acts_pid
[ -z "$busy_pid" ] || wait "$busy_pid"
acts=$(cat "$tmp/acts")
gyr_stop
r=$?
cp "$tmp/gyr.log" "$tmp/log"
[ $r -eq 0 ]
ok "the daemon ends cleanly"

# ---- what became of them ----
count() { sed -n "s/,//g; s/$1/\\1/p" "$tmp/gyr.log" | awk '{ n += $1 } END { print n + 0 }'; }
lost=$(count '.*: \([0-9]*\) events lost before.*')
events=$(count '^\([0-9]*\) events in .*')
grep '"rule":"Marked"' "$tmp/alerts.json" >"$tmp/marked"
sed -n "s/.*\"output\":\"[^\"]* \\(one\\|two\\) [^\"]*$mark-\\([0-9]*\\)\".*/\\2/p" "$tmp/marked" |
    sort -n >"$tmp/numbers"
uniq -d "$tmp/numbers" >"$tmp/doubled"
seq 0 $((acts - 1)) | diff - "$tmp/numbers" >"$tmp/diff"
longest=$(sed -n 's/.*is in force: .*(\([0-9]*\) ms)$/\1/p' "$tmp/gyr.log" | sort -n | tail -n 1)
echo "$events events, $lost lost; $acts marked acts, $(wc -l <"$tmp/numbers") alerts of them; the longest reload took $longest ms" >"$tmp/log"
sed 's/^/# /' "$tmp/log"
[ ! -s "$tmp/doubled" ]
ok "no alert is doubled"
if [ "$lost" -gt 0 ] && too_busy "0 events lost ($lost of $events were)"; then
    skip "no alert is lost: events were"
else
    [ "$lost" -eq 0 ]
    ok "no event is lost of $events"
    head -n 20 "$tmp/diff" >>"$tmp/log"
    [ ! -s "$tmp/diff" ]
    ok "each of $acts acts is alerted of once, by rules of $all generations"
fi
grep -q 'one [^"]*'"$mark" "$tmp/marked" && grep -q 'two [^"]*'"$mark" "$tmp/marked"
ok "both rule files had their turns"
grep -q 'alerts dropped' "$tmp/gyr.log" && [ "$(count '.*: \([0-9]*\) alerts dropped')" -eq 0 ]
ok "no output dropped any"
if [ "${GYR_VARIANT:-release}" = release ]; then
    [ "$late" -le $((early + early / 10 + 1024)) ]
    ok "memory stays: $early KiB after $((all / 10)) generations, $late KiB after $all"
fi
finish
