#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A spool on a disk that fails while alerts come: full and freed again, read-only and writable again,
# broken (ext4 that has given up). Each is told, once, and no alert is lost. In a mount namespace of
# its own.
set -u
cd "$(dirname "$0")/../.." || exit 1
if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then
    echo '1..0 # SKIP disks that fail: needs root and a mount namespace'
    exit 77
fi
[ -n "${GYR_MOUNTS-}" ] || GYR_MOUNTS=own exec unshare -m --propagation private sh "$0"
build=$(realpath "${GYR_BUILD:-build/release}")
gyr=${GYR:-$build/bin/gyr}
tmp=$(mktemp -d) || exit 1
pid=
trap 'test -z "$pid" || kill "$pid" 2>/dev/null; wait; umount "$tmp/disk" 2>/dev/null; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
umask 022
rate=300
n=0 bad=0

ok() { # NAME: the last command's status decides
    rc=$?
    n=$((n + 1))
    [ $rc -eq 0 ] || { bad=1 && printf 'not '; }
    printf 'ok %d - %s\n' "$n" "$1"
    [ $rc -eq 0 ] || tail -n 40 "$tmp/err" 2>/dev/null | sed 's/^/# /'
}

${MAKE:-make} -s -f tests/plugins/Makefile CC="${CC:-cc}" SDK="$PWD/sdk" OUT="$tmp/p" "$tmp/p/fake_live.so" \
    >"$tmp/err" 2>&1
ok "the source is built"

cat >"$tmp/rules.yaml" <<'EOF'
- rule: Everything
  desc: Something happened.
  source: fake
  condition: evt.num >= 0
  output: "%evt.type num=%evt.num args=%evt.args"
  priority: INFO
EOF

# start SECONDS
start() {
    count=$(($1 * rate))
    rm -f "$tmp/alerts"
    cat >"$tmp/gyr.yaml" <<EOF
plugin_dirs: [$build/plugins, $tmp/p]
hostname: h
sources: [{plugin: fake_live, options: {count: $count, rate: $rate}}]
enrichers: []
rules: {files: [$tmp/rules.yaml]}
outputs:
  - plugin: file
    options: {path: $tmp/alerts, format: json}
    spool: {dir: $tmp/disk/spool, segment_bytes: 64K, max_bytes: 1M}
EOF
    timeout 120 "$gyr" run --stats -c "$tmp/gyr.yaml" >"$tmp/err" 2>&1 &
    pid=$!
}

# has TEXT N: the line is there so often, waited for 20 s
has() {
    i=0
    while [ $i -lt 200 ] && [ "$(grep -c "$1" "$tmp/err")" -lt "$2" ]; do
        sleep 0.1
        i=$((i + 1))
    done
    [ "$(grep -c "$1" "$tmp/err")" -eq "$2" ]
}

raised() { # waits until some alerts more are there
    before=$(wc -l 2>/dev/null <"$tmp/alerts" || echo 0)
    i=0
    while [ $i -lt 100 ] && [ "$(wc -l 2>/dev/null <"$tmp/alerts" || echo 0)" -lt $((before + 200)) ]; do
        sleep 0.1
        i=$((i + 1))
    done
    [ $i -lt 100 ]
}

# Each number once: what the disk did cost none.
all_came() {
    wait $pid
    rc=$?
    pid=
    grep -o '"evt.num":[0-9]*' "$tmp/alerts" | sort | uniq -c |
        awk -v count=$count '$1 != 1 { many++ } END { print NR " of " count ", " many + 0 " doubles"; exit NR != count || many }' \
            >>"$tmp/err" && [ $rc -eq 0 ] && grep -q '^output file: 0 alerts dropped$' "$tmp/err"
}

mkdir "$tmp/disk"
if ! mount -t tmpfs -o size=2m none "$tmp/disk" 2>/dev/null; then
    n=$((n + 1))
    echo "ok $n # SKIP a tmpfs cannot be mounted"
else
    # ---- full, and free again ----
    dd if=/dev/zero of="$tmp/disk/fill" bs=4k 2>/dev/null
    start 9
    raised && has 'cannot use its spool.*No space left' 1
    ok "the disk is full, which is told, and alerts come"
    rm "$tmp/disk/fill"
    has 'uses its spool again' 1
    ok "there is room again, which is told"
    all_came && has 'cannot use its spool' 1
    ok "no alert was lost"
    [ -z "$(find "$tmp/disk" -name '*.seg')" ]
    ok "no file is left behind"

    # ---- read-only, and writable again ----
    rm -rf "$tmp/disk/spool" && mount -o remount,ro "$tmp/disk"
    start 7
    raised && has 'cannot use its spool.*Read-only file system' 1
    ok "a disk that is read-only is told, and alerts come"
    mount -o remount,rw "$tmp/disk"
    has 'uses its spool again' 1
    ok "it is writable, and used"
    all_came && has 'cannot use its spool' 1
    ok "no alert was lost"
    umount "$tmp/disk"
fi

# ---- a disk that breaks: ext4 gives up, and is read-only with files open ----
if truncate -s 16M "$tmp/image" && mkfs.ext4 -q "$tmp/image" 2>/dev/null &&
    mount -o loop "$tmp/image" "$tmp/disk" 2>/dev/null; then
    start 4
    raised
    ok "alerts come by way of a spool on ext4"
    mount -o remount,abort "$tmp/disk"
    raised && has 'cannot use its spool' 1
    ok "the file system gives up, which is told, and alerts go on coming"
    all_came && has 'cannot use its spool' 1
    ok "no alert was lost"
    umount "$tmp/disk"
else
    n=$((n + 1))
    echo "ok $n # SKIP a disk that breaks: no loop device with ext4 can be mounted"
fi
printf '1..%d\n' "$n"
exit $bad
