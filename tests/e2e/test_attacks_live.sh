#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The acts of ../shared/tools/attacks.py, on this host and in a container, live: the alerts that
# Falco's rules made of a recording of them, and those that our rules do. What a process is, the
# recording had from its tables; here it must come from /proc and from what is seen.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
umask 022
# shellcheck source=tests/lib/live.sh
. tests/lib/live.sh
shared=$PWD/../shared
acts=$shared/tools/attacks.py
falco=$shared/rules-in-the-wild

if [ "$(id -u)" -ne 0 ] || ! [ -x /usr/bin/python3 ] || ! [ -r "$acts" ]; then
    skip "attacks: needs root, /usr/bin/python3 and ../shared/tools/attacks.py"
    exit 0
fi
container=
if docker_start; then
    docker_files /usr/bin/python3 "$(/usr/bin/python3 -c 'import _ctypes; print(_ctypes.__file__)')" \
        "$(readlink -f /bin/sh)" /bin/true /bin/grep /usr/bin/find /usr/bin/shred
    ln -s "$(basename "$(readlink -f /bin/sh)")" "$tmp/image/usr/bin/sh"
    cp "$acts" "$tmp/image/opt/attacks.py"
    mkdir -p "$tmp/image/usr/lib/python3.11"
    docker_import acts 2>"$tmp/log"
    ok "an image of this host's programs"
    lib=$(/usr/bin/python3 -c 'import os; print(os.path.dirname(os.__file__))')
fi

fields='rule evt.type proc.name proc.pname proc.cmdline proc.exepath proc.tty user.name user.uid fd.name'

# rows NUMBER=VALUE: alerts on stdin become fields of those with this field; what differs from run to run is
# made the same
rows() {
    # shellcheck disable=SC2086 # words
    "$build/e2e/alert_rows" $fields proc.sid container.id |
        awk -F '\t' -v OFS='\t' -v at="${1%%=*}" -v value="${1#*=}" '$at == value { NF = 11; print }' |
        sed 's/^[0-9]*\t//; s/gyr-\([a-z]*\)-[0-9]*/gyr-\1-PID/g; s/127.0.0.1:[0-9]*/127.0.0.1:PORT/g
            s/python3\.[0-9]*/python3/g; s,[^ \t]*/attacks.py,attacks.py,; s,/tmp/tmp[0-9a-z_]\{8\},TEMP,' |
        sort
}
sid=12 id=13 # where rows has them

# act NAME RULES: the acts while gyr watches with these rules; rows in $tmp/NAME.host, $tmp/NAME.container
act() {
    gyr_start 600 "$2"
    case $? in
    0) ;;
    77)
        skip "attacks: the source $source does not start here: $(cat "$tmp/why")"
        exit 0
        ;;
    *)
        false
        ok "the source $source starts"
        exit 1
        ;;
    esac
    # shellcheck disable=SC2016 # the inner shell expands these
    # in a session of their own: others are at work on this machine
    setsid sh -c 'echo $$ >"$1/sid"; /usr/bin/python3 "$2" 2>/dev/null; true' sh "$tmp" "$acts"
    if [ -n "$docker_pid" ]; then
        container=$(docker run -d --network none -v "$lib:$lib:ro" \
            acts /usr/bin/python3 /opt/attacks.py 2>"$tmp/log" | cut -c 1-12)
        [ "$(docker wait "$container" 2>&1)" = 0 ]
        ok "$1: they are acted in a container"
    fi
    gyr_stop
    r=$?
    cp "$tmp/gyr.log" "$tmp/log"
    [ $r -eq 0 ] && ! grep -q 'events lost' "$tmp/alerts.json"
    ok "$1: the daemon ends cleanly, and lost nothing"
    rows $sid="$(cat "$tmp/sid")" <"$tmp/alerts.json" >"$tmp/$1.host"
    rows $id="${container:-none}" <"$tmp/alerts.json" >"$tmp/$1.container"
}

# Calls that the recording does not hold.
unrecorded='chmod|mkdir|rename|rmdir|unlink|unshare'
# same NAME CONTAINER-OF-THE-RECORDING PLACE: what the recording gives, but for what a shell did there
same() {
    rows $id="$2" <"$tmp/recorded.json" | awk -F '\t' '$3 !~ /^(cat|bash)$/' >"$tmp/want"
    [ -s "$tmp/want" ] && awk -F '\t' -v no="^($unrecorded)\$" '$2 !~ no' "$tmp/$1.$3" |
        diff -u "$tmp/want" - >"$tmp/log"
    ok "$1: the alerts of the recording, with the same fields ($3)"
    awk -F '\t' -v no="^($unrecorded)\$" '$2 ~ no { print $2 " " $1 }' "$tmp/$1.$3" | sort | uniq -c |
        sed 's/^ *//' | diff -u "$tmp/more" - >"$tmp/log"
    ok "$1: and those of calls that it does not hold ($3)"
}

act falco "$falco/falco_rules.yaml, $falco/falco-incubating_rules.yaml"
cp "$shared/expected/attacks.alerts.jsonl" "$tmp/recorded.json"
echo '1 chmod Set Setuid or Setgid bit' >"$tmp/more"
same falco host host
echo '1 unshare Change namespace privileges via unshare' >>"$tmp/more"
[ -z "$container" ] || same falco b31728ffadd4 container

cat >"$tmp/replay.yaml" <<END
plugin_dirs: [$build/plugins]
outputs: [{plugin: stdout, options: {format: json}}]
append_output: [{extra_fields: [$(echo "$fields" | sed 's/rule //; s/ /, /g'), proc.sid, container.id]}]
rules: {files: [$PWD/rules]}
END
"$gyr" replay -q -c "$tmp/replay.yaml" tests/captures/attacks.scap.gz >"$tmp/recorded.json" 2>"$tmp/log"
ok "the recording is replayed"
act ours "$PWD/rules"
cat >"$tmp/more" <<END
1 chmod Set-user-ID bit set
1 mkdir Program folder rearranged
1 rename Program folder rearranged
1 rmdir Program folder rearranged
1 unlink Log cleared
2 unlink Program folder rearranged
END
same ours host host
sed -i '$a 1 unshare Namespace changed in a container' "$tmp/more"
[ -z "$container" ] || same ours b31728ffadd4 container

# each_told PLACE COLUMN: of each act, the rule of tests/rules/attacks.tsv told
each_told() {
    /usr/bin/python3 "$acts" --list | sort >"$tmp/acts"
    awk -F '\t' '!/^#/ && ($2 != "-" && $3 != "-" || $4 != "") { print $1 }' tests/rules/attacks.tsv | sort |
        diff "$tmp/acts" - >"$tmp/log"
    cut -f 1 "$tmp/ours.$1" | sort -u >"$tmp/told"
    awk -F '\t' -v at="$2" '!/^#/ && $at != "-" { print $at }' tests/rules/attacks.tsv | sort -u |
        comm -23 - "$tmp/told" >>"$tmp/log"
    [ ! -s "$tmp/log" ]
    ok "ours: each act that a behaviour covers is told ($1)"
}
each_told host 2
[ -z "$container" ] || each_told container 3
finish
