# SPDX-License-Identifier: Apache-2.0
# A capture replayed: programs, plugins and their libraries are all there.
alerts=$($GYR replay -q -j --plugin-dir /gyr/plugins --rules /gyr/rules /test/seed.scap.gz) || exit
set -- $(printf '%s\n' "$alerts" | grep -c '"rule":')
echo "$1 alerts"
[ "$1" -eq 3 ]
