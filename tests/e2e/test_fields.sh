#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every field of every event of the recordings, as gyr prints it, against what Falco printed.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${GYR_BUILD:-build/release}
shared=${GYR_SHARED:-../shared}
export TZ=UTC
set -- "$shared"/expected/*.fields.jsonl.gz
if [ ! -r "$1" ]; then
    printf '1..1\nok 1 # SKIP no recordings at %s: FIELDS ARE NOT COMPARED WITH FALCO (set GYR_SHARED)\n' "$shared"
    exit 0
fi
for file; do
    shift
    name=${file##*/}
    set -- "$@" "${name%.fields.jsonl.gz}"
done
exec "$build/e2e/compare_fields" "${GYR:-$build/bin/gyr}" "$shared" "$@"
