#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From `gyr plugin new` to an alert, against an installed gyr: projects of every kind and language, the
# worked examples, and docs/plugins.md word for word.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$PWD
variant=${GYR_VARIANT:-release}
tmp_in=${GYR_BUILD:-build/release} # below /tmp no plugin is loaded
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
told="$tmp/log"

# What was built already, into a prefix of its own: through DESTDIR, then moved, as packages do.
unset MAKELEVEL MFLAGS
MAKEFLAGS='' make -s install BUILT=1 VARIANT="$variant" O="$build" DESTDIR="$tmp/stage" \
    prefix=/opt/gyr >"$tmp/log" 2>&1 && mv "$tmp/stage/opt/gyr" "$tmp/inst"
ok "gyr is installed, with its SDK"
unset MAKEFLAGS GYR
PATH=$tmp/inst/bin:$PATH PKG_CONFIG_PATH=$tmp/inst/lib/pkgconfig OPTIMISE=-O0 CXX=${CXX:-g++} CC=${CC:-gcc}
HOME=$tmp
export PATH PKG_CONFIG_PATH OPTIMISE CC CXX HOME
# what a sanitizer makes of a plugin that was built without one is not asked here
case $variant in asan) ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS-} && export ASAN_OPTIONS ;; esac
[ "$(command -v gyr)" = "$tmp/inst/bin/gyr" ] && pkg-config --exists gyr-sdk >"$tmp/log" 2>&1 &&
    [ -x "$(pkg-config --variable=gyr gyr-sdk)" ] && [ -f "$(pkg-config --variable=plugin_map gyr-sdk)" ] &&
    [ -f "$(pkg-config --variable=docdir gyr-sdk)/abi.md" ] && [ -d "$(pkg-config --variable=plugindir gyr-sdk)" ]
ok "gyr-sdk.pc tells where everything is, wherever it was moved to"
[ "ABI $(pkg-config --variable=abi gyr-sdk)" = "$(head -n 1 tests/sdk/abi.layout)" ]
ok "and the version of the ABI"

# ---- new projects ----
alerts() { # KIND: what `make try` must have said
    case $1 in
    source) grep -q 'Notice .* says tick for the 5. time' ;;
    enricher) grep -q 'Notice program number 20 is ' ;;
    output) grep -q 'Warning .*file=/etc/shadow' ;;
    esac
}
project() { # KIND LANGUAGE
    name=my-$1-$(echo "$2" | tr + x)
    (
        cd "$tmp" && gyr plugin new --lang "$2" "$1" "$name" && cd "$name" && make && make check && make try
    ) >"$tmp/log.$name" 2>&1
    echo $? >"$tmp/rc.$name"
}
for lang in c c++; do
    for kind in source enricher output; do
        project $kind $lang &
    done
    wait
    for kind in source enricher output; do
        name=my-$kind-$(echo "$lang" | tr + x)
        cp "$tmp/log.$name" "$tmp/log"
        [ "$(cat "$tmp/rc.$name")" -eq 0 ] && ! grep -qi 'warning:' "$tmp/log" &&
            grep -q ' 0 failed$' "$tmp/log" && grep -q ' ok, 0 failed, ' "$tmp/log" && alerts $kind <"$tmp/log"
        ok "new $kind in $lang: built, checked, tried"
    done
done
grep -q '"rule":"Sensitive file read"' "$tmp/my-output-c/my-output-c.jsonl" &&
    [ "$(wc -l <"$tmp/my-output-cxx/my-output-cxx.jsonl")" -eq 3 ]
ok "the new outputs have written what they were given"
(cd "$tmp/my-enricher-c" && sed -i 's/s->execs++/s->execs += 2/' my-enricher-c.c && make check) >"$tmp/log" 2>&1
[ $? -ne 0 ] && grep -q 'does not hold' "$tmp/log"
ok "its unit test can fail"

refused() { # STATUS TEXT ARGUMENT…
    status=$1 text=$2
    shift 2
    gyr plugin new "$@" >"$tmp/log" 2>&1
    [ $? -eq "$status" ] && grep -qF -- "$text" "$tmp/log"
}
refused 1 'is there already' source other "$tmp/my-source-c"
ok "a folder that is there is left alone"
refused 2 'cannot be the name of a plugin' source 'Bad Name' "$tmp/x" &&
    refused 2 'cannot be the name of a plugin' source ../x "$tmp/x" &&
    refused 2 'cannot be the name of a plugin' source "$(printf 'a%.0s' $(seq 33))" "$tmp/x" && [ ! -e "$tmp/x" ]
