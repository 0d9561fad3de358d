# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# suite.sh SCRIPT SOURCE OPTIONS: one of the test scripts that also run on the host, as it is, for that
# source with these options. The last line that this says: how many tests, and what the script told last.
export GYR_BUILD=/gyr GYR_LIVE_SOURCE="$2" GYR_LIVE_OPTIONS="$3" TMPDIR=/tmp GYR_STATE_STARTS=2
sh "/gyr/tests/$1" >/tmp/suite 2>&1
status=$?
grep -v '^ok ' /tmp/suite
ok=$(grep -c '^ok ' /tmp/suite)
skips=$(grep -c '^ok [0-9]* # SKIP' /tmp/suite)
grep '^ok [0-9]* # SKIP' /tmp/suite
[ "$ok" -gt 0 ] || status=1 # it said nothing, so it tried nothing
told="$((ok - skips)) tests"
[ "$skips" -eq 0 ] || told="$told, $skips skipped"
last=$(grep '^# ' /tmp/suite | tail -n 1 | cut -c 3-)
if grep -q '^not ok' /tmp/suite; then
    told=$(grep -m 1 '^not ok' /tmp/suite)
    last=''
elif [ $status -eq 0 ] && { [ $((ok - skips)) -eq 0 ] || grep -q '# SKIP.*does not start here' /tmp/suite; }; then
    status=77 last=''
    told=$(sed -n 's/^ok [0-9]* # SKIP //p' /tmp/suite | tail -n 1)
fi
echo "$told${last:+; $last}"
exit $status
