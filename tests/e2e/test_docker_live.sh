#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What Gyr is for: somebody gets a shell in a container and looks around. Each act must be an alert
# within 100 ms, with user, command line, parent, terminal and container.
set -u
cd "$(dirname "$0")/../.." || exit 1
umask 022
# shellcheck source=tests/lib/live.sh
. tests/lib/live.sh

if [ "$(id -u)" -ne 0 ] || ! command -v script >/dev/null; then
    skip "a shell in a container: needs root, and script of util-linux"
    exit 0
fi
docker_start || {
    skip "a shell in a container: $(cat "$tmp/why")"
    exit 0
}
docker_files /bin/bash /bin/cat /bin/cp /bin/date /bin/sleep /bin/true
docker_import scene 2>"$tmp/log"
ok "an image of this host's programs"

cat >"$tmp/scene.yaml" <<'END'
- macro: of_a_container
  condition: (container.id != host and evt.failed = false)
- rule: Shell
  desc: A shell is started.
  condition: of_a_container and evt.type = execve and proc.name = bash
  output: shell
  priority: NOTICE
- rule: Read
  desc: One of these files is read.
  condition: >
    of_a_container and evt.type in (open, openat) and evt.is_open_read = true
    and fd.name in (/root/.bashrc, /etc/passwd, /etc/shadow) and proc.name = cat
  output: read
  priority: NOTICE
- rule: Write
  desc: A program is put there.
  condition: >
    of_a_container and evt.type in (open, openat, creat) and evt.is_open_write = true
    and fd.name startswith /bin/
  output: written
  priority: ERROR
END

mkfifo "$tmp/fifo"
"$build/e2e/alert_rows" evt.time rule user.name user.uid proc.name proc.cmdline proc.pname \
    proc.exepath proc.tty container.id fd.name <"$tmp/fifo" >"$tmp/rows" 2>"$tmp/rows.err" &
alerts_to=$tmp/fifo
gyr_start 120 "$PWD/rules, $tmp/scene.yaml"
case $? in
0) ;;
77)
    skip "a shell in a container: the source $source does not start here: $(cat "$tmp/why")"
    exit 0
    ;;
*)
    false
    ok "the source $source starts"
    exit 1
    ;;
esac

container=$(docker run -d --network none scene /usr/bin/sleep 100 2>"$tmp/log" | cut -c 1-12)
[ "${#container}" -eq 12 ]
ok "a container runs"

# What is typed into the terminal. The stamps say when each act was, by another clock than Gyr's.
type_all() {
    sleep 1
    for act in 'cat /root/.bashrc' 'cat /etc/passwd' 'cat /etc/shadow' 'cp /bin/true /bin/surprise'; do
        echo "date +%s%N >>/tmp/stamps; $act; date +%s%N >>/tmp/stamps"
        sleep 0.3
    done
    echo exit
}
type_all | timeout 60 script -qec "docker exec -it $container bash" /dev/null >"$tmp/log" 2>&1
ok "somebody gets a shell in it"
docker exec "$container" cat /tmp/stamps >"$tmp/stamps"
gyr_stop
r=$?
cp "$tmp/gyr.log" "$tmp/log"
[ $r -eq 0 ]
ok "the daemon ends cleanly"

# Each alert exactly; terminals are pseudo-terminals of the container: 136 << 8 | their number. Until
# runc ends, it is the parent of what it started.
grep -F "$container" "$tmp/rows" | cut -f 3- | grep -v '/tmp/stamps' |
    sed 's/\trunc\t/\tcontainerd-shim\t/' | sort >"$tmp/got"
tr '|' '\t' <<END | sort >"$tmp/want"
Shell|root|0|bash|bash|containerd-shim|/usr/bin/bash|34816|$container|-
Terminal shell in a container|root|0|bash|bash|containerd-shim|/usr/bin/bash|34816|$container|-
Read|root|0|cat|cat /root/.bashrc|bash|/usr/bin/cat|34816|$container|/root/.bashrc
Read|root|0|cat|cat /etc/passwd|bash|/usr/bin/cat|34816|$container|/etc/passwd
Read|root|0|cat|cat /etc/shadow|bash|/usr/bin/cat|34816|$container|/etc/shadow
Sensitive file read|root|0|cat|cat /etc/shadow|bash|/usr/bin/cat|34816|$container|/etc/shadow
Write|root|0|cp|cp /bin/true /bin/surprise|bash|/usr/bin/cp|34816|$container|/bin/surprise
Program folder written|root|0|cp|cp /bin/true /bin/surprise|bash|/usr/bin/cp|34816|$container|/bin/surprise
END
diff -u "$tmp/want" "$tmp/got" >"$tmp/log"
ok "each act is an alert with user, command line, parent, terminal and container"

# An act's alert has a time between the stamps before and after it, and comes soon after.
awk -F '\t' -v container="$container" '
    FILENAME != ARGV[2] { stamp[++n] = $1; next }
    $11 == container && $3 ~ /^(Read|Write)$/ {
        acts++
        if ($2 < stamp[2 * acts - 1] || $2 > stamp[2 * acts])
            print "act " acts " was between " stamp[2 * acts - 1] " and " stamp[2 * acts] ", not " $2
    }
    END { if (acts != 4) print acts + 0 " acts" }' "$tmp/stamps" "$tmp/rows" >"$tmp/log"
[ ! -s "$tmp/log" ]
ok "their times are those of the acts"
awk -F '\t' -v container="$container" '$11 == container { print $1 }' "$tmp/rows" | sort -n >"$tmp/delays"
awk '{ d[NR] = $1 } END {
    printf "%d alerts: median %.1f ms, worst %.1f ms\n", NR, d[int((NR + 1) / 2)] / 1000, d[NR] / 1000
    exit !(NR >= 8 && d[1] >= 0 && d[int((NR + 1) / 2)] <= 100000 && d[NR] <= 1000000) }' \
    "$tmp/delays" >"$tmp/log"
ok "they come within 100 ms: $(cat "$tmp/log")"
finish
