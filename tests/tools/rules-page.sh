#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# rules-page.sh: docs/rules-coverage.md on stdout, made from rules/*.yaml and tests/rules/behaviours.tsv:
# what the rules we ship cover, by tactic, technique and behaviour; what may set each of them off by
# mistake; which lists tune it.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1

# One line for each rule: name, priority, off, tags, description, false positives, lists; parted by tabs.
facts() {
    awk '
        function names(text, into,   rest) { # words that may be a list or a macro
            rest = text
            gsub(/"[^"]*"/, " ", rest)
            gsub(/[^A-Za-z0-9_]+/, " ", rest)
            split(rest, into, " ")
        }
        function collect(text, depth,   words, i) { # the lists in it, macros opened
            names(text, words)
            for (i in words)
                if (words[i] in is_list) all[words[i]] = 1
                else if ((words[i] in macro) && depth < 9) collect(macro[words[i]], depth + 1)
        }
        function close_key() {
            gsub(/^ +| +$/, "", value)
            if (item == "rule") fact[n, key] = value
            else if (item == "macro" && key == "condition") macro[name] = value
            key = value = ""
        }
        /^- [a-z]+: / {
            close_key()
            item = substr($2, 1, length($2) - 1)
            name = substr($0, length(item) + 5)
            if (item == "rule") rule[++n] = name
            if (item == "list") is_list[name] = 1
            next
        }
        /^  # / && item == "rule" && key == "" {
            sub(/^  # (False positives: )?/, "")
            why[n] = why[n] (why[n] == "" ? "" : " ") $0
            next
        }
        /^  [a-z]+:/ {
            close_key()
            key = substr($1, 1, length($1) - 1)
            value = $0
            sub(/^  [a-z]+: *[>|]?-?/, "", value)
            next
        }
        /^    / { gsub(/^ +/, " "); value = value $0; next }
        /^[^ ]/ { close_key() }
        END {
            close_key()
            for (i = 1; i <= n; i++) {
                split("", all)
                collect(fact[i, "condition"], 0)
                tune = ""
                k = 0
                for (l in all) sorted[++k] = l
                for (a = 2; a <= k; a++)
                    for (b = a; b > 1 && sorted[b] < sorted[b - 1]; b--) {
                        t = sorted[b]; sorted[b] = sorted[b - 1]; sorted[b - 1] = t
                    }
                for (a = 1; a <= k; a++) tune = tune (a > 1 ? ", " : "") "`" sorted[a] "`"
                gsub(/[][]/, "", fact[i, "tags"])
                printf "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", rule[i], tolower(fact[i, "priority"]),
                    fact[i, "enabled"] == "false" ? "off" : "", fact[i, "tags"], fact[i, "desc"], why[i], tune
            }
        }' rules/*.yaml
}

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
facts >"$tmp/facts"

cat <<'END'
# What the rules cover

Made by `make rules-page` from `rules/*.yaml` and `tests/rules/behaviours.tsv`: do not edit. A test says when it is out of date.

END
awk -F '\t' '
    { rules++; off += $3 != ""; m = split($4, tag, ", ")
      for (i = 1; i <= m; i++) if (tag[i] ~ /^T[0-9]/) technique[tag[i]] = 1; else if (tag[i] ~ /^mitre_/) tactic[tag[i]] = 1 }
    END { for (i in technique) t++; for (i in tactic) c++
          printf "%d rules (%d off until tuned) for %d techniques of %d tactics of MITRE ATT&CK.\n\n", rules, off, t, c }' "$tmp/facts"

printf '## By tactic and technique\n\n| tactic | technique | rules |\n| --- | --- | --- |\n'
awk -F '\t' -v OFS='\t' '
    { m = split($4, tag, ", "); tactic = ""
      for (i = 1; i <= m; i++) if (tag[i] ~ /^mitre_/) { tactic = substr(tag[i], 7); gsub(/_/, " ", tactic) }
      for (i = 1; i <= m; i++) if (tag[i] ~ /^T[0-9]/) print tactic, tag[i], $1 }' "$tmp/facts" |
    sort -t "$(printf '\t')" -k 1,2 -s | awk -F '\t' '
    function flush() { if (id != "") printf "| %s | [%s](https://attack.mitre.org/techniques/%s/) | %s |\n", tactic, id, url, rules }
    { if ($1 != tactic || $2 != id) { flush(); rules = ""; tactic = $1; id = $2; url = id; sub(/\./, "/", url) }
      rules = rules (rules == "" ? "" : "; ") $3 }
    END { flush() }'

printf '\n## By behaviour\n\nWhat the stable and incubating rules of Falco tell of, and which of ours do.\n\n| behaviour | rules |\n| --- | --- |\n'
awk -F '\t' '!/^#/ { printf "| %s | %s |\n", $1, $2 }' tests/rules/behaviours.tsv

# shellcheck disable=SC2016 # that is no expression
printf '\n## Rule by rule\n\nA program named in a list counts only where it belongs, as `rules/README.md` has it.\n\n'
printf '| rule | priority | what it tells | false positives | lists to tune |\n| --- | --- | --- | --- | --- |\n'
awk -F '\t' '{ printf "| %s | %s%s | %s | %s | %s |\n", $1, $2, $3 == "" ? "" : ", off", $5, $6, $7 == "" ? "none: an exception" : $7 }' "$tmp/facts"
