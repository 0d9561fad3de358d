#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The output sns and where its key comes from: environment, web identity, file, container and machine
# (metadata service, version 2), in the order of Amazon's own tools, from a server on loopback that
# plays them all; it checks each signature with code of its own and lets keys run out.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
told="$tmp/err $tmp/server.log $tmp/log"
python=/usr/bin/python3
server=
# shellcheck disable=SC2317 # the trap calls it
at_exit() { [ -z "$server" ] || kill "$server" 2>/dev/null; }

if ! $python -c 'import http.server' 2>/dev/null; then
    skip_all 'no server here: apt-get install python3'
fi

cat >"$tmp/server.py" <<'EOF'
import hashlib, hmac, json, sys, time, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

folder, lifetime = sys.argv[1], float(sys.argv[2])
secrets = {"AKIAENV": "the-secret-env", "AKIAFILE": "the-secret-file"}  # key: secret
tokens, ends, count = {}, {}, [0]

def note(line):
    with open(folder + "/log", "a") as f:
        f.write("%.1f %s\n" % (time.time(), line))

def issue(kind):
    count[0] += 1
    key = "ASIA%s%d" % (kind, count[0])
    secrets[key], tokens[key] = "the-secret/%s+%d" % (kind, count[0]), "the-secret-token==%d" % count[0]
    ends[key] = time.time() + lifetime
    note("issued " + key)
    return key, secrets[key], tokens[key], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends[key]))

def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def say(self, status, text):
        text = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def give(self, kind):
        key, secret, token, end = issue(kind)
        self.say(200, json.dumps({"Code": "Success", "AccessKeyId": key, "SecretAccessKey": secret,
                                  "Token": token, "Expiration": end}))

    def do_PUT(self):
        if self.path != "/latest/api/token" or self.headers.get("X-aws-ec2-metadata-token-ttl-seconds") != "21600":
            return self.say(400, "")
        self.say(200, "the-secret-session")

    def do_GET(self):
        roles = "/latest/meta-data/iam/security-credentials/"
        if self.path == "/container":
            if self.headers.get("Authorization") != "the-secret-authorization":
                return self.say(401, "{}")
            return self.give("CONTAINER")
        if self.headers.get("X-aws-ec2-metadata-token") != "the-secret-session":
            return self.say(401, "")
        if self.path == roles:
            return self.say(200, "gyr-role\n")
        if self.path == roles + "gyr-role":
            return self.give("MACHINE")
        self.say(404, "")

    def check(self, body):
        head = self.headers["Authorization"]
        assert head.startswith("AWS4-HMAC-SHA256 ")
        parts = dict(p.strip().split("=", 1) for p in head[17:].split(","))
        key, day, region, service, last = parts["Credential"].split("/")
        names = parts["SignedHeaders"].split(";")
        assert (region, service, last) == ("eu-west-1", "sns", "aws4_request") and "host" in names
        if key in tokens:
            assert "x-amz-security-token" in names and self.headers["X-Amz-Security-Token"] == tokens[key]
        canon = "\n".join(["POST", "/", ""] + ["%s:%s" % (h, self.headers[h].strip()) for h in names] +
                          ["", parts["SignedHeaders"], hashlib.sha256(body).hexdigest()])
        text = "\n".join(["AWS4-HMAC-SHA256", self.headers["X-Amz-Date"], "/".join([day, region, service, last]),
                          hashlib.sha256(canon.encode()).hexdigest()])
        k = mac(mac(mac(mac(("AWS4" + secrets[key]).encode(), day), region), service), last)
        assert hmac.new(k, text.encode(), hashlib.sha256).hexdigest() == parts["Signature"], "signature"
        return key

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form = dict(urllib.parse.parse_qsl(body.decode()))
        if self.path == "/sts":
            if (form["Action"], form["RoleArn"], form["WebIdentityToken"], form["RoleSessionName"]) != (
                    "AssumeRoleWithWebIdentity", "arn:aws:iam::1:role/gyr", "the-secret.web&token", "s1"):
                return self.say(403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message>"
                                     "</Error></ErrorResponse>")
            return self.say(200, "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
                                 "<AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey>"
                                 "<SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials>"
                                 "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>" % issue("WEB"))
        try:
            key = self.check(body)
        except Exception as e:
            note("refused %r" % e)
            return self.say(403, "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>")
        if time.time() > ends.get(key, 1e12):
            note("expired " + key)
            return self.say(403, "<Error><Code>ExpiredToken</Code><Message>late</Message></Error>")
        note("published %s %s" % (key, json.loads(form["Message"])["uuid"]))
        self.say(200, "<PublishResponse/>")

s = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(folder + "/port", "w") as f:
    f.write("%d\n" % s.server_port)
s.serve_forever()
EOF
start_server() { # LIFETIME of keys, in seconds
    rm -f "$tmp/port" "$tmp/log"
    : >"$tmp/log"
    $python "$tmp/server.py" "$tmp" "$1" >>"$tmp/server.log" 2>&1 &
    server=$!
    until_true 20 test -s "$tmp/port"
    port=$(cat "$tmp/port")
}
stop_server() {
    kill "$server"
    wait "$server" 2>/dev/null
    server=
}

cat >"$tmp/rules.yaml" <<'EOF'
- rule: Something was opened
  desc: A file was opened.
  condition: evt.type = openat
  output: "event num=%evt.num"
  priority: WARNING
