#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""thin.py CAPTURE: make a recording small, in place, without what no rule can tell of.

Left out are what others did meanwhile, of which the recording has the state alone; closing; opening, for
reading, what everybody may read below the folders of the system; and calls of which an event has the name
alone, but for those that a rule names."""
import gzip
import re
import struct
import sys

EVENT, EVENT_FLAGGED = 0x216, 0x217
DULL = (b"/usr/lib/", b"/usr/share/", b"/usr/include/", b"/lib/", b"/var/lib/dpkg/info/", b"/etc/ld.so.cache\0", b"/etc/passwd\0", b"/etc/group\0",
        b"/usr/local/lib/", b"/usr/local/share/", b"/usr/local/include/")
TOLD = {"fsopen", "fsmount", "open_tree", "move_mount", "process_vm_writev"}  # calls without an event type that rules name
GENERIC = 1
WRITES = 0x2 | 0x4 | 0x100  # O_WRONLY, O_CREAT, O_TRUNC as captures have them


def names_in(path, pattern):
    with open("plugins/common/syscall/" + path, encoding="utf-8") as f:
        return {int(m[1]): m[2] for m in re.finditer(pattern, f.read(), re.M)}


def params(event):
    n, = struct.unpack_from("<I", event, 22)
    lens = struct.unpack_from("<%dH" % n, event, 26)
    at = 26 + 2 * n
    for size in lens:
        yield event[at:at + size]
        at += size


def is_dull(name, event):
    if name == "close":
        return True
    if name not in ("open", "openat"):
        return False
    p = list(params(event))
    path, flags = (p[1], p[2]) if name == "open" else (p[2], p[3])
    if len(flags) != 4 or struct.unpack("<I", flags)[0] & WRITES or b"../" in path:
        return False
    return path.startswith(DULL) or path.endswith(b".gz\0") and not path.startswith(b"/")  # pages of mandb


def kept(data):
    names = names_in("events.def", r'^EVENT\((\d+), \w+, "(\w+)"')
    calls = names_in("calls.def", r'^CALL\((\d+), "(\w+)"\)')
    at = 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        block = data[at:at + size]
        at += size
        if kind in (EVENT, EVENT_FLAGGED):
            event = block[10:]
            number = struct.unpack_from("<H", event, 20)[0]
            if kind == EVENT_FLAGGED or is_dull(names.get(number, ""), event):
                continue
            if number == GENERIC and calls.get(struct.unpack("<H", next(params(event)))[0]) not in TOLD:
                continue
        yield block


def main(path):
    with gzip.open(path) as f:
        data = f.read()
    with gzip.GzipFile(path, "wb", 9, mtime=0) as f:
        f.write(b"".join(kept(data)))


if __name__ == "__main__":
    main(sys.argv[1])
