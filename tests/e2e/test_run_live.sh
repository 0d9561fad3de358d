#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gyr run: which source watches the machine when none is named, what is dropped after the start, the
# host's files from within a container, and Gyr's alerts about itself. The sources are made up.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
told="$tmp/err $tmp/out"
plugins=$build/plugins
pid=
# shellcheck disable=SC2317 # the trap calls it
at_exit() { [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; }

exits() { # STATUS COMMAND…
    want=$1
    shift
    "$@" >"$tmp/out" 2>"$tmp/err"
    rc=$?
    [ "$rc" -eq "$want" ] || { printf 'exit status %d\n' "$rc" >>"$tmp/err" && return 1; }
}

says() { grep -qF -- "$1" "$tmp/err"; }

# config SOURCES-LINE OUTPUTS [LINES…]
config() {
    {
        printf 'plugin_dirs: [%s, %s]\nenrichers: []\nrules: {files: [rules.yaml]}\n' \
            "$tmp/p" "$plugins"
        printf '%s\n' "$@"
    } >"$tmp/gyr.yaml"
}
live='sources: [{plugin: fake_live, options: {count: 100000, rate: 100}}]'
priv='sources: [{plugin: fake_priv, options: {count: 100000, rate: 100}}]'
out="outputs: [{plugin: stdout, options: {format: json}}]"

start() { # ARGUMENTS…: gyr run in the background, until it gave an alert
    : >"$tmp/out" # now, not when the background comes to it
    "$@" "$gyr" run -c "$tmp/gyr.yaml" >"$tmp/out" 2>"$tmp/err" &
    pid=$!
    until_true 10 test -s "$tmp/out"
}

stop() { # @return its exit status
    kill -INT "$pid" && wait "$pid"
    rc=$?
    pid=
    return $rc
}

"${MAKE:-make}" -s -f tests/plugins/Makefile CC="${CC:-cc}" SDK="$PWD/sdk" OUT="$tmp/p" \
    >"$tmp/out" 2>"$tmp/err"
ok "the sources build"
cat >"$tmp/rules.yaml" <<'EOT'
- rule: writes
  desc: A file is opened for writing.
  source: fake
  condition: evt.type = open and evt.arg.flags contains WRITE
  output: "%evt.arg.path"
  priority: WARNING
EOT

# ---- which source ----
config "live_sources: [nothing, fake_source]" "$out"
exits 1 "$gyr" run -c "$tmp/gyr.yaml" && says "there is no plugin 'nothing' in" &&
    says "plugin 'fake_source' is no live source" &&
    says "no source can watch this machine; a capture can be read with 'gyr replay FILE'"
ok "none: what each lacks, and a hint"
config "live_sources: [nothing, $tmp/p/fake_live.so, fake_priv]" "$out"
exits 0 "$gyr" run -c "$tmp/gyr.yaml" && says "there is no plugin 'nothing' in" &&
    says "  source    fake_live ($tmp/p/fake_live.so 1.0)" && says "  config    $tmp/gyr.yaml" &&
    says "rules.yaml" && says "1 enabled of 1 rules" && says "  output    stdout" &&
    ! says fake_priv && [ "$(grep -c writes "$tmp/out")" -eq 2 ]
ok "the first that works is taken; what was loaded is told"
config "live_sources: [fake_priv, fake_live]" "$out"
FAKE_REFUSES=fake_priv exits 0 "$gyr" run -c "$tmp/gyr.yaml" && says "  source    fake_live (" &&
    { says "this kernel cannot fake" || says "needs CAP_SYS_PTRACE"; }
ok "one that does not start is passed over, with its reason"
FAKE_REFUSES=fake_priv,fake_live exits 1 "$gyr" run -c "$tmp/gyr.yaml" &&
    says "source 'fake_live': plugin fake_live: this kernel cannot fake" &&
    says "no source can watch this machine"
ok "none starts"
config "live_sources: [fake_live, nothing]" \
    "outputs: [{plugin: file, options: {path: $tmp/none/alerts}}]"
exits 1 "$gyr" run -c "$tmp/gyr.yaml" && says "none/alerts: No such file" && ! says "'nothing'"
ok "an output that does not start is no reason to try another source"
# The real ones. Where the machine has the module loaded, kmod starts; else it says what is missing.
mkdir "$tmp/only"
cp "$plugins/kmod.so" "$plugins/stdout.so" "$tmp/only"
: >"$tmp/none.yaml"
printf 'plugin_dirs: [%s]\nenrichers: []\nrules: {files: [none.yaml]}\n' "$tmp/only" >"$tmp/gyr.yaml"
if [ -e /dev/gyr ]; then
    skip "/dev/gyr is there"
else
    exits 1 "$gyr" run -c "$tmp/gyr.yaml" && says "there is no plugin 'ebpf' in" &&
        says "source 'kmod': plugin kmod: there is no /dev/gyr: the kernel module is not loaded" &&
        says "no source can watch this machine"
    ok "without ebpf and the module: what each lacks"
    printf '%s\n' 'sources: [{plugin: kmod, options: {device: /dev/null}}]' >>"$tmp/gyr.yaml"
    exits 1 "$gyr" run -c "$tmp/gyr.yaml" && says "/dev/null is not of Gyr's kernel module"
    ok "a device that is not the module's"
fi
printf 'live_sources: []\n' >"$tmp/gyr.yaml"
exits 1 "$gyr" run -c "$tmp/gyr.yaml" && says "no source can watch this machine"
ok "none to try"

# ---- dry run, messages ----
config "$live" "$out"
exits 0 timeout 20 "$gyr" run --dry-run -c "$tmp/gyr.yaml" && says "--dry-run" &&
    ! says "events in"
ok "a dry run starts and ends"
FAKE_REFUSES=fake_live exits 1 "$gyr" run --dry-run -c "$tmp/gyr.yaml" && says "cannot fake"
ok "a dry run that fails"
config "live_sources: [fake_live]" "$out"
exits 0 "$gyr" run -c "$tmp/gyr.yaml" && ! says "the host's root is"
ok "without -v, plugins say what matters"
exits 0 "$gyr" run -v -c "$tmp/gyr.yaml" && says "plugin fake_live: the host's root is ''" &&
    ! says "all of it"
ok "with -v, more"
exits 0 "$gyr" run -vv -c "$tmp/gyr.yaml" && says "plugin fake_live: all of it"
ok "with -vv, all"
config "live_sources: [fake_live]" "$out" "log_level: debug"
exits 0 "$gyr" run -v -c "$tmp/gyr.yaml" && says "all of it"
ok "-v does not say less than log_level"

# ---- alerts about itself ----
config "sources: [{plugin: fake_live, options: {count: 30, lose: 7}}]" "$out"
exits 0 "$gyr" run -c "$tmp/gyr.yaml" &&
    grep '"rule":"Gyr: events lost"' "$tmp/out" | grep '"priority":"Error"' |
    grep -q 'source=fake_live state=7 other=0'
ok "lost events make an alert"
config "sources: [{plugin: fake_source, options: {count: 30, lose: 7}}]" "$out"
exits 0 "$gyr" run -c "$tmp/gyr.yaml" && cp "$tmp/out" "$tmp/once" &&
    exits 0 "$gyr" run -c "$tmp/gyr.yaml" && grep -q 'Gyr: events lost' "$tmp/once" &&
    cmp "$tmp/once" "$tmp/out"
ok "of a recording the same each time, uuid included"
config "sources:" "  - {plugin: fake_live, name: one, options: {count: 30, fail_after: 20}}" \
    "  - {plugin: fake_live, name: two, options: {count: 1000000, rate: 10}}" "$out"
exits 1 timeout 30 "$gyr" run -c "$tmp/gyr.yaml" &&
    [ "$(grep '"rule":"Gyr: source failed"' "$tmp/out" | grep '"priority":"Error"' |
        grep -c 'is started again')" -eq 4 ] &&
    [ "$(grep '"rule":"Gyr: source failed"' "$tmp/out" | grep '"priority":"Critical"' |
        grep -c 'is given up; nothing is seen any more | source=one failures=5')" -eq 1 ] && ! says "is left behind"
ok "a source that keeps failing makes alerts, and ends the whole"

# ---- privileges ----
set_of() { # FIELD PID: of all its threads, each once; of a sanitizer's, of the first
    if [ "${GYR_VARIANT-}" = tsan ]; then cat "/proc/$2/status"; else cat "/proc/$2/task/"*/status; fi | sed -n "s/^$1:[[:space:]]*//p" | sort -u
}
if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
    skip "privileges: not root, or no setpriv"
elif ! setpriv --bounding-set -sys_admin true 2>/dev/null; then
    skip "privileges: capabilities cannot be dropped here"
else
    kept=0000000000080004 # CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH
    config "$priv" "outputs: [{plugin: stdout, options: {format: json}}," \
        "  {plugin: fake_output, options: {path: $tmp/fake, verdict: later}}]"
    start
    for set in CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Threads; do
        printf '%s %s\n' "$set" "$(set_of $set "$pid" | tr '\n' ' ')"
    done >"$tmp/sets"
    printf '%s\n' 'CapInh 0000000000000000 ' "CapPrm $kept " "CapEff $kept " "CapBnd $kept " \
        'CapAmb 0000000000000000 ' 'NoNewPrivs 1 ' | diff - "$tmp/sets" >"$tmp/diff"
    grep '^[<>] [CN]' "$tmp/diff" >>"$tmp/err"
    if [ "${GYR_VARIANT-}" = tsan ]; then
        skip "what no plugin needs is dropped: the sanitizer has a thread of its own"
    else
        ! grep -q '^[<>] [CN]' "$tmp/diff" && [ "$(set_of Threads "$pid")" -ge 5 ] &&
            ! says "keeps capabilities"
        ok "what no plugin needs is dropped, in every thread, those of plugins too"
    fi
    stop
    ok "and it ends as always"

    config "$live" "$out"
    start && [ "$(set_of CapEff "$pid")" = 0000000000000000 ] && stop
    ok "plugins that need nothing keep nothing"
    config "$live" "$out" "drop_privileges: false"
    start && [ "$(set_of CapEff "$pid")" = "$(set_of CapEff self)" ] &&
        [ "$(set_of NoNewPrivs "$pid")" = "$(set_of NoNewPrivs self)" ] && stop
    ok "drop_privileges: false"

    config "$priv" "$out"
    exits 1 setpriv --bounding-set -sys_ptrace "$gyr" run -c "$tmp/gyr.yaml" &&
        says "the source 'fake_priv' needs CAP_SYS_PTRACE, which this process does not have"
    ok "one that is missing is told before the start"
    start setpriv --bounding-set -dac_read_search && stop
    ok "one that is only useful may be missing"
    config "live_sources: [fake_priv, fake_live]" "$out"
    exits 0 setpriv --bounding-set -sys_ptrace "$gyr" run -c "$tmp/gyr.yaml" &&
        says "needs CAP_SYS_PTRACE" && says "  source    fake_live ("
    ok "a source that lacks one is passed over"

    config "$priv" "$out"
    if setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$gyr"; then
        start setpriv --reuid 65534 --regid 65534 --clear-groups \
            --inh-caps=-all,+sys_ptrace,+dac_read_search,+kill \
            --ambient-caps=-all,+sys_ptrace,+dac_read_search,+kill &&
            [ "$(set_of CapEff "$pid")" = $kept ] && [ "$(set_of CapAmb "$pid")" = 0000000000000000 ] &&
            [ "$(set_of NoNewPrivs "$pid")" = 1 ] && stop
        ok "another user with these capabilities and one more: that is dropped"
    else
        skip "another user with capabilities: cannot execute $gyr"
    fi

    # rotation of what needs a privilege that is gone
    : >"$tmp/theirs" && chmod 400 "$tmp/theirs"
    config "$live" "outputs: [{plugin: file, name: audit, options: {path: $tmp/theirs}}]"
    if setpriv --bounding-set -dac_override sh -c ": >>'$tmp/theirs'" 2>/dev/null; then
        skip "a file that cannot be opened again: it can, here"
    else
        exits 1 timeout 20 "$gyr" run -c "$tmp/gyr.yaml" &&
            says "output 'audit' could be opened, but not again" &&
            says "theirs: Permission denied"
        ok "a file that could not be opened again later is told at the start"
    fi
    config "$live" "outputs: [{plugin: file, name: audit, options: {path: $tmp/ours}}, stdout]"
    start && mv "$tmp/ours" "$tmp/old" && kill -HUP "$pid" && until_true 10 test -s "$tmp/ours" && stop
    ok "rotation works after the drop"

    # ---- in a container ----
    config "live_sources: [fake_live]" "$out"
    if unshare --pid --mount --fork --mount-proc true 2>/dev/null && [ ! -e /host ]; then
        exits 0 unshare --pid --mount --fork --mount-proc "$gyr" run -v -c "$tmp/gyr.yaml" &&
            says "this process is in a container, and the host's / is not mounted at /host"
        ok "in a container without the host's files it says so"
        printf 'host_root: %s\n' "$tmp/p" >>"$tmp/gyr.yaml"
        exits 0 "$gyr" run -c "$tmp/gyr.yaml" && says "there is no /proc below $tmp/p"
        ok "a host_root without processes is told"
        config "live_sources: [fake_live]" "$out"
        mkdir "$tmp/root"
        cat >"$tmp/enter" <<'EOT'
root=$1
shift
mount -t tmpfs none "$root"
for dir in /*; do
    if [ -L "$dir" ]; then
        cp -P "$dir" "$root/"
    elif [ -d "$dir" ] && [ "$dir" != /proc ]; then
        mkdir "$root$dir" && mount --rbind "$dir" "$root$dir"
    fi
done
mkdir "$root/proc" "$root/host"
mount --rbind / "$root/host" && mount -t proc none "$root/proc" && exec chroot "$root" "$@"
EOT
        exits 0 unshare --pid --mount --fork sh "$tmp/enter" "$tmp/root" \
            "$gyr" run -v -c "$tmp/gyr.yaml" && says "looked for below /host" &&
            says "the host's root is '/host'"
        ok "in a container with the host's files at /host they are found"
    else
        skip "in a container: namespaces cannot be made here, or there is a /host"
    fi
fi
finish
