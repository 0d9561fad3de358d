# SPDX-License-Identifier: Apache-2.0
# SDK headers in, a C program out that prints the size, alignment and member offsets of every struct
# and the value of every enumerator. It knows as much C as those headers use, and stops at what it
# does not know: a struct must not be left out quietly.
function stop(what) { print FILENAME ": " what > "/dev/stderr"; failed = 1; exit 1 }

# The names a declaration declares: "const char *a, *b" -> a, b; "int (*f)(void *)" -> f.
function members(decl, where,    parts, n, i, s) {
    if (match(decl, /\(\*[A-Za-z_0-9]+\)/)) {
        member(where, substr(decl, RSTART + 2, RLENGTH - 3)); return
    }
    n = split(decl, parts, ",")
    for (i = 1; i <= n; i++) {
        s = parts[i]
        sub(/\[.*$/, "", s); sub(/[ ]+$/, "", s)
        if (!match(s, /[A-Za-z_][A-Za-z_0-9]*$/)) stop("cannot read member '" decl "'")
        member(where, substr(s, RSTART))
    }
}
function member(where, name) { print "    MEMBER(" where ", " name ");" }

function enumerators(body,    parts, n, i, s) {
    n = split(body, parts, ",")
    for (i = 1; i <= n; i++) {
        s = parts[i]
        sub(/=.*$/, "", s); gsub(/[ ]/, "", s)
        if (s != "") print "    NUMBER(" s ");"
    }
}

function structure(name, body,    decl, depth, i, c, close_at) {
    print "    STRUCT(" name ");"
    decl = ""; depth = 0
    for (i = 1; i <= length(body); i++) {
        c = substr(body, i, 1)
        if (c == "{") depth++
        if (c == "}") { depth--; if (depth == 0) { decl = ""; continue } }
        if (depth) continue
        if (c != ";") { decl = decl c; continue }
        gsub(/^[ ]+|[ ]+$/, "", decl)
        if (decl != "") members(decl, name)
        decl = ""
    }
}

{ text = text " " ($0 ~ /^[ ]*#/ || cont ? "" : $0); cont = (($0 ~ /^[ ]*#/ || cont) && $0 ~ /\\$/) }

END {
    if (failed) exit 1
    while (match(text, /\/\*([^*]|\*+[^*\/])*\*+\//))
        text = substr(text, 1, RSTART - 1) " " substr(text, RSTART + RLENGTH)
    gsub(/[ \t]+/, " ", text)
    while (match(text, /(struct gyr_[a-z_]+|enum) \{/)) {
        head = substr(text, RSTART, RLENGTH - 2)
        text = substr(text, RSTART + RLENGTH)
        depth = 1
        for (i = 1; depth && i <= length(text); i++) {
            c = substr(text, i, 1)
            depth += (c == "{") - (c == "}")
        }
        if (depth) stop("braces do not match after " head)
        body = substr(text, 1, i - 2); text = substr(text, i)
        if (head == "enum") enumerators(body)
        else structure(substr(head, 8), body)
        n++
    }
    if (!n) stop("no struct found")
}
