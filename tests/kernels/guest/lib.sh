# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# For the guest's scripts: gyr watching this machine.
export alerts=/tmp/alerts messages=/tmp/messages
export started=0 stopped=0
gyr_pid=

fail() {
    [ -z "$gyr_pid" ] || kill -KILL "$gyr_pid" 2>/dev/null
    echo "gyr said:"
    tail -n 40 "$messages"
    echo "$1"
    exit 1
}

# watch SOURCE OPTIONS: start it and wait until it tells of what is done here. How long that took, and
# stop after it, is left in $started and $stopped: milliseconds. Status 77, and why, where gyr says that
# this kernel is not made for that attachment.
watch() {
    started=$(now)
    cat >/tmp/gyr.yaml <<END
plugin_dirs: [/gyr/plugins]
sources:
  - plugin: $1
    options: {$2}
enrichers:
  - plugin: process
outputs:
  - plugin: stdout
    options: {format: json}
rules:
  files: [/gyr/rules, /test/rules.yaml]
END
    : >"$alerts"
    $GYR run -v -c /tmp/gyr.yaml >"$alerts" 2>"$messages" &
    gyr_pid=$!
    for _ in $(seq 3000); do
        : </etc/gyr-ready
        ! grep -q '"rule":"Guest is watched"' "$alerts" || {
            started=$(($(now) - started))
            return 0
        }
        kill -0 "$gyr_pid" 2>/dev/null || {
            wait "$gyr_pid"
            status=$?
            why=$(sed -n "s/^.*'attach' is fexit, but //p" "$messages")
            [ -z "$why" ] || {
                gyr_pid=
                echo "$why"
                return 77
            }
            fail "gyr ended by itself with status $status"
        }
        sleep 0.1
    done
    fail "no alert within 300 s"
}

stop() {
    stopped=$(now)
    kill -TERM "$gyr_pid"
    wait "$gyr_pid" || fail "gyr ended with status $?"
    stopped=$(($(now) - stopped))
    gyr_pid=
}

now() { # milliseconds since the guest's start
    sed 's/^\([0-9]*\)\.\([0-9]*\) .*/\1\20/' /proc/uptime
}
