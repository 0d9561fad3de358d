#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# try.sh GYR: run gyr with gyr.yaml of this folder, and send it the sample.
set -eu
"$1" run --quiet --config gyr.yaml &
pid=$!
trap 'kill -INT $pid; wait $pid' EXIT
for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.5
    if bash -c 'cat sample.jsonl >/dev/tcp/127.0.0.1/9765' 2>/dev/null; then
        sleep 2
        exit 0
    fi
done
echo "gyr does not listen" >&2
exit 1
