#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The output syslog against a real rsyslogd: local socket, UDP, TCP and TLS; every alert of a replay
# arrives, also when the server is stopped and started in the middle.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
told="$tmp/err $tmp/server.log"
seed=$PWD/tests/captures/seed.scap.gz
server=
# shellcheck disable=SC2317 # the trap calls it
at_exit() { [ -z "$server" ] || kill "$server" 2>/dev/null; }

have() { command -v rsyslogd >/dev/null && command -v openssl >/dev/null &&
    ls /usr/lib/*/rsyslog/lmnsd_ossl.so >/dev/null 2>&1; }
if ! have && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    { apt-get -y -q update
      DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends install \
          rsyslog rsyslog-openssl openssl; } >/dev/null 2>&1
fi
if ! have; then
    skip_all 'no rsyslogd with TLS here: apt-get install rsyslog rsyslog-openssl openssl'
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
main_queue(queue.timeoutShutdown="60000")
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
    until_true 20 listens
}
# shellcheck disable=SC2317 # until_true calls it
listens() {
    [ -S "$tmp/log" ] && openssl s_client -connect "127.0.0.1:$tls" </dev/null 2>/dev/null |
        grep -q CONNECTED
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
# shellcheck disable=SC2317 # until_true calls it
same() {
    numbers "$tmp/received" 2>/dev/null | uniq >"$tmp/got"
    cmp -s "$tmp/want" "$tmp/got"
}
# arrived NAME: waits until as many are there as were sent, and compares
arrived() {
    numbers "$tmp/$1.json" >"$tmp/want"
    [ "$(wc -l <"$tmp/want")" -gt 500 ] || return 1
    until_true 20 same && return 0
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
# shellcheck disable=SC2317 # until_true calls it
as_many() { [ "$(wc -l <"$tmp/received")" -ge "$(wc -l <"$tmp/json.json")" ]; }
until_true 20 as_many
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
refused() { # WORDS OPTIONS…: a replay that is ended once it has said so
    words=$1
    shift
    empty
    cat >"$tmp/gyr.yaml" <<EOF
plugin_dirs: [$build/plugins]
outputs: [{plugin: syslog, options: {$*}}]
rules: {files: [$tmp/rules.yaml]}
EOF
    timeout 60 "$gyr" replay -c "$tmp/gyr.yaml" "$seed" >"$tmp/out" 2>"$tmp/err" &
    run=$!
    end_when_told 30 "$words"
    ! [ -s "$tmp/received" ] && grep -qF -- "$words" "$tmp/err"
}
refused "certificate is not accepted" "transport: tls, address: 127.0.0.1:$tls, $keys"
ok "TLS: a certificate for another name is refused"
refused "certificate is not accepted" \
    "transport: tls, address: localhost:$tls, cert: $tmp/client.pem, key: $tmp/client.key"
ok "TLS: an unknown authority is refused"

# ---- the server goes away in the middle ----
# Has the server read all that was sent to its port? What its kernel has and it does not is neither
# sent nor acknowledged as far as anybody knows: it would be lost.
# shellcheck disable=SC2317 # until_true calls it
is_read() { # PORT
    awk -v port="$(printf '%04X' "$1")" 'NR > 1 && $4 == "01" {
        if (substr($2, 10) == port && $5 !~ /:00000000$/) rest = 1
        if (substr($3, 10) == port && $5 !~ /^00000000:/) rest = 1
    } END { exit rest }' /proc/net/tcp
}
# The replay stands still meanwhile, in the middle of whatever it does.
outage() { # NAME PORT OPTIONS…
    name=$1 to=$2
    shift 2
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
    until_true 20 test -s "$tmp/received"
    kill -s STOP -- "-$run" # timeout has made a group of its own
    until_true 30 is_read "$to"
    stop_server
    got=$(wc -l <"$tmp/received")
    kill -s CONT -- "-$run"
    sleep 1
    start_server
    wait "$run"
    printf '# %s: the server stopped after %s alerts\n' "$name" "$got"
}
outage tcp-outage "$tcp" "transport: tcp, address: 127.0.0.1:$tcp"
arrived tcp-outage && [ "$got" -lt "$(wc -l <"$tmp/want")" ]
ok "TCP: the server stopped and started, and every alert arrives"
outage tls-outage "$tls" "transport: tls, address: localhost:$tls, $keys"
arrived tls-outage && [ "$got" -lt "$(wc -l <"$tmp/want")" ]
ok "TLS: the server stopped and started, and every alert arrives"

finish
