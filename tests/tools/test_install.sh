#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make install puts a program somewhere that runs from there; installed again it replaces files and
# keeps the configuration; uninstall leaves nothing of its own behind.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${GYR_BUILD:?the build folder}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
umask 022
root=$tmp/root prefix=$tmp/root/usr/local n=0 bad=0

ok() { # NAME: the last command's status decides
    if [ $? -eq 0 ]; then
        n=$((n + 1))
        printf 'ok %d - %s\n' "$n" "$1"
    else
        n=$((n + 1)) bad=1
        printf 'not ok %d - %s\n' "$n" "$1"
        sed 's/^/# /' "$tmp/log"
    fi
}

run_make() {
    "${MAKE:-make}" -s --no-print-directory -o deps O="$build" VARIANT="${GYR_VARIANT:-release}" \
        CC="${CC:-gcc}" CXX="${CXX:-g++}" DESTDIR="$root" "$@" >"$tmp/log" 2>&1
}

run_make install
ok "make install"
[ "$("$prefix/bin/gyr" replay --quiet tests/captures/seed.scap.gz 2>"$tmp/log" | wc -l)" -eq 3 ]
ok "what is installed finds its plugins and rules"
"$prefix/bin/gyr" replay tests/captures/seed.scap.gz 2>&1 >/dev/null | tee "$tmp/log" |
    grep -qF "$prefix/etc/gyr/gyr.yaml"
ok "and its configuration"

echo '# mine' >>"$prefix/etc/gyr/gyr.yaml"
before=$(ls -i "$prefix/lib/gyr/plugins/stdout.so")
ln "$prefix/lib/gyr/plugins/stdout.so" "$tmp/mapped"
run_make install
ok "make install once more"
[ "$(ls -i "$prefix/lib/gyr/plugins/stdout.so")" != "$before" ]
ok "files are replaced, not written into"
grep -qx '# mine' "$prefix/etc/gyr/gyr.yaml"
ok "the configuration is kept"

run_make uninstall && find "$root" -type f >"$tmp/log" &&
    [ "$(cat "$tmp/log")" = "$prefix/etc/gyr/gyr.yaml" ]
ok "uninstall leaves the configuration and nothing else"
printf '1..%d\n' "$n"
exit $bad
