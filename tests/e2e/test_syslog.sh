#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The output syslog against a real rsyslogd: local socket, UDP, TCP and TLS; every alert of a replay
# arrives, also when the server is stopped and started in the middle.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${GYR_BUILD:-build/release}
gyr=${GYR:-$build/bin/gyr}
case $build in /*) ;; *) build=$PWD/$build ;; esac
seed=$PWD/tests/captures/seed.scap.gz
tmp=$(mktemp -d) || exit 1
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
n=0 bad=0

ok() { # NAME: the last command's status decides
    if [ $? -eq 0 ]; then
        n=$((n + 1))
        printf 'ok %d - %s\n' "$n" "$1"
    else
        n=$((n + 1)) bad=1
        printf 'not ok %d - %s\n' "$n" "$1"
        tail -n 8 "$tmp/err" "$tmp/server.log" 2>/dev/null | sed 's/^/# /'
    fi
}

have() { command -v rsyslogd >/dev/null && command -v openssl >/dev/null &&
    ls /usr/lib/*/rsyslog/lmnsd_ossl.so >/dev/null 2>&1; }
if ! have && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    { apt-get -y -q update
      DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends install \
          rsyslog rsyslog-openssl openssl; } >/dev/null 2>&1
fi
if ! have; then
    printf 'ok 1 # SKIP no rsyslogd with TLS here: apt-get install rsyslog rsyslog-openssl openssl\n1..1\n'
    exit 0
fi

# ---- certificates: an authority, the server's for the name "localhost", a client's ----
pki() { # NAME ALTERNATIVE-NAME
    openssl req -new -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$tmp/$1.key" -out "$tmp/$1.csr" &&
        printf 'subjectAltName=%s\n' "$2" >"$tmp/$1.ext" &&
        openssl x509 -req -in "$tmp/$1.csr" -CA "$tmp/ca.pem" -CAkey "$tmp/ca.key" -CAcreateserial \
            -days 2 -extfile "$tmp/$1.ext" -out "$tmp/$1.pem"
}
{ openssl req -x509 -newkey rsa:2048 -nodes -subj '/CN=Test CA' -days 2 -keyout "$tmp/ca.key" \
    -out "$tmp/ca.pem" && pki server DNS:localhost && pki client DNS:client; } >"$tmp/err" 2>&1
ok "certificates are made"

# ---- the server ----
base=$((20000 + $$ % 20000))
udp=$base tcp=$((base + 1)) tls=$((base + 2))
cat >"$tmp/rsyslog.conf" <<EOF
global(workDirectory="$tmp" maxMessageSize="64k"
       defaultNetstreamDriverCAFile="$tmp/ca.pem" defaultNetstreamDriverCertFile="$tmp/server.pem"
       defaultNetstreamDriverKeyFile="$tmp/server.key" parser.escapeControlCharactersOnReceive="off")
module(load="imudp") module(load="imptcp")
module(load="imuxsock" SysSock.Use="off")
module(load="imtcp" StreamDriver.Name="ossl" StreamDriver.Mode="1"
       StreamDriver.AuthMode="x509/name" PermittedPeer="client")
template(name="all" type="string" string="%inputname%|%pri%|%hostname%|%app-name%|%structured-data%|%msg%\n")
ruleset(name="keep") { action(type="omfile" file="$tmp/received" template="all") }
input(type="imudp" address="127.0.0.1" port="$udp" rcvbufSize="1m" ruleset="keep")
input(type="imptcp" address="127.0.0.1" port="$tcp" ruleset="keep")
input(type="imtcp" address="127.0.0.1" port="$tls" ruleset="keep")
input(type="imuxsock" Socket="$tmp/log" CreatePath="off" ruleset="keep")
EOF
start_server() {
    rm -f "$tmp/pid"
    rsyslogd -n -f "$tmp/rsyslog.conf" -i "$tmp/pid" >>"$tmp/server.log" 2>&1 &
    server=$!
    i=0
    while [ $i -lt 100 ]; do
        if [ -S "$tmp/log" ] && openssl s_client -connect "127.0.0.1:$tls" </dev/null 2>/dev/null |
            grep -q CONNECTED; then
            return 0
        fi
        sleep 0.1
        i=$((i + 1))
    done
    return 1
}
stop_server() {
    kill "$server" && wait "$server"
    server=
    rm -f "$tmp/log"
}
start_server
ok "rsyslogd listens"

