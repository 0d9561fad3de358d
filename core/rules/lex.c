/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/lex.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '\b';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(char c)
{
    return is_alpha(c) || is_digit(c) || c == '_';
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool none_of(char c, const char *stop)
{
    return !is_blank(c) && (c == '\0' || !strchr(stop, c));
}

/* Take what lies between the cursor and @p end. */
static bool take(struct lexer *l, uint32_t end, struct token *ret)
{
    *ret = (struct token){l->at, end - l->at};
    l->at = end;
    return ret->len > 0;
}

static uint32_t word_end(const struct lexer *l, uint32_t i)
{
    if (i >= l->len || !is_alpha(l->p[i]))
        return i;
    while (i < l->len && is_word(l->p[i]))
        i++;
    return i;
}

struct lexer lex_begin(const char *p, uint32_t len)
{
    struct lexer l = {p, len, 0};

    while (l.len && is_blank(p[l.len - 1]))
        l.len--;
    (void)lex_blank(&l);
    return l;
}

bool lex_blank(struct lexer *l)
{
    uint32_t from = l->at;

    while (l->at < l->len && is_blank(l->p[l->at]))
        l->at++;
    return l->at > from;
}

bool lex_char(struct lexer *l, char c)
{
    if (l->at >= l->len || l->p[l->at] != c)
        return false;
    l->at++;
    return true;
}

bool lex_identifier(struct lexer *l, struct token *ret)
{
    return take(l, word_end(l, l->at), ret);
}

bool lex_word(struct lexer *l, const char *word)
{
    uint32_t end = word_end(l, l->at);
    size_t n = strlen(word);

    if (end - l->at != n || memcmp(l->p + l->at, word, n) != 0)
        return false;
    l->at = end;
    return true;
}

bool lex_field(struct lexer *l, struct token *ret)
{
    uint32_t end = word_end(l, l->at), next;
    bool has_dot = false;

    while (end > l->at && end < l->len && l->p[end] == '.') {
        next = word_end(l, end + 1);
        if (next == end + 1)
            break;
        end = next;
        has_dot = true;
    }
    return has_dot && take(l, end, ret);
}

bool lex_arg(struct lexer *l, struct token *ret)
{
    uint32_t end = l->at;

    while (end < l->len && none_of(l->p[end], "[]\"'"))
        end++;
    return take(l, end, ret);
}

bool lex_bare(struct lexer *l, struct token *ret)
{
    uint32_t end = l->at;

    while (end < l->len && none_of(l->p[end], "()\"'=,"))
        end++;
    return take(l, end, ret);
}

static uint32_t digits_end(const struct lexer *l, uint32_t i)
{
    while (i < l->len && is_digit(l->p[i]))
        i++;
    return i;
}

bool lex_number(struct lexer *l, struct token *ret)
{
    const char *p = l->p;
    uint32_t i = l->at, end;

    if (i + 2 < l->len && p[i] == '0' && (p[i + 1] | 0x20) == 'x' && hex_digit(p[i + 2]) >= 0) {
        for (i += 2; i < l->len && hex_digit(p[i]) >= 0; i++)
            ;
        return take(l, i, ret);
    }
    if (i < l->len && (p[i] == '-' || p[i] == '+'))
        i++;
    end = digits_end(l, i);
    if (end == i)
        return false;
    if (end < l->len && p[end] == '.')
        end = digits_end(l, end + 1);
    if (end + 1 < l->len && (p[end] | 0x20) == 'e' && (p[end + 1] == '-' || p[end + 1] == '+')) {
        i = digits_end(l, end + 2);
        if (i > end + 2)
            end = i;
    }
    return take(l, end, ret);
}

bool lex_comparator(struct lexer *l, struct token *ret)
{
    uint32_t end = l->at;

    if (end < l->len && strchr("=!<>", l->p[end]) && l->p[end]) {
        end++;
        if (end < l->len && l->p[end] == '=')
            end++;
        return take(l, end, ret);
    }
    return take(l, word_end(l, end), ret);
}

/* The character that an escape stands for; -1: none. Not for quotes and \x. */
static int escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case '/':
        return '/';
    case '\\':
    case ' ': /* "\ " is a backslash in Falco: its users' rules lean on it */
        return '\\';
    default:
        return -1;
    }
}

/* One escape, the cursor after its backslash. @return the character, or -EINVAL. */
static int undo_escape(struct lexer *l, char quote, struct gyr_error *err)
{
    char c = lex_peek(l);
    int hi, lo, r;

    if (c == quote || c == '"' || c == '\'') {
        if (c != quote)
            return gyr_fail(err, -EINVAL, "\\%c is no escape between %c quotes", c, quote);
        l->at++;
        return (unsigned char)c;
    }
    if (c == 'x') {
        hi = l->at + 2 < l->len ? hex_digit(l->p[l->at + 1]) : -1;
        lo = l->at + 2 < l->len ? hex_digit(l->p[l->at + 2]) : -1;
        if (hi < 0 || lo < 0)
            return gyr_fail(err, -EINVAL, "\\x needs two hexadecimal digits");
        l->at += 3;
        return hi * 16 + lo;
    }
    r = escape(c);
    if (r < 0)
        return gyr_fail(err, -EINVAL, "unknown escape '\\%.*s'; a backslash itself is '\\\\'",
                        (int)utf8_len(l->p + l->at, l->len - l->at), l->p + l->at);
    l->at++;
    return r;
}

int lex_quoted(struct lexer *l, struct arena *arena, const char **ret, uint32_t *ret_len,
               struct gyr_error *err)
{
    uint32_t from = l->at, end, n = 0;
    char quote = lex_peek(l), *s;
    int c;

    if (quote != '"' && quote != '\'')
        return 0;
    for (end = from + 1; end < l->len && l->p[end] != quote; end++)
        if (l->p[end] == '\\')
            end++;
    if (end >= l->len)
        return gyr_fail(err, -EINVAL, "this %c quote is not closed", quote);
    s = arena_alloc(arena, end - from);
    if (!s)
        return gyr_fail(err, -ENOMEM, "out of memory");
    l->at++;
    while (l->at < end) {
        c = (unsigned char)l->p[l->at++];
        if (c == '\\') {
            l->at--;
            from = l->at++;
            c = undo_escape(l, quote, err);
            if (c < 0) {
                l->at = from;
                return c;
            }
        }
        s[n++] = (char)c;
    }
    l->at = end + 1;
    *ret = s;
    *ret_len = n;
    return 1;
}

struct token lex_what(const struct lexer *l)
{
    struct lexer copy = *l;
    struct token t;
    size_t k;

    if (!lex_bare(&copy, &t) && lex_at_end(&copy))
        return (struct token){l->len, 0};
    if (!t.len) {
        char c = l->p[l->at];
        const char *close =
            c == '"' || c == '\'' ? memchr(l->p + l->at + 1, c, l->len - l->at - 1) : NULL;

        k = utf8_len(l->p + l->at, l->len - l->at);
        t = (struct token){l->at, close && close > l->p + l->at + 1
                                      ? (uint32_t)(close + 1 - l->p) - l->at
                                  : k ? (uint32_t)k
                                      : 1};
    }
    if (t.len > 40)
        t.len = 40;
    return t;
}
