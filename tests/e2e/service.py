# SPDX-License-Identifier: Apache-2.0
"""What test_service.sh needs besides curl: a service manager's socket, and a strict reader of
Prometheus' text format.

    service.py listen SOCKET FILE      write each datagram into FILE, its lines joined by '|'
    service.py metrics FILE            check an exposition; print "name{labels} value" of each sample
    service.py idle PORT N SECONDS     hold N connections that say nothing
    service.py journal COMMAND…        run it as systemd does whose journal reads standard error; print that
"""
import os
import re
import socket
import subprocess
import sys
import time

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
VALUE = re.compile(r"[+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|Inf|NaN)\Z")
TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}


def listen(path, out):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind("\0" + path[1:] if path[0] == "@" else path)
    with open(out, "w", encoding="utf-8", buffering=1) as f:
        while True:
            f.write(s.recv(8192).decode().replace("\n", "|") + "\n")


def labels(line, at):
    """The pairs behind '{', and where they end. A value knows three escapes and no more."""
    pairs = []
    while line[at] != "}":
        m = LABEL.match(line, at)
        assert m and line[m.end():m.end() + 2] == '="', "label expected"
        at = m.end() + 2
        value = ""
        while line[at] != '"':
            if line[at] == "\\":
                value += {"\\": "\\", '"': '"', "n": "\n"}[line[at + 1]]
                at += 1
            else:
                value += line[at]
            at += 1
        pairs.append((m.group(), value))
        at += 1
        assert line[at] in ",}", "',' or '}' expected"
        at += line[at] == ","
        assert line[at - 1] != "," or line[at] != "}", "',' at the end"
    names = [p[0] for p in pairs]
    assert len(set(names)) == len(names), "a label twice"
    return pairs, at + 1


class Exposition:
    def __init__(self):
        self.helped, self.typed, self.closed, self.seen = {}, {}, set(), {}
        self.family = None

    def comment(self, line):
        kind, name, rest = re.match(r"# (HELP|TYPE) (\S+) (.+)\Z", line).groups()
        assert NAME.fullmatch(name), "no name"
        if kind == "HELP":
            assert name not in self.helped, "HELP twice"
            self.helped[name] = rest
            if self.family:
                self.closed.add(self.family)
            self.family = name
        else:
            assert name == self.family and name not in self.typed, "TYPE must follow its HELP"
            assert rest in TYPES, "unknown type"
            if rest == "counter":
                assert name.endswith("_total"), "a counter's name ends in _total"
            self.typed[name] = rest

    def sample(self, line):
        m = NAME.match(line)
        assert m, "no name"
        name, at, pairs = m.group(), m.end(), []
        if line[at] == "{":
            pairs, at = labels(line, at + 1)
        assert line[at] == " ", "one blank expected"
        text = line[at + 1:]
        assert VALUE.match(text), "no number"
        of = name
        if self.typed.get(self.family) == "histogram":
            of = re.sub(r"_(bucket|sum|count)\Z", "", name)
            assert (name == of + "_bucket") == ("le" in dict(pairs)), "le"
        assert of == self.family and of in self.typed, "a sample outside its family"
        assert of not in self.closed, "a family in two parts"
        key = (name, tuple(sorted(pairs)))
        assert key not in self.seen, "a sample twice"
        value = float(text)
        if self.typed[of] != "gauge":
            assert value >= 0, "a counter below 0"
        self.seen[key] = value

    def histograms(self):
        for name in [n for n, t in self.typed.items() if t == "histogram"]:
            rows = {}
            for (n, pairs), value in self.seen.items():
                if n == name + "_bucket":
                    d = dict(pairs)
                    rows.setdefault(tuple(p for p in pairs if p[0] != "le"), []).append(
                        (float(d["le"].replace("+Inf", "inf")), value))
            for rest, buckets in rows.items():
                buckets.sort()
                counts = [c for _, c in buckets]
                assert counts == sorted(counts), "buckets are cumulative"
                assert buckets[-1][0] == float("inf"), "no +Inf"
                assert counts[-1] == self.seen[(name + "_count", rest)], "+Inf is the count"
                assert (name + "_sum", rest) in self.seen


def metrics(path):
    with open(path, "rb") as f:
        text = f.read().decode("utf-8", "strict")
    assert text.endswith("\n") and "\r" not in text
    e = Exposition()
    for number, line in enumerate(text[:-1].split("\n"), 1):
        try:
            if line.startswith("#"):
                e.comment(line)
            else:
                e.sample(line)
        except (AssertionError, AttributeError, IndexError, KeyError) as why:
            sys.exit(f"{path}:{number}: {why!r}: {line}")
    assert set(e.helped) == set(e.typed)
    e.histograms()
    for (name, pairs), value in e.seen.items():
        print(name + "".join(f" {k}={v!r}" for k, v in pairs), f"{value:.9g}")


def idle(port, n, seconds):
    held = [socket.create_connection(("127.0.0.1", int(port))) for _ in range(int(n))]
    time.sleep(float(seconds))
    del held


def journal(*command):
    ours, theirs = socket.socketpair()
    st = os.fstat(theirs.fileno())
    env = dict(os.environ, JOURNAL_STREAM=f"{st.st_dev}:{st.st_ino}")
    with subprocess.Popen(command, env=env, stderr=theirs, stdout=subprocess.DEVNULL):
        theirs.close()
        while part := ours.recv(65536):
            sys.stdout.buffer.write(part)


if __name__ == "__main__":
    {"listen": listen, "metrics": metrics, "idle": idle, "journal": journal}[sys.argv[1]](*sys.argv[2:])