# ---- alerts ----
cat >"$tmp/rules.yaml" <<'EOF'
- rule: Something was opened
  desc: A file was opened.
  condition: evt.type in (openat, open, read, close)
  output: "event num=%evt.num type=%evt.type"
  priority: WARNING
  tags: [files]
EOF
# the server has the file open, and appends
empty() {
    : >"$tmp/received"
}
# send NAME OPTIONS…: replays through that output and, to compare with, into a file
send() {
    name=$1
    shift
    empty
    rm -f "$tmp/$name.json"
    cat >"$tmp/gyr.yaml" <<EOF
plugin_dirs: [$build/plugins]
outputs:
  - {plugin: syslog, options: {$*}}
  - {plugin: file, options: {path: $tmp/$name.json}}
rules: {files: [$tmp/rules.yaml]}
EOF
    timeout 60 "$gyr" replay -c "$tmp/gyr.yaml" "$seed" >"$tmp/out" 2>"$tmp/err"
}
numbers() { sed -n 's/.*event num=\([0-9]*\) .*/\1/p' "$@" | sort; }
# arrived NAME: waits until as many are there as were sent, and compares
arrived() {
    numbers "$tmp/$1.json" >"$tmp/want"
    [ "$(wc -l <"$tmp/want")" -gt 500 ] || return 1
    i=0
    while [ $i -lt 50 ]; do
        numbers "$tmp/received" 2>/dev/null | uniq >"$tmp/got"
        cmp -s "$tmp/want" "$tmp/got" && return 0
        sleep 0.1
        i=$((i + 1))
    done
    printf 'sent %s, received %s\n' "$(wc -l <"$tmp/want")" "$(wc -l <"$tmp/got")" >>"$tmp/err"
    return 1
}
once() { [ "$(numbers "$tmp/received" | uniq -d | wc -l)" -eq 0 ]; }

send local "address: $tmp/log, facility: local3"
arrived local && once
ok "local socket: every alert arrives once"
[ -s "$tmp/received" ] && ! grep -qv "^imuxsock|156|[^|]*|gyr|-| *event num=" "$tmp/received"
ok "local socket: priority, program and text as they should be"

send udp "transport: udp, address: 127.0.0.1:$udp"
# datagrams may be lost when they come faster than they are read: most of them is what UDP promises
numbers "$tmp/udp.json" >"$tmp/want"
sleep 1
numbers "$tmp/received" >"$tmp/got"
[ "$(comm -13 "$tmp/want" "$tmp/got" | wc -l)" -eq 0 ] &&
    [ "$(wc -l <"$tmp/got")" -gt $(($(wc -l <"$tmp/want") / 2)) ]
ok "UDP: $(wc -l <"$tmp/got") of $(wc -l <"$tmp/want") alerts arrive"
grep -q '^imudp|84|[^|]*|gyr|\[gyr@32473 uuid="[0-9a-f-]*" rule="Something was opened" tag="files"\]|' \
    "$tmp/received"
ok "UDP: structured data is read by the server"

send tcp "transport: tcp, address: 127.0.0.1:$tcp, fields: [evt.num]"
arrived tcp && once
ok "TCP, lengths in front: every alert arrives once"
grep -q '^imptcp|84|.* evt.num="[0-9]*"\]|' "$tmp/received"
ok "TCP: chosen fields are in the structured data"
send newline "transport: tcp, address: 127.0.0.1:$tcp, framing: newline, format: rfc3164"
arrived newline && once
ok "TCP, newlines, RFC 3164: every alert arrives once"
send json "transport: tcp, address: 127.0.0.1:$tcp, content: json"
i=0
while [ $i -lt 50 ] && [ "$(wc -l <"$tmp/received")" -lt "$(wc -l <"$tmp/json.json")" ]; do
    sleep 0.1
    i=$((i + 1))
