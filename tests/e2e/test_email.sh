#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The output email against a real SMTP server (aiosmtpd) with STARTTLS, implicit TLS and
# authentication: every alert of a replay arrives, to every recipient, as a mail that Python's own
# parser reads; a server that goes away and greylists in the middle loses none.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
told="$tmp/err $tmp/server.log"
seed=$PWD/tests/captures/seed.scap.gz
python=/usr/bin/python3
server=
# shellcheck disable=SC2317 # the trap calls it
at_exit() { [ -z "$server" ] || kill "$server" 2>/dev/null; }

have() { $python -c 'import aiosmtpd' 2>/dev/null && command -v openssl >/dev/null; }
if ! have && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    { apt-get -y -q update
      DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends install \
          python3-aiosmtpd openssl; } >/dev/null 2>&1
fi
if ! have; then
    skip_all 'no SMTP server here: apt-get install python3-aiosmtpd openssl'
fi

openssl req -x509 -newkey rsa:2048 -nodes -subj '/CN=localhost' -addext subjectAltName=DNS:localhost \
    -days 2 -keyout "$tmp/key.pem" -out "$tmp/cert.pem" >"$tmp/err" 2>&1
ok "a certificate is made"

# Takes mails only after STARTTLS (or on the implicit port) and a login; writes each as one line of
# JSON: recipients, subject, text, HTML. The first GREYLIST mails are put off.
cat >"$tmp/server.py" <<'EOF'
import asyncio, email, email.policy, json, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

folder, port, greylist = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")

class Keep:
    async def handle_DATA(self, server, session, envelope):
        global greylist
        if greylist > 0:
            greylist -= 1
            return "451 try again later"
        m = email.message_from_bytes(envelope.content, policy=email.policy.default)
        text, html = m.get_body(("plain",)), m.get_body(("html",))
        with open(folder + "/received", "a") as f:
            f.write(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos,
                                "subject": m["subject"], "id": m["message-id"],
                                "defects": [str(d) for p in m.walk() for d in p.defects],
                                "text": text.get_content(),
                                "html": html.get_content() if html else None}) + "\n")
        return "250 kept"

