#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What was recorded while Gyr watched a busy machine replays as it was: the same alerts, with the same
# value of every field there is. The load is ../shared/tools/load.sh and attacks.py, or one of our own.
#   GYR_LIVE_SECONDS=n: so long, instead of 4 s.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
umask 022
# shellcheck source=tests/lib/live.sh
. tests/lib/live.sh
shared=$PWD/../shared/tools
seconds=${GYR_LIVE_SECONDS:-4}

if [ "$(id -u)" -ne 0 ]; then
    skip "recording this machine needs root"
    exit 0
fi
# Every field that needs no argument, but for those that tell of the source, or count from what it is
# asked for.
fields=$("$gyr" list fields --plugin-dir "$build/plugins" |
    awk '$1 !~ /^evt\.(delta|rel)time|^evt\.plugin|[[]/ && $3 != "-" { printf "%%%s ", $1 }')
[ "$(printf '%s' "$fields" | wc -w)" -gt 180 ]
ok "there are fields to ask for"
cat >"$tmp/rules.yaml" <<END
- rule: State changed
  desc: What happens to processes and files, with all that is known then.
  condition: >
    evt.type in (execve, execveat, clone, clone3, fork, vfork, procexit, connect, accept4, chdir, setuid,
    symlink, unlink, rename, dup2, setsid)
  output: "$fields"
  priority: DEBUG
- rule: Opened
  desc: What is opened below /etc, and what could not be opened.
  condition: evt.type in (open, openat) and (fd.name startswith /etc or evt.failed = true)
  output: "$fields %evt.args %evt.arg.flags %proc.aname[2] %proc.aexepath[3] %proc.env[PATH]"
  priority: DEBUG
END

# our own load: programs start and end, files come and go, others are asked for in vain
busy() {
    end=$(($(date +%s) + seconds))
    cd "$tmp" || exit 1
    while [ "$(date +%s)" -lt "$end" ]; do
        sh -c 'id; ls / | wc -l; echo x >file; ln -sf /etc/shadow link; rm -f link file; cat /etc/shadow /none' \
            >/dev/null 2>&1
        (cd /etc && grep -c root passwd >/dev/null)
        find /etc -name 'pass*' >/dev/null 2>&1
    done
}

gyr_start $((seconds + 100)) "$PWD/rules, $tmp/rules.yaml" --record "$tmp/live.scap"
case $? in
0) ;;
77)
    skip "recording: the source $source does not start here: $(cat "$tmp/why")"
    exit 0
    ;;
*)
    false
    ok "the source $source starts"
    exit 1
    ;;
esac
if [ -r "$shared/load.sh" ] && command -v gcc curl bash >/dev/null && [ -x /usr/bin/python3 ]; then
    bash "$shared/load.sh" "$seconds" >/dev/null 2>&1 &
    work=$!
    sleep 1
    /usr/bin/python3 "$shared/attacks.py" >/dev/null 2>&1
else
    busy &
    work=$!
fi
wait "$work"
gyr_stop
r=$?
cp "$tmp/gyr.log" "$tmp/log"
[ $r -eq 0 ]
ok "the daemon ends cleanly"
grep -v '"rule":"Gyr: ' "$tmp/alerts.json" | sort >"$tmp/live"

sed -e '/^sources/d' -e '/{plugin: file/d' "$tmp/gyr.yaml" >"$tmp/replay.yaml"
"$gyr" replay -q -c "$tmp/replay.yaml" "$tmp/live.scap" 2>"$tmp/log" >"$tmp/replayed.json"
ok "the recording is replayed"
grep -v '"rule":"Gyr: ' "$tmp/replayed.json" | sort >"$tmp/replayed"

if grep -q 'faster than they can be written' "$tmp/gyr.log" &&
    too_busy "the recording is the live run, but for what could not be written in time"; then
    finish
fi
[ "$(wc -l <"$tmp/live")" -gt 300 ] && grep -q '"State changed"' "$tmp/live" &&
    grep -q '"Sensitive file read"' "$tmp/live"
ok "$(wc -l <"$tmp/live") alerts"
diff "$tmp/live" "$tmp/replayed" >"$tmp/diff"
r=$?
for side in '<' '>'; do # what differs in the first that does
    grep "^$side" "$tmp/diff" | head -n 1 | cut -c 3- | sed 's/,"/,\n"/g' | grep -v '^"output":' >"$tmp/$side"
done
diff "$tmp/<" "$tmp/>" >"$tmp/log"
[ $r -eq 0 ]
ok "replayed they are the same, with the same value of every field"
finish
