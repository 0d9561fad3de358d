#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Completion in shells knows every command, action and option that --help shows, and no other.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

commands=$("$gyr" --help | awk '/^Commands:/ { on = 1; next } !NF { on = 0 } on { print $1 }')
options() { # COMMAND
    "$gyr" "$1" --help | awk '/^Options:/ { on = 1; next } on' | grep -o -- '--[a-z][a-z-]*' | sort -u |
        while read -r o; do # not those that a help text mentions
            "$gyr" "$1" --help | grep -qE -- "^ +(-., )?$o( |\$)" && echo "$o"
        done
}
actions() { # COMMAND
    "$gyr" "$1" --help | sed -n "s/^\\(Usage:\\| *or:\\) gyr $1 \\([a-z|]*\\).*/\\2/p" | tr '|' '\n' | grep . | sort
}

# ---- bash ----
if command -v bash >/dev/null 2>&1; then
    "$gyr" completion bash >"$tmp/bash" && bash -n "$tmp/bash" 2>"$tmp/err"
    ok "bash takes the script"
    offered() { # WORD… (the last one is being written)
        bash --norc -c '. "$0"; COMP_WORDS=(gyr "$@"); COMP_CWORD=$#; _gyr; printf "%s\n" "${COMPREPLY[@]}"' \
            "$tmp/bash" "$@" 2>>"$tmp/err" | sort
    }
    { echo "$commands"; printf '%s\n' help --help --version; } | sort >"$tmp/want"
    offered '' >"$tmp/got"
    diff "$tmp/want" "$tmp/got" >>"$tmp/err"
    ok "bash: the commands"
    for c in $commands; do
        offered "$c" - >"$tmp/got"
        options "$c" | sort >"$tmp/want"
        diff "$tmp/want" "$tmp/got" >>"$tmp/err" || echo "$c: options" >>"$tmp/err"
        actions "$c" >"$tmp/want"
        [ -s "$tmp/want" ] || continue
        offered "$c" '' >"$tmp/got"
        diff "$tmp/want" "$tmp/got" >>"$tmp/err" || echo "$c: actions" >>"$tmp/err"
    done
    ! grep . "$tmp/err"
    ok "bash: options and actions of each command"
    : >"$tmp/some.yaml"
    [ "$(offered run -c "$tmp/so")" = "$tmp/some.yaml" ] && [ "$(offered run --config = "$tmp/so")" = "$tmp/some.yaml" ] &&
        [ "$(offered run --log-level no)" = notice ] && [ "$(offered replay --speed r)" = real ] &&
        [ -z "$(offered run --output '')" ] && [ "$(offered replay "$tmp/so")" = "$tmp/some.yaml" ]
    ok "bash: what an option takes"
else
    skip "there is no bash"
fi

# ---- zsh, fish: their own readers, and the same names ----
if command -v zsh >/dev/null 2>&1; then
    "$gyr" completion zsh >"$tmp/_gyr" && zsh -n "$tmp/_gyr" 2>"$tmp/err"
    ok "zsh takes the script"
else
    skip "there is no zsh: its script is not tried"
fi
if command -v fish >/dev/null 2>&1; then
    "$gyr" completion fish >"$tmp/gyr.fish" && fish --no-execute "$tmp/gyr.fish" 2>"$tmp/err"
    ok "fish takes the script"
    for c in $commands; do
        HOME=$tmp fish --no-config -c "source $tmp/gyr.fish; complete -C 'gyr $c --'" 2>>"$tmp/err" |
            sed -n 's/^\(--[a-z-]*\).*/\1/p' | grep -vx -- --help | sort >"$tmp/got"
        options "$c" | grep -vx -- --help | sort >"$tmp/want"
        diff "$tmp/want" "$tmp/got" >>"$tmp/err" || echo "$c" >>"$tmp/err"
    done
    ! grep . "$tmp/err"
    ok "fish: options of each command"
else
    skip "there is no fish: its script is not tried"
fi
for shell in zsh fish; do
    "$gyr" completion $shell >"$tmp/script"
    for c in $commands; do
        for o in $(options "$c" | grep -vx -- --help); do
            grep -qE -- "(--|-l )${o#--}\\>" "$tmp/script" || echo "$shell: $c $o"
        done
        grep -qE "^ +'$c:|-a $c " "$tmp/script" || echo "$shell: $c"
    done
done >"$tmp/err"
! grep . "$tmp/err"
ok "zsh, fish: each command and option is there"
"$gyr" completion tcsh 2>"$tmp/err"
[ $? -eq 2 ]
ok "another shell is wrong usage"
finish