EOF
config() { # OPTIONS…
    cat >"$tmp/gyr.yaml" <<EOF
plugin_dirs: [$build/plugins]
sources: [{plugin: replay, options: {path: $PWD/tests/captures/seed.scap.gz, speed: real}}]
outputs:
  - {plugin: sns, options: {topic_arn: "arn:aws:sns:eu-west-1:1:a", endpoint: "http://127.0.0.1:$port", $*}}
  - {plugin: file, options: {path: $tmp/alerts.json}}
rules: {files: [$tmp/rules.yaml]}
EOF
}
# with NAME=VALUE… -- GYR…: only these of Amazon's variables are there
amazon() {
    vars=
    while [ "$1" != -- ]; do
        vars="$vars $1"
        shift
    done
    shift
    # shellcheck disable=SC2086 # words
    env -i PATH="$PATH" HOME="$tmp/home" $vars timeout 60 "$gyr" "$@" -c "$tmp/gyr.yaml" >"$tmp/out" 2>"$tmp/err"
    rc=$?
    cat "$tmp/out" "$tmp/err" >>"$tmp/shown"
    return $rc
}
used() { tail -n 1 "$tmp/log" | grep -q " published $1"; }

start_server 8
config
[ -n "$port" ]
ok "the server listens"
printf 'the-secret.web&token\n' >"$tmp/web"
printf 'the-secret-authorization\n' >"$tmp/authorization"
mkdir -p "$tmp/home/.aws"
machine="AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:$port/"
container="AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:$port/container
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=$tmp/authorization"
web="AWS_WEB_IDENTITY_TOKEN_FILE=$tmp/web AWS_ROLE_ARN=arn:aws:iam::1:role/gyr AWS_ROLE_SESSION_NAME=s1
    AWS_ENDPOINT_URL_STS=http://127.0.0.1:$port/sts"
keys="AWS_ACCESS_KEY_ID=AKIAENV AWS_SECRET_ACCESS_KEY=the-secret-env"

# shellcheck disable=SC2086 # words
{
    amazon $machine -- output test sns && used ASIAMACHINE
    ok "the machine's role, by the metadata service with its token"
    amazon $machine $container -- output test sns && used ASIACONTAINER
    ok "the container's role, by its endpoint and the token of a file, goes before"
    amazon $machine AWS_CONTAINER_CREDENTIALS_FULL_URI="http://127.0.0.1:$port/container" \
        AWS_CONTAINER_AUTHORIZATION_TOKEN=the-secret-authorization -- output test sns && used ASIACONTAINER
    ok "… or the token of the environment"
    printf '[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = the-secret-file\n' >"$tmp/home/.aws/credentials"
    amazon $machine $container -- output test sns && used AKIAFILE
    ok "the shared credentials file goes before"
    amazon $machine $container $web -- output test sns && used ASIAWEB
    ok "the workload's role, by AssumeRoleWithWebIdentity, goes before"
    amazon $machine $container $web $keys -- output test sns && used AKIAENV
    ok "the environment goes before"
    config "credentials_file: $tmp/home/.aws/credentials"
    amazon $machine $container $web $keys -- output test sns && used AKIAFILE
    ok "what the options say goes before all"
    rm "$tmp/home/.aws/credentials"
    config
}

# ---- what does not work is told ----
fails() { # WORDS
    ! grep -q . "$tmp/log" && grep -q -- "$1" "$tmp/err"
}
: >"$tmp/log"
amazon AWS_EC2_METADATA_DISABLED=true -- output test sns
fails 'no access key in options, environment and file (.*No such file.*); the metadata service is not asked'
ok "nothing is there and the metadata service is disabled"
amazon AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1 -- output test sns
fails "no access key in options, .* no access key of the machine's role: .*127.0.0.1"
ok "a metadata service that is not there"
amazon "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://192.0.2.1/x" -- output test sns
fails "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor on this machine"
ok "a key is not fetched over the network in the clear"
amazon "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:$port/container" -- output test sns
fails "no access key of the container's role: it answered 401"
ok "a container's endpoint that wants a token"
printf 'another\n' >"$tmp/other"
# shellcheck disable=SC2086 # words
amazon $web "AWS_WEB_IDENTITY_TOKEN_FILE=$tmp/other" -- output test sns
fails "no access key of the role of AWS_ROLE_ARN: it answered 403 AccessDenied: not you"
ok "a web identity that is not taken"

# ---- keys are fetched anew before they run out ----
for kind in machine container web; do
    : >"$tmp/log"
    rm -f "$tmp/alerts.json"
    # shellcheck disable=SC2086 # words
    case $kind in
    machine) amazon $machine -- run ;;
    container) amazon $container -- run ;;
    web) amazon $web -- run ;;
    esac
    uuids "$tmp/alerts.json" | cut -d'"' -f4 | sort >"$tmp/want"
    sed -n 's/.* published [^ ]* //p' "$tmp/log" | sort >"$tmp/got"
    [ "$(wc -l <"$tmp/want")" -gt 50 ] && cmp "$tmp/want" "$tmp/got" >>"$tmp/err" 2>&1
    ok "$kind: every alert is published, once"
    ! grep -q ' expired ' "$tmp/log" && awk '/ issued / { if (!first) first = $1; last = $1 }
        END { exit !(last - first >= 3) }' "$tmp/log"
    ok "$kind: a new key before the old one ran out ($(grep -c ' issued ' "$tmp/log") keys)"
done
stop_server

! grep -q 'the-secret' "$tmp/shown"
ok "no secret was shown"
finish