def login(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and data.login == b"gyr" and data.password == b"s3cret word"
    return AuthResult(success=good, handled=False)

def smtp(**more):
    return lambda: SMTP(Keep(), authenticator=login, auth_required=True, hostname="localhost", **more)

async def main():
    loop = asyncio.get_running_loop()
    await loop.create_server(smtp(tls_context=tls, require_starttls=True), "127.0.0.1", port)
    await loop.create_server(smtp(auth_require_tls=False), "127.0.0.1", port + 1, ssl=tls)
    open(folder + "/ready", "w").close()
    await asyncio.Event().wait()

asyncio.run(main())
EOF
port=$((20000 + $$ % 20000))
start_server() { # GREYLIST
    rm -f "$tmp/ready"
    $python "$tmp/server.py" "$tmp" "$port" "$1" >>"$tmp/server.log" 2>&1 &
    server=$!
    until_true 20 test -e "$tmp/ready"
}
stop_server() {
    kill "$server"
    wait "$server" 2>/dev/null
    server=
}
start_server 0
ok "the server listens"

printf 's3cret word\n' >"$tmp/password"
printf 'wrong\n' >"$tmp/wrong"
cat >"$tmp/rules.yaml" <<'EOF'
- rule: Café <opened>
  desc: A file was opened.
  condition: evt.type = openat
  output: "event num=%evt.num name=%evt.arg.name"
  priority: WARNING
  tags: [files]
EOF
rules=$tmp/rules.yaml entry=
config() { # NAME SPEED OPTIONS…; $entry: more keys of the output
    name=$1 speed=$2
    shift 2
    : >"$tmp/received"
    rm -f "$tmp/$name.json"
    cat >"$tmp/gyr.yaml" <<EOF
plugin_dirs: [$build/plugins]
sources: [{plugin: replay, options: {path: $seed, speed: $speed}}]
outputs:
  - {plugin: email, options: {from: "Gyr <gyr@localhost>", to: [soc@localhost, "On Call <on-call@localhost>"],
     ca: $tmp/cert.pem, user: gyr, $*}$entry}
  - {plugin: file, options: {path: $tmp/$name.json}}
rules: {files: [$rules]}
EOF
}
run() { timeout 60 "$gyr" run -c "$tmp/gyr.yaml" >"$tmp/out" 2>"$tmp/err"; }
numbers() { grep -o 'event num=[0-9]*' "$1" | sort -u; }
texts() { # FILE: of the plain part only
    $python -c 'import json, sys
for line in open(sys.argv[1]): print(json.loads(line)["text"])' "$1"
}
arrived() { # NAME
    numbers "$tmp/$1.json" >"$tmp/want"
    texts "$tmp/received" >"$tmp/texts"
    numbers "$tmp/texts" >"$tmp/got"
    [ "$(wc -l <"$tmp/want")" -gt 50 ] && cmp "$tmp/want" "$tmp/got" >>"$tmp/err" 2>&1
}

config starttls max "address: 'localhost:$port', password: {file: password}"
run && arrived starttls
ok "STARTTLS and a login: every alert arrives"
[ "$(wc -l <"$tmp/received")" -lt "$(wc -l <"$tmp/want")" ]
ok "alerts that wait together go in one mail ($(wc -l <"$tmp/received") mails, $(wc -l <"$tmp/want") alerts)"
$python - "$tmp/received" >>"$tmp/err" 2>&1 <<'EOF'
import json, sys
for line in open(sys.argv[1]):
    m = json.loads(line)
    assert m["from"] == "gyr@localhost" and m["to"] == ["soc@localhost", "on-call@localhost"], m
    assert not m["defects"], m["defects"]
    assert "Warning: Café <opened> on " in m["subject"], m["subject"]
    assert "Café <opened>" in m["text"] and "Café &lt;opened&gt;" in m["html"], m
EOF
ok "mails are well-formed: recipients, subject, text and HTML"

config implicit max "address: 'localhost:$((port + 1))', tls: implicit, max_alerts: 1, html: '', \
    password: s3cret word, subject: '{rule:4} {uuid}'"
run && arrived implicit && [ "$(wc -l <"$tmp/received")" -eq "$(wc -l <"$tmp/implicit.json")" ]
ok "implicit TLS, a mail for each alert"
grep -q '"subject": "Caf\\u2026 [0-9a-f-]*"' "$tmp/received" && grep -q '"html": null' "$tmp/received"
ok "own subject, text only"

# The capture lasts for some seconds; the first mail comes long before its end.
entry=', digest: {time: 700ms, alerts: 1000}'
config digest real "address: 'localhost:$port', password: {file: password}"
run &
run=$!
until_true 30 test -s "$tmp/received" && kill -0 $run 2>/dev/null
ok "a digest is sent when its time has come, not only at the end"
wait "$run"
arrived digest && [ "$(texts "$tmp/received" | grep -c 'event num=')" -eq "$(wc -l <"$tmp/digest.json")" ]
ok "digests: every alert arrives, once ($(wc -l <"$tmp/received") mails, $(wc -l <"$tmp/digest.json") alerts)"

# Nothing of a digest is acknowledged before its mail is accepted: what is killed meanwhile comes again.
entry=", digest: {time: 1h, alerts: 1000}, spool: {dir: $tmp/spool}"
config killed real "address: 'localhost:$port', password: {file: password}"
"$gyr" run -c "$tmp/gyr.yaml" >"$tmp/out" 2>"$tmp/err" &
run=$!
# shellcheck disable=SC2317 # until_true calls it
has_60() { [ -e "$tmp/killed.json" ] && [ "$(wc -l <"$tmp/killed.json")" -ge 60 ]; }
until_true 30 has_60
kill -9 "$run"
wait "$run" 2>/dev/null
cp "$tmp/killed.json" "$tmp/before.json"
! [ -s "$tmp/received" ] && [ "$(wc -l <"$tmp/before.json")" -ge 60 ]
ok "killed with -9 while $(wc -l <"$tmp/before.json") alerts gather: no mail was sent"
printf '[]\n' >"$tmp/none.yaml"
rules=$tmp/none.yaml
config killed max "address: 'localhost:$port', password: {file: password}"
run
mv "$tmp/before.json" "$tmp/killed.json"
numbers "$tmp/killed.json" >"$tmp/want"
texts "$tmp/received" >"$tmp/texts"
numbers "$tmp/texts" | comm -23 "$tmp/want" - >"$tmp/lost"
[ -s "$tmp/want" ] && ! [ -s "$tmp/lost" ] && [ "$(wc -l <"$tmp/received")" -eq 1 ]
ok "started again, every one of them arrives, in one mail"
rules=$tmp/rules.yaml entry=

config wrong max "address: 'localhost:$port', password: {file: $tmp/wrong}"
run &
run=$!
end_when_told 20 'takes no alerts: .*535'
! [ -s "$tmp/received" ] && grep -q 'takes no alerts: .*535' "$tmp/err" && ! grep -q wrong\$ "$tmp/err"
ok "a wrong password is told, and nothing passes for delivered"
config address max "address: '127.0.0.1:$port', password: {file: password}"
run &
run=$!
end_when_told 20 'takes no alerts: .*SSL'
! [ -s "$tmp/received" ] && grep -q 'takes no alerts: .*SSL' "$tmp/err"
ok "a certificate for another name is refused"

config outage real "address: 'localhost:$port', password: {file: password}"
run &
run=$!
until_true 20 test -s "$tmp/received"
stop_server
before=$(wc -l <"$tmp/received")
sleep 0.5
start_server 1 # more, and the wait grows beyond what gyr waits at the end of a recording
wait "$run"
[ "$before" -gt 0 ] && arrived outage && [ "$(wc -l <"$tmp/received")" -gt "$before" ]
ok "the server stopped, started and put off in the middle: every alert arrives"

finish
