#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install the packages that build and test need, where they are missing. Asks nothing.
set -eu

arch=$(dpkg --print-architecture 2>/dev/null) || arch=amd64
packages="
gcc             the C compiler
libc6-dev       its headers
g++             the shim around RE2, and the SDK headers tried as C++
make            the build
libyaml-dev     configuration and rules
libcurl4-openssl-dev    HTTP: runtimes and webhooks
libjansson-dev  JSON
libmicrohttpd-dev       metrics and health over HTTP
mandoc          man pages are well-formed
libre2-dev      regular expressions that cannot be made to hang
zlib1g-dev      captures compressed by gzip
libzstd-dev     captures compressed by zstd
libssl-dev      signatures of webhooks; syslog over TLS; servers that the tests make up
openssl         their certificates
nginx-light     a server that demands client certificates
rsyslog         tests of the output syslog
rsyslog-openssl the same
python3-aiosmtpd        tests of the output email
python3-jsonschema      tests of the schemas of rules and configuration
python3-yaml    the same
libcmocka-dev   unit tests
pkgconf         plugins built against the installed SDK
libsqlite3-dev  an example of the SDK: alerts in a database
sqlite3         the same
patch           the steps of docs/plugins.md, done by a test
libprotobuf-c-dev       messages of gRPC
protobuf-c-compiler     the same
libnghttp2-dev  HTTP/2 of gRPC, and servers of it for tests
curl            tests of what is told over HTTP
containerd      tests with real containers
runc            the same
libbpf-dev      loading eBPF programs
qemu-system-x86 tests on packaged kernels
busybox-static  the same, and in containers
cpio            the same
gcc-aarch64-linux-gnu   the build for aarch64 stays possible
g++-aarch64-linux-gnu   the same
docker.io       tests with real containers
clang           compiling them
llvm            the same
bpftool         making a header of them
linux-headers-$arch  building the kernel module
dkms            the same
"
names=$(printf '%s' "$packages" | cut -d' ' -f1)

if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-query >/dev/null 2>&1; then
    printf 'No apt-get here. If the build fails, install what these are called here:\n%s' \
        "$packages" >&2
    exit 0
fi

have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
missing=
for name in $names; do
    printf '%s\n' "$have" | grep -qxF -e "$name" || missing="$missing $name"
done
[ -n "$missing" ] || exit 0

as_root="env"
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        printf 'Missing packages:%s\nThere is no sudo; as root, run: apt-get install%s\n' \
            "$missing" "$missing" >&2
        exit 1
    fi
    as_root="sudo env"
fi
printf 'Installing:%s\n' "$missing"
$as_root DEBIAN_FRONTEND=noninteractive apt-get -y -q update ||
    printf 'Some package lists could not be read; trying with what there is.\n' >&2
# shellcheck disable=SC2086 # words are meant to split
$as_root DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends install $missing
