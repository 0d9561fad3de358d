#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench-rules.sh KIND COUNT: a rule file of COUNT rules that no event of a capture should match.
# KIND says why they cannot: `type`: they ask for system calls that hardly occur; the others look at
# every open and exec, or at every event, and their constants are not there. `mixed`: these,
# in turns.
set -eu
kind=${1:?a kind} count=${2:?how many}
awk -v kind="$kind" -v count="$count" 'BEGIN {
    n = split("equal in startswith pmatch contains endswith or deep every", kinds, " ")
    split("ptrace mount umount2 setns init_module bpf userfaultfd pivot_root", types, " ")
    open = "evt.type in (open, openat, openat2) and evt.is_open_read = true and "
    exec = "evt.type in (execve, execveat) and "
    for (i = 1; i <= count; i++) {
        k = kind == "mixed" ? kinds[i % n + 1] : kind
        f = i % 2 ? "proc.name" : "proc.pname"
        if (k == "type")
            c = sprintf("evt.type = %s and proc.name != tool%d and not fd.name startswith /opt/%d/",
                        types[i % 8 + 1], i, i)
        else if (k == "equal")
            c = open sprintf("%s = tool%d", f, i)
        else if (k == "in")
            c = open sprintf("%s in (tool%d, kit%d, aid%d) and fd.typechar = f", f, i, i, i)
        else if (k == "startswith")
            c = open sprintf("fd.name startswith /opt/app%d/", i)
        else if (k == "pmatch")
            c = open sprintf("fd.name pmatch (/srv/app%d/etc, /opt/app%d, /mnt/app%d/keys)", i, i, i)
        else if (k == "contains")
            c = open sprintf("fd.name contains token%d", i)
        else if (k == "endswith")
            c = open sprintf("fd.name endswith .ext%d", i)
        else if (k == "or")
            c = open sprintf("(proc.name = tool%d or proc.pname in (kit%d, aid%d) or " \
                             "fd.name startswith /opt/app%d/ or fd.name endswith /key%d)",
                             i, i, i, i, i)
        else if (k == "deep")
            c = exec sprintf("not proc.name in (bash, sh) and (proc.pname = tool%d or " \
                             "(proc.name = kit%d and proc.args contains \"--flag%d\") or " \
                             "proc.exepath pmatch (/opt/app%d))", i, i, i, i)
        else if (k == "every")
            c = sprintf("proc.name = tool%d or proc.pname = kit%d", i, i)
        else {
            printf "unknown kind: %s\n", k > "/dev/stderr"
            exit 2
        }
        printf "- rule: %s %d\n  desc: for the benchmark\n  priority: notice\n", k, i
        printf "  condition: %s\n", c
        printf "  output: \"%%proc.name %%fd.name %%proc.cmdline\"\n"
    }
}'