done
sort "$tmp/json.json" >"$tmp/want"
sed 's/.*\]| *//' "$tmp/received" | sort >"$tmp/got"
[ -s "$tmp/want" ] && cmp "$tmp/want" "$tmp/got" >>"$tmp/err" 2>&1
ok "TCP: JSON arrives as it is"

keys="ca: $tmp/ca.pem, cert: $tmp/client.pem, key: $tmp/client.key"
send tls "transport: tls, address: localhost:$tls, $keys"
arrived tls && once
ok "TLS with a client's certificate: every alert arrives once"
grep -q '^imtcp|84|' "$tmp/received"
ok "TLS: it was the TLS input"

# ---- refusals: nothing may pass for delivered ----
refused() { # WORDS
    ! [ -s "$tmp/received" ] && grep -qF -- "$1" "$tmp/err"
}
short() { # like send, with a replay that is not waited for
    empty
    cat >"$tmp/gyr.yaml" <<EOF
plugin_dirs: [$build/plugins]
outputs: [{plugin: syslog, options: {$*}}]
rules: {files: [$tmp/rules.yaml]}
EOF
    timeout -s INT 2 "$gyr" replay -c "$tmp/gyr.yaml" "$seed" >"$tmp/out" 2>"$tmp/err"
}
short "transport: tls, address: 127.0.0.1:$tls, $keys"
refused "certificate is not accepted"
ok "TLS: a certificate for another name is refused"
short "transport: tls, address: localhost:$tls, cert: $tmp/client.pem, key: $tmp/client.key"
refused "certificate is not accepted"
ok "TLS: an unknown authority is refused"

# ---- the server goes away in the middle ----
outage() { # NAME OPTIONS…
    name=$1
    shift
    empty
    rm -f "$tmp/$name.json"
    cat >"$tmp/gyr.yaml" <<EOF
plugin_dirs: [$build/plugins]
sources: [{plugin: replay, options: {path: $seed, speed: real}}]
outputs:
  - {plugin: syslog, options: {$*}}
  - {plugin: file, options: {path: $tmp/$name.json}}
rules: {files: [$tmp/rules.yaml]}
EOF
    timeout 90 "$gyr" run -c "$tmp/gyr.yaml" >"$tmp/out" 2>"$tmp/err" &
    run=$!
    i=0
    while [ $i -lt 200 ] && ! [ -s "$tmp/received" ]; do
        sleep 0.05
        i=$((i + 1))
    done
    stop_server
    got=$(wc -l <"$tmp/received")
    sleep 1
    start_server
    wait "$run"
    printf '# %s: the server stopped after %s alerts\n' "$name" "$got"
}
# What the server's kernel had confirmed and the server had not read when it ended, nobody can know:
# at most the offer under way (64 alerts), and never the last ones.
survived() {
    arrived "$1" && return 0
    [ "$(tail -n 1 "$tmp/want")" = "$(tail -n 1 "$tmp/got")" ] || return 1
    unread=$(diff "$tmp/want" "$tmp/got" | grep -c '^<')
    printf '# %s: %s alerts were confirmed by the kernel of the server, and not read by it\n' "$1" "$unread"
    [ "$unread" -le 64 ] && ! diff "$tmp/want" "$tmp/got" | grep -q '^>'
}
outage tcp-outage "transport: tcp, address: 127.0.0.1:$tcp"
survived tcp-outage && [ "$got" -lt "$(wc -l <"$tmp/want")" ]
ok "TCP: the server stopped and started, and nothing is missing but what it had not read"
outage tls-outage "transport: tls, address: localhost:$tls, $keys"
survived tls-outage && [ "$got" -lt "$(wc -l <"$tmp/want")" ]
ok "TLS: the server stopped and started, and nothing is missing but what it had not read"

printf '1..%d\n' "$n"
exit $bad
