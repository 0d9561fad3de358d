# SPDX-License-Identifier: Apache-2.0
# awk -v grows="NAME NAME…" -f grown.awk FROZEN NOW: is the layout NOW that of FROZEN, or grown from
# it as the ABI allows? Members are only added at the end of structs that grow, numbers only added.
# Prints what is not allowed; exit status 1 then.
function tell(what) { print what; bad = 1 }
BEGIN { n = split(grows, g, " "); for (i = 1; i <= n; i++) may_grow[g[i]] = 1 }
FNR == 1 { file++; name = "" }
/^ABI / { next }
/^struct / { name = $2; sub(/:$/, "", name) }
# the members of a struct, in their order: a row is "OFFSET SIZE NAME"
/^struct / {
    if (file == 1) { was[name] = $3; aligned[name] = $NF }
    else { now[name] = $3; if (name in was && aligned[name] != $NF) tell("struct " name ": another alignment") }
    next
}
/^ / {
    if (file == 1) members[name, ++count[name]] = $1 " " $2 " " $3
    else row[name, ++rows[name]] = $1 " " $2 " " $3
    next
}
/ = / {
    if (file == 1) number[$1] = $3
    else { have[$1] = 1; if ($1 in number && number[$1] != $3) tell($1 " was " number[$1] " and is " $3) }
}
END {
    for (s in was) {
        if (!(s in now)) { tell("struct " s " is gone"); continue }
        for (i = 1; i <= count[s]; i++)
            if (members[s, i] != row[s, i])
                tell("struct " s ": member " i " was \"" members[s, i] "\" and is \"" row[s, i] "\"")
        if (!(s in may_grow) && (now[s] != was[s] || rows[s] != count[s]))
            tell("struct " s " is frozen and has changed")
        if (now[s] + 0 < was[s] + 0) tell("struct " s " has shrunk")
    }
    for (e in number) if (!(e in have)) tell(e " is gone")
    exit bad
}
