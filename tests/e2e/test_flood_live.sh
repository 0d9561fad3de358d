#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two loops open and close a file as fast as they can. What cannot be kept up with is lost, and counted; but
# no start of a program is.
#   GYR_FLOOD_SECONDS=n: so long, instead of 4 s; GYR_FLOOD_LOOPS=n: so many, instead of 2.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
umask 022
# shellcheck source=tests/lib/live.sh
. tests/lib/live.sh

if [ "$(id -u)" -ne 0 ] || ! [ -e "$build/live/tally.so" ]; then
    skip "a flood of events: needs root, and tests/live built (x86_64)"
    exit 0
fi
mark=gyr-flood-$$
cat >"$tmp/rules.yaml" <<END
- rule: Started
  desc: Each program that the flood starts.
  condition: evt.type = execve and evt.failed = false and proc.args startswith $mark
  output: "%proc.args"
  priority: NOTICE
- rule: Ended
  desc: And its end.
  condition: evt.type = procexit and proc.args startswith $mark
  output: "%proc.args"
  priority: NOTICE
END
more_enrichers=", {plugin: $build/live/tally.so, options: {path: $tmp/tally}}"
gyr_start 300 "$PWD/rules, $tmp/rules.yaml" --stats
case $? in
0) ;;
77)
    skip "a flood of events: the source $source does not start here: $(cat "$tmp/why")"
    exit 0
    ;;
*)
    false
    ok "the source $source starts"
    exit 1
    ;;
esac
"$build/e2e/flood" "${GYR_FLOOD_SECONDS:-4}" "${GYR_FLOOD_LOOPS:-2}" "$mark" >"$tmp/made" 2>"$tmp/log"
ok "the flood is made"
read -r programs <"$tmp/made"
sed 1d "$tmp/made" | sort >"$tmp/loops"
calls=$(awk '{ n += $2 } END { print n + 0 }' "$tmp/loops")
gyr_stop
r=$?
cp "$tmp/gyr.log" "$tmp/log"
[ $r -eq 0 ]
ok "the daemon ends cleanly"

count() { sed -n "s/,//g; s/$1/\\1/p" "$tmp/gyr.log" | awk '{ n += $1 } END { print n + 0 }'; }
sort "$tmp/tally" | join - "$tmp/loops" >"$tmp/both" # tid, calls seen, calls made
seen=$(awk '{ n += $2 } END { print n + 0 }' "$tmp/both")
lost=$(count '.*: \([0-9]*\) events lost before.*')
other=$(count '.*: *\([0-9]*\) of class 0 .*')
state=$(count '.*: *\([0-9]*\) of class 1 .*')
echo "$calls calls in the loops, $seen of them seen; $lost events lost: $other of files, $state of state" >"$tmp/log"
sed 's/^/# /' "$tmp/log"
[ "$state" -eq 0 ]
ok "no event that builds state is lost"
for rule in Started Ended; do
    "$build/e2e/alert_rows" rule proc.cmdline <"$tmp/alerts.json" 2>/dev/null |
        awk -F '\t' -v rule=$rule '$2 == rule { sub(/.* /, "", $3); print $3 }' | sort -n >"$tmp/$rule"
    seq 0 $((programs - 1)) | diff - "$tmp/$rule" >"$tmp/log"
    ok "each of $programs programs is seen: $rule"
done
# Exactly, where nothing is lost; else some of what is lost was done by others.
cp "$tmp/both" "$tmp/log"
[ $((other + state)) -eq "$lost" ] && [ "$(wc -l <"$tmp/both")" -eq "$(wc -l <"$tmp/loops")" ] &&
    [ "$seen" -le "$calls" ] && [ $((seen + lost)) -ge "$calls" ]
ok "every call is an event that was seen, once, or counted as lost"
if [ "$lost" -gt 0 ]; then
    grep -q '"rule":"Gyr: events lost"' "$tmp/alerts.json"
    ok "a loss is told by an alert"
fi
if [ "${GYR_VARIANT:-release}" = release ]; then
    [ $((lost * 10)) -lt $((calls * 3)) ]
    ok "fewer than three of ten are lost: $((lost * 1000 / calls)) per mille"
else
    skip "how much is lost, in a build of another pace: $((lost * 1000 / calls)) per mille"
fi
finish