ok "a name that cannot be one"
refused 2 "not 'sink'" sink x "$tmp/x" && refused 2 'c or c++' --lang rust source x "$tmp/x" &&
    refused 2 'say what kind' source && refused 1 'No such file' source x "$tmp/no/such/x"
ok "wrong usage is told"

# ---- worked examples ----
example() { # NAME
    (
        cp -r "$(pkg-config --variable=examples gyr-sdk)/$1" "$tmp/ex/" && cd "$tmp/ex/$1" && make &&
            make check
    ) >"$tmp/log.$1" 2>&1 && (cd "$tmp/ex/$1" && timeout 60 make try) >>"$tmp/log.$1" 2>&1
    echo $? >"$tmp/rc.$1"
}
shown() { # NAME TEXT…
    name=$1
    shift
    cp "$tmp/log.$name" "$tmp/log"
    [ "$(cat "$tmp/rc.$name")" -eq 0 ] && ! grep -qi 'warning:' "$tmp/log" && grep -q ' 0 failed$' "$tmp/log" &&
        grep -q ' ok, 0 failed, 0 skipped$' "$tmp/log" || return 1
    for text in "$@"; do
        grep -qF -- "$text" "$tmp/log" || return 1
    done
}
mkdir "$tmp/ex"
example k8s_audit &
example geoip &
example sqlite # sqlite_cxx is tested by its test
example sqlite_cxx
wait
shown k8s_audit 'A command was run in a pod | user=eve@example.org pod=web-7d4 namespace=shop how=exec from=(192.0.2.17)' \
    'A privileged pod was created' 'folders=(/)' 'Critical cluster-admin was given | by=eve@example.org to=(mallory)' &&
    ! grep -q 'Secrets were listed' "$tmp/log"
ok "example k8s_audit: built, checked, alerts of what was sent to it"
shown geoip 'server=127.0.0.1 country=ZZ'
ok "example geoip: built, checked, addresses looked up"
shown sqlite '|Page faults taken over' && shown sqlite_cxx '|Page faults taken over'
ok "example sqlite, in C and in C++: built, checked, alerts in the table"
count() { sqlite3 "$tmp/ex/$1/alerts.db" 'SELECT count(*) FROM alerts'; }
first=$(count sqlite)
(cd "$tmp/ex/sqlite" && make try) >"$tmp/log" 2>&1 && [ "$first" -gt 10 ] && [ "$(count sqlite)" -eq "$first" ] &&
    [ "$(count sqlite_cxx)" -eq "$first" ]
ok "a replay that is repeated doubles no row ($first)"
(cd "$tmp/ex/geoip" && printf '192.0.2.1/24,AA\n' >networks.csv && gyr replay --quiet -c gyr.yaml \
    "$tmp/inst/share/gyr/sdk/captures/seed.scap.gz") >"$tmp/log" 2>&1
[ $? -eq 1 ] && grep -q "networks.csv:1: NETWORK/BITS,COUNTRY,OWNER is wanted" "$tmp/log"
ok "a database that is wrong stops gyr with its line"

# ---- the manual, word for word ----
if command -v patch >/dev/null 2>&1; then
    mkdir "$tmp/manual"
    awk '/^## /{part++} part == 1 && /^```sh$/{on = 1; next} /^```$/{on = 0} on' docs/plugins.md >"$tmp/steps.sh"
    began=$(date +%s)
    (cd "$tmp/manual" && sh -e "$tmp/steps.sh") >"$tmp/log" 2>&1
    rc=$?
    took=$(($(date +%s) - began))
    [ $rc -eq 0 ] && [ "$(grep -c '0 failed' "$tmp/log")" -ge 4 ] &&
        [ "$(grep -c 'hello says tick for the [345]. time' "$tmp/log")" -eq 3 ] &&
        [ "$(grep -c 'Warning tick: a load of ' "$tmp/log")" -eq 5 ] &&
        [ "$(grep -c '"output":.*good morning: a load of' "$tmp/log")" -eq 2 ]
    ok "docs/plugins.md, its commands one after the other ($took s)"
    [ "$took" -lt 600 ]
    ok "in less than ten minutes"
else
    skip "docs/plugins.md word for word: patch is not installed"
fi
(cd "$top" && MAKEFLAGS='' make -s uninstall VARIANT="$variant" O="$build" DESTDIR= prefix="$tmp/inst") >"$tmp/log" 2>&1 &&
    find "$tmp/inst" ! -type d | grep -v 'etc/gyr/gyr.yaml$\|/plugins/hello.so$' >"$tmp/log"
[ ! -s "$tmp/log" ]
ok "uninstall takes it all away but what others put there"
finish
