#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# packaging/run.sh, which is `make run`: live where that can be, from a folder of root's, else the
# demo with the reason. A made-up source stands for ebpf.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
GYR=$gyr plugins=$build/plugins

says() { grep -qF -- "$1" "$tmp/err"; }

GYR_RUN_DIR=$tmp/run GYR_STAGE=$tmp/stage GYR_RULES=$tmp/rules
export GYR GYR_RUN_DIR GYR_STAGE GYR_RULES
stage=$GYR_STAGE$GYR_RUN_DIR
mkdir -p "$stage/bin" "$stage/lib/gyr/plugins" "$stage/share/gyr/rules" "$stage/etc/gyr" "$tmp/rules"
cp "$GYR" "$stage/bin/"
cp "$plugins/stdout.so" "$stage/lib/gyr/plugins/"
printf 'enrichers: []\n' >"$stage/etc/gyr/gyr.yaml"
cat >"$stage/share/gyr/rules/fake.yaml" <<'EOT'
- rule: writes
  desc: A file is opened for writing.
  source: fake
  condition: evt.type = open and evt.arg.flags contains WRITE
  output: "%evt.arg.path"
  priority: WARNING
EOT
cat >"$tmp/rules/syscall.yaml" <<'EOT'
- rule: ran
  desc: A program was run.
  condition: evt.type in (execve, execveat)
  output: "%proc.name"
  priority: NOTICE
EOT

run() { # COMMAND…: before the script
    "$@" sh packaging/run.sh tests/captures/seed.scap.gz </dev/null >"$tmp/out" 2>"$tmp/err"
}
demo() { # it was the demo
    says "replaying the demo captures instead" && grep -q 'Notice ' "$tmp/out"
}

run env && says "neither the source ebpf nor kmod has been built" && demo
ok "without a live source: the demo, and why"
: >"$stage/lib/gyr/plugins/ebpf.so"
GYR_RUN_SECONDS=soon run env
[ $? -eq 2 ] && says "must be a whole number, not 'soon'"
ok "a wrong GYR_RUN_SECONDS is refused"

# who is not root: id and sudo are made up
mkdir "$tmp/path"
for tool in sh env true rm cp mkdir cat sleep timeout; do
    for dir in /usr/bin /bin; do
        [ ! -e "$dir/$tool" ] || ln -sf "$dir/$tool" "$tmp/path/"
    done
done
printf '#!/bin/sh\necho 1000\n' >"$tmp/path/id"
chmod 755 "$tmp/path/id"
run env PATH="$tmp/path" && says "takes root, and there is no sudo" && demo
ok "not root and no sudo: the demo, and why"
cat >"$tmp/path/sudo" <<'EOT'
#!/bin/sh
[ "$1" != -n ]
EOT
chmod 755 "$tmp/path/sudo"
run env PATH="$tmp/path" && says "takes root, and sudo asks for a password" && demo
ok "sudo would ask, and nobody is there: the demo, and why"

if [ "$(id -u)" -ne 0 ]; then
    skip "live: not root"
else
    "${CC:-cc}" -std=c99 -D_POSIX_C_SOURCE=200809L -O1 -fPIC -shared -fvisibility=hidden -Isdk \
        -DFAKE_LIVE '-DNAME="ebpf"' tests/plugins/fake_source/fake_source.c \
        -o "$stage/lib/gyr/plugins/ebpf.so" -lpthread 2>"$tmp/err"
    ok "a source by the name of ebpf builds"
    chown -R 1000 "$GYR_STAGE" && chmod -R g+w "$GYR_STAGE" # as in a user's clone
    GYR_RUN_SECONDS=30 run timeout 20 && says "watching this machine for 30 s" &&
        says "(GYR_RUN_SECONDS changes that)" && says "$GYR_RUN_DIR/lib/gyr/plugins/ebpf.so" &&
        grep -q 'Warning /file/9' "$tmp/out"
    ok "live, from a folder of root's"
    [ -z "$(find "$GYR_RUN_DIR" ! -user 0 -o -perm /022)" ]
    ok "nobody else can change what root runs"

    cat >"$tmp/path/sudo" <<EOT
#!/bin/sh
[ "\$1" = -n ] && shift
echo "\$*" >>"$tmp/log"
exec "\$@"
EOT
    : >"$GYR_RUN_DIR/share/gyr/rules/old.yaml"
    run env PATH="$tmp/path" timeout 20 && says "watching this machine for 20 s" &&
        grep -q 'Warning /file/9' "$tmp/out" && grep -qF "$GYR_RUN_DIR/bin/gyr run" "$tmp/log" &&
        [ ! -e "$GYR_RUN_DIR/share/gyr/rules/old.yaml" ]
    ok "through sudo; rules of an older tree do not stay"
    GYR_RUN_SECONDS=0 run timeout 20 && says "until Ctrl-C" && grep -q 'Warning /file/9' "$tmp/out"
    ok "without a limit"
    printf 'enrichers: []\nsources: [{plugin: ebpf, options: {count: 100000, rate: 10}}]\n' \
        >"$stage/etc/gyr/gyr.yaml"
    GYR_RUN_SECONDS=2 run timeout 20 && says "interrupted"
    ok "with one"
    printf 'enrichers: []\n' >"$stage/etc/gyr/gyr.yaml"
    FAKE_REFUSES=ebpf run env && says "this kernel cannot fake" &&
        says "this machine cannot be watched, for the reasons above" && demo
    ok "a source that does not start: the demo, and why"
    : >"$tmp/file"
    GYR_RUN_DIR=$tmp/file/run GYR_STAGE=$tmp/stage2
    mkdir -p "$GYR_STAGE$tmp/file" && cp -R "$stage" "$GYR_STAGE$GYR_RUN_DIR"
    run env && says "could not be put into" && demo
    ok "a folder that cannot be made: the demo, and why"
    GYR_RUN_DIR=$tmp/run GYR_STAGE=$tmp/stage
    rm "$stage/lib/gyr/plugins/ebpf.so"
    mkdir "$tmp/clone" "$tmp/clone/bin" && cp -R "$plugins" "$tmp/clone/" &&
        cp "$GYR" "$tmp/clone/bin/" && chown -R 1000 "$tmp/clone" "$tmp/rules" &&
        cp "$plugins/replay.so" "$plugins/process.so" "$stage/lib/gyr/plugins/" &&
        cp "$tmp/rules/syscall.yaml" "$stage/share/gyr/rules/"
    GYR=$tmp/clone/bin/gyr
    run env && says "has been built" && demo &&
        says "$GYR_RUN_DIR/lib/gyr/plugins/replay.so"
    ok "root's demo in another user's clone runs from root's folder too"
fi
finish
