#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What Gyr is for: somebody gets a shell in a container and looks around. Each act must be an alert
# within 100 ms, with user, command line, parent, terminal, container and its name. Then with all power
# (--privileged), in an ordinary container and in a privileged one, where this host lets Docker make such.
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
  condition: of_a_container and evt.type = execve and proc.name = bash and not thread.cap_effective contains CAP_SYS_ADMIN
  output: shell
  priority: NOTICE
- rule: Powerful shell
  desc: A shell is started that may do everything.
  condition: of_a_container and evt.type = execve and proc.name = bash and thread.cap_effective contains CAP_SYS_ADMIN
  output: powerful shell
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
"$build/e2e/alert_rows" evt.time rule user.name user.uid proc.name proc.cmdline proc.pname proc.exepath \
    proc.tty container.id container.name container.privileged fd.name <"$tmp/fifo" >"$tmp/rows" 2>"$tmp/rows.err" &
alerts_to=$tmp/fifo
alert_fields="$alert_fields, container.name, container.privileged"
more_enrichers=", {plugin: docker, options: {sockets: [$tmp/docker.sock]}}"
gyr_start 600 "$PWD/rules, $tmp/scene.yaml"
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

# What is typed into the terminal. The stamps say when each act was, by another clock than Gyr's.
type_all() {
    sleep 1
    for act in 'cat /root/.bashrc' 'cat /etc/passwd' 'cat /etc/shadow' 'cp /bin/true /bin/surprise'; do
        echo "date +%s%N >>/tmp/stamps; $act; date +%s%N >>/tmp/stamps"
        sleep 0.3
    done
    echo exit
}
# scene NAME [OPTION]: in the container of that name, by docker exec with this option
scene() {
    type_all | timeout 120 script -qec "docker exec -it ${2-} $1 bash" /dev/null >"$tmp/log" 2>&1
    ok "somebody gets a shell in $1${2:+, with $2}"
    docker exec "$1" cat /tmp/stamps >"$tmp/stamps.$1"
}
start() { # NAME [OPTION]
    docker run -d --network none --name "$@" scene /usr/bin/sleep 1000 >"$tmp/id.$1" 2>"$tmp/log"
}
start plain
ok "a container runs"
scene plain
powerful=
if start powerful --privileged; then
    ok "a privileged container runs"
    powerful=1
    scene powerful --privileged
    start lent
    scene lent --privileged
else
    skip "privileged containers: this host refuses them: $(head -n 1 "$tmp/log")"
fi
gyr_stop
r=$?
cp "$tmp/gyr.log" "$tmp/log"
[ $r -eq 0 ]
ok "the daemon ends cleanly"

# judge NAME SHELL PRIVILEGED: each alert exactly; terminals are pseudo-terminals of the container: 136 << 8 |
# their number. Until runc ends, it is the parent of what it started.
judge() {
    container=$(cut -c 1-12 "$tmp/id.$1")
    grep -F "$container" "$tmp/rows" | cut -f 3- | grep -v -e '/tmp/stamps' -e '^Privileged container started' |
        sed 's/\trunc\t/\tcontainerd-shim\t/' | sort >"$tmp/got"
    sed "s/\$/|/; s/|\([^|]*\)|\$/|34816|$container|$1|$3|\1/" <<END | tr '|' '\t' | sort >"$tmp/want"
$2|root|0|bash|bash|containerd-shim|/usr/bin/bash|-
Terminal shell in a container|root|0|bash|bash|containerd-shim|/usr/bin/bash|-
Read|root|0|cat|cat /root/.bashrc|bash|/usr/bin/cat|/root/.bashrc
Read|root|0|cat|cat /etc/passwd|bash|/usr/bin/cat|/etc/passwd
Read|root|0|cat|cat /etc/shadow|bash|/usr/bin/cat|/etc/shadow
Sensitive file read|root|0|cat|cat /etc/shadow|bash|/usr/bin/cat|/etc/shadow
Write|root|0|cp|cp /bin/true /bin/surprise|bash|/usr/bin/cp|/bin/surprise
Program folder written|root|0|cp|cp /bin/true /bin/surprise|bash|/usr/bin/cp|/bin/surprise
END
    diff -u "$tmp/want" "$tmp/got" >"$tmp/log"
    ok "$1: each act is an alert with user, command line, parent, terminal, container and its name"
}
judge plain Shell false
if [ -n "$powerful" ]; then
    judge powerful 'Powerful shell' true
    judge lent 'Powerful shell' false
    container=$(cut -c 1-12 "$tmp/id.powerful")
    cut -f 3- "$tmp/rows" | grep '^Privileged container started' | cut -f 1-5,7-11 |
        tee "$tmp/log" >"$tmp/got"
    echo "Privileged container started|root|0|sleep|sleep 1000|/usr/bin/sleep|0|$container|powerful|true" |
        tr '|' '\t' | diff -u - "$tmp/got" >>"$tmp/log"
    ok "the privileged container's start is an alert, the others' is none"
fi
container=$(cut -c 1-12 "$tmp/id.plain")

# An act's alert has a time between the stamps before and after it, and comes soon after.
awk -F '\t' -v container="$container" '
    FILENAME != ARGV[2] { stamp[++n] = $1; next }
    $11 == container && $3 ~ /^(Read|Write)$/ {
        acts++
        if ($2 < stamp[2 * acts - 1] || $2 > stamp[2 * acts])
            print "act " acts " was between " stamp[2 * acts - 1] " and " stamp[2 * acts] ", not " $2
    }
    END { if (acts != 4) print acts + 0 " acts" }' "$tmp/stamps.plain" "$tmp/rows" >"$tmp/log"
[ ! -s "$tmp/log" ]
ok "their times are those of the acts"
awk -F '\t' -v container="$container" '$11 == container { print $1 }' "$tmp/rows" | sort -n >"$tmp/delays"
awk '{ d[NR] = $1 } END {
    printf "%d alerts: median %.1f ms, worst %.1f ms\n", NR, d[int((NR + 1) / 2)] / 1000, d[NR] / 1000
    exit !(NR >= 8 && d[1] >= 0 && d[int((NR + 1) / 2)] <= 100000 && d[NR] <= 1000000) }' \
    "$tmp/delays" >"$tmp/log"
r=$?
if is_emulated; then
    skip "they come within 100 ms: this machine is emulated ($(cat "$tmp/log"))"
else
    [ $r -eq 0 ]
    ok "they come within 100 ms: $(cat "$tmp/log")"
fi
finish
