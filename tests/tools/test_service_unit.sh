#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The unit for systemd: systemd finds nothing wrong with it, it leaves little exposed, and its capabilities are
# those that plugins name, with which Gyr starts.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
unit=$tmp/gyr.service
told=$tmp/log

sed "s,^ExecStart=/usr/bin/gyr,ExecStart=$gyr," packaging/gyr.service >"$unit"
value() { sed -n "s/^$1=//p" "$unit"; }

named=$(for so in "$build"/plugins/*.so; do "$gyr" plugin describe "$so"; done 2>/dev/null |
    grep -o 'CAP_[A-Z_]*' | sort -u)
[ "$(printf '%s\nCAP_SETPCAP\n' "$named" | sort -u)" = "$(value CapabilityBoundingSet | tr ' ' '\n' | sort)" ] || {
    printf '%s\n' "plugins: $named" "unit: $(value CapabilityBoundingSet)" >"$tmp/log"
    false
}
ok "the capabilities are those that plugins name, and CAP_SETPCAP"

if command -v systemd-analyze >/dev/null 2>&1; then
    # It tells of all units of this machine: those of others are not ours to judge.
    timeout 60 systemd-analyze verify --man=no "$unit" >"$tmp/log" 2>&1
    ! grep gyr "$tmp/log"
    ok "systemd-analyze verify"
    timeout 60 systemd-analyze security --offline=true --threshold=40 --no-pager "$unit" >"$tmp/log" 2>&1
    ok "systemd-analyze security: exposed to 4.0 at most"
else
    skip "there is no systemd-analyze"
    skip "there is no systemd-analyze"
fi

if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null 2>&1; then
    skip "with the unit's capabilities alone: needs root and setpriv"
elif ! timeout 120 "$gyr" run --quiet --dry-run >/dev/null 2>"$tmp/log"; then
    skip "with the unit's capabilities alone: this machine cannot be watched"
else
    caps=$(value CapabilityBoundingSet | tr '[:upper:] ' '[:lower:]\n' | sed 's/^cap_/+/' | paste -sd, -)
    timeout 120 setpriv --no-new-privs --bounding-set="-all,$caps" --inh-caps=-all \
        "$gyr" run --quiet --dry-run >"$tmp/log" 2>&1
    ok "with the unit's capabilities alone, and no new ones, it starts"
fi
finish
