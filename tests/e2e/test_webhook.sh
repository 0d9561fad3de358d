#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gyr replay with the output webhook: a real capture's alerts arrive at nginx, which demands a client
# certificate; what is secret in the configuration is shown nowhere; a server that fails every other
# request gets every alert.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
PATH=$PATH:/usr/sbin

pid=
# shellcheck disable=SC2317 # the trap calls it
at_exit() { [ -z "$pid" ] || kill "$pid" 2>/dev/null; }

certificate() { # NAME SUBJECT: signed by itself
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$2" \
        -addext "subjectAltName=IP:127.0.0.1" -keyout "$tmp/$1.key" -out "$tmp/$1.crt" 2>/dev/null
}

# Bodies are known to nginx only where it hands them on: to itself.
serve() {
    cat >"$tmp/nginx.conf" <<EOF
daemon off;
pid $tmp/pid;
error_log $tmp/error.log;
events {}
http {
    log_format body escape=none '\$request_body';
    client_body_buffer_size 4m;
    client_max_body_size 4m;
    client_body_temp_path $tmp/t1; proxy_temp_path $tmp/t2; fastcgi_temp_path $tmp/t3;
    uwsgi_temp_path $tmp/t4; scgi_temp_path $tmp/t5;
    access_log off;
    server {
        listen 127.0.0.1:$port ssl;
        ssl_certificate $tmp/server.crt;
        ssl_certificate_key $tmp/server.key;
        ssl_client_certificate $tmp/client.crt;
        ssl_verify_client on;
        location / {
            access_log $tmp/bodies body;
            set \$all "\$http_x_key/\$http_authorization/\$http_x_env";
            if (\$all != "the-secret-key/Bearer the-secret-header/the-secret-env") { return 403; }
            proxy_pass http://unix:$tmp/socket:;
        }
    }
    server {
        listen unix:$tmp/socket;
        location / { return 204; }
    }
}
EOF
    printf 'Bearer the-secret-header\n' >"$tmp/header"
    export GYR_SECRET=the-secret-env
    nginx -p "$tmp" -c "$tmp/nginx.conf" 2>>"$tmp/nginx.out" &
    pid=$!
}

config() {
    cat >"$tmp/gyr.yaml" <<EOF
plugin_dirs: [$build/plugins]
outputs:
  - {plugin: file, options: {path: $tmp/alerts, format: json}}
  - plugin: webhook
    options:
      url: https://127.0.0.1:$port/the-secret-path
      key: the-secret-key
      headers: {X-Key: "{key}", Authorization: {file: header}, X-Env: {env: GYR_SECRET}}
      tls_ca: $tmp/server.crt
      batch: lines
$1
rules: {files: [$PWD/rules]}
EOF
}

# One request after the other, of up to 16 alerts: every other is answered 500, reset, or half answered.
mkfifo "$tmp/open"
"$build/e2e/web_flaky" "$tmp/taken" <"$tmp/open" >"$tmp/port" 2>"$tmp/err" &
exec 9>"$tmp/open"
until_true 20 test -s "$tmp/port"
cat >"$tmp/gyr.yaml" <<EOF
plugin_dirs: [$build/plugins]
outputs:
  - {plugin: file, options: {path: $tmp/alerts, format: json}}
  - plugin: webhook
    options: {url: "http://127.0.0.1:$(cat "$tmp/port")/", batch: lines, max_batch: 16}
rules: {files: [$PWD/rules]}
EOF
"$gyr" replay -c "$tmp/gyr.yaml" tests/captures/attacks.scap.gz >"$tmp/out" 2>"$tmp/err"
ok "a capture is replayed before a server that fails every other request"
exec 9>&-
uuids "$tmp/alerts" >"$tmp/want"
uuids "$tmp/taken" >"$tmp/got"
[ -s "$tmp/want" ] && cmp "$tmp/want" "$tmp/got" >>"$tmp/err" 2>&1
ok "every alert arrived, once, in order"
rm -f "$tmp/alerts"

for tool in nginx openssl; do
    command -v $tool >/dev/null 2>&1 && continue
    skip "there is no $tool: a server with client certificates is not tried"
    finish
done

# no port can be reserved for nginx: another is tried where one is taken
certificate server server && certificate client client
ok "certificates are made"
for port in $((20000 + $$ % 9000)) $((30000 + $$ % 9000)) $((40000 + $$ % 9000)); do
    rm -f "$tmp/pid"
    serve
    i=0
    while [ $i -lt 100 ] && [ ! -s "$tmp/pid" ] && kill -0 "$pid" 2>/dev/null; do
        sleep 0.1
        i=$((i + 1))
    done
    [ -s "$tmp/pid" ] && break
done
[ -s "$tmp/pid" ] || cat "$tmp/nginx.out" >"$tmp/err"
[ -s "$tmp/pid" ]
ok "nginx demands client certificates"

config "      tls_cert: $tmp/client.crt
      tls_key: $tmp/client.key"
"$gyr" replay -c "$tmp/gyr.yaml" tests/captures/attacks.scap.gz >"$tmp/out" 2>"$tmp/err"
ok "a capture is replayed into it"
uuids "$tmp/alerts" >"$tmp/want"
uuids "$tmp/bodies" >"$tmp/got"
[ -s "$tmp/want" ] && cmp "$tmp/want" "$tmp/got" >>"$tmp/err" 2>&1
ok "every alert arrived, once, in order"
! grep -q 'the-secret' "$tmp/out" "$tmp/err"
ok "neither key, path nor header is shown"
: >"$tmp/shown"
for command in "output test webhook" "list outputs" "check" "replay -vv"; do
    # shellcheck disable=SC2086 # words
    set -- $command
    case $command in replay*) set -- "$@" tests/captures/attacks.scap.gz ;; esac
    "$gyr" "$@" -c "$tmp/gyr.yaml" >>"$tmp/shown" 2>&1 || echo "failed: gyr $command" >>"$tmp/shown"
done
cp "$tmp/shown" "$tmp/err"
[ -s "$tmp/shown" ] && ! grep -q -e 'the-secret' -e '^failed' "$tmp/shown"
ok "nor by output test, list, check and -vv"
printf 'the-secret {nonsense}' >"$tmp/header"
"$gyr" check -c "$tmp/gyr.yaml" >"$tmp/err" 2>&1
[ $? -eq 1 ] && grep -q 'header Authorization' "$tmp/err" && ! grep -q -e 'the-secret' -e nonsense "$tmp/err"
ok "nor by the message about a header that is wrong"
rm "$tmp/header"
"$gyr" check -c "$tmp/gyr.yaml" >"$tmp/err" 2>&1
[ $? -eq 1 ] && grep -q "option 'headers' of" "$tmp/err" && ! grep -q 'the-secret' "$tmp/err"
ok "a file that is not there is told, without the line in the configuration"
printf 'Bearer the-secret-header\n' >"$tmp/header"

# Who has no certificate is answered 400, which is for good: told, and nothing arrives.
: >"$tmp/bodies"
config "    dead_letters: $tmp/dead"
"$gyr" replay -c "$tmp/gyr.yaml" tests/captures/attacks.scap.gz >"$tmp/out" 2>"$tmp/err"
grep -q "refused for good: https://127.0.0.1: it answered 400" "$tmp/dead" &&
    grep -q "output 'webhook'" "$tmp/err" && ! grep -q uuid "$tmp/bodies"
ok "without a certificate nothing is taken, which is told"
! grep -q 'the-secret' "$tmp/out" "$tmp/err" "$tmp/dead"
ok "neither key nor path is shown then"
finish
