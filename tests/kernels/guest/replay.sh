# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# A capture replayed: programs, plugins and their libraries are all there.
alerts=$($GYR replay -q -j --plugin-dir /gyr/plugins --rules /gyr/rules /test/seed.scap.gz) || exit
n=$(printf '%s\n' "$alerts" | grep -c '"rule":')
echo "$n alerts"
[ "$n" -eq 3 ]
