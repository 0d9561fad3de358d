/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/glob.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <string.h>

static unsigned char fold(char c, bool icase)
{
    return (unsigned char)(icase && c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static bool in_class(const char *name, size_t n, unsigned char c, bool icase, bool *ret_known)
{
    static const struct {
        const char *name;
        int (*is)(int);
    } classes[] = {
        {"alpha", isalpha}, {"digit", isdigit}, {"alnum", isalnum}, {"upper", isupper},
        {"lower", islower}, {"space", isspace}, {"blank", isblank}, {"punct", ispunct},
        {"print", isprint}, {"graph", isgraph}, {"cntrl", iscntrl}, {"xdigit", isxdigit},
    };

    *ret_known = false;
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        if (strlen(classes[i].name) == n && memcmp(classes[i].name, name, n) == 0) {
            *ret_known = true;
            return c < 0x80 && (classes[i].is(c) || (icase && classes[i].is(toupper(c))));
        }
    return false;
}

/* A cursor over the inside of a bracket expression. */
struct bracket {
    const char *p, *end;
    unsigned char c; /* the character tested */
    bool icase, bad; /* bad: ill-formed, matches nothing */
};

/* [:alpha:], [=a=] or [.a.] at the cursor, which stands behind its '['.
 * @return 1: it matches, 0: it does not, -1: it is none of these. For [.a.], @p ret_char. */
static int special(struct bracket *b, unsigned char *ret_char, bool *ret_is_char)
{
    const char *q = b->p + 1;
    char kind = *b->p;
    bool known, hit;

    *ret_is_char = false;
    while (q + 1 < b->end && !(q[0] == kind && q[1] == ']')) {
        if (kind == ':' && !(*q >= 'a' && *q < 'z'))
            return -1;
        q++;
    }
    if (q + 1 >= b->end)
        return -1;
    if (kind == ':') {
        hit = in_class(b->p + 1, (size_t)(q - b->p - 1), b->c, b->icase, &known);
        b->bad |= !known;
    } else {
        known = q - b->p == 2;
        b->bad |= !known;
        *ret_char = fold(b->p[1], b->icase);
        *ret_is_char = kind == '.';
        hit = known && b->c == *ret_char;
    }
    b->p = q + 2;
    return hit;
}

/* One literal character, with its backslash. @return false at the end of the pattern. */
static bool literal(struct bracket *b, unsigned char *ret)
{
    if (b->p < b->end && *b->p == '\\')
        b->p++;
    if (b->p >= b->end)
        return false;
    *ret = fold(*b->p++, b->icase);
    return true;
}

/* @p pat stands behind '['. @return bytes of the expression behind it, 0 when it has no end. */
static size_t bracket(const char *pat, size_t n, unsigned char c, bool icase, bool *ret_match)
{
    struct bracket b = {pat, pat + n, c, icase, false};
    bool negate = n && (*b.p == '!' || *b.p == '^'), hit = false, is_char;
    unsigned char lo, hi;
    int r;

    b.p += negate;
    for (bool first = true;; first = false) {
        if (b.p >= b.end)
            return 0;
        if (*b.p == ']' && !first)
            break;
        if (*b.p == '[' && b.p + 1 < b.end && strchr(":=.", b.p[1])) {
            b.p++;
            r = special(&b, &lo, &is_char);
            if (r < 0)
                lo = '[';
            else if (!is_char) {
                hit |= r == 1;
                continue;
            }
        } else if (!literal(&b, &lo)) {
            return 0;
        }
        hi = lo;
        if (b.p + 1 < b.end && b.p[0] == '-' && b.p[1] != ']') {
            b.p++;
            if (*b.p == '[' && b.p + 1 < b.end && b.p[1] == '.') {
                b.p++;
                if (special(&b, &hi, &is_char) < 0)
                    hi = '[';
            } else if (!literal(&b, &hi)) {
                return 0;
            }
        }
        hit |= lo <= c && c <= hi;
    }
    *ret_match = !b.bad && hit != negate;
    return (size_t)(b.p + 1 - pat);
}

/* Does the element at @p pat (no star) match @p c? @return its length, 0: no. */
static size_t element(const char *pat, size_t n, char c, bool icase)
{
    bool match;
    size_t k;

    switch (*pat) {
    case '?':
        return 1;
    case '[':
        k = bracket(pat + 1, n - 1, fold(c, icase), icase, &match);
        if (k)
            return match ? k + 1 : 0;
        break;
    case '\\':
        return n > 1 && fold(pat[1], icase) == fold(c, icase) ? 2 : 0;
    default:
        break;
    }
    return fold(*pat, icase) == fold(c, icase);
}

/* After a star, the next place where the literal behind it stands. @return n: nowhere. */
static size_t skip_to(const char *s, size_t i, size_t n, char c, bool icase)
{
    const char *at;

    if (icase || c == '?' || c == '[' || c == '\\' || c == '*')
        return i;
    at = i < n ? memchr(s + i, c, n - i) : NULL;
    return at ? (size_t)(at - s) : n;
}

bool glob_match(const char *pat, size_t pat_len, const char *s, size_t n, bool icase)
{
    size_t p = 0, i = 0, star = 0, mark = 0, k;

    while (i < n) {
        if (p < pat_len && pat[p] == '*') {
            star = ++p;
            if (p == pat_len)
                return true;
            i = mark = skip_to(s, i, n, pat[p], icase);
            continue;
        }
        k = p < pat_len ? element(pat + p, pat_len - p, s[i], icase) : 0;
        if (k) {
            p += k;
            i++;
            continue;
        }
        if (!star)
            return false;
        p = star;
        i = mark = skip_to(s, mark + 1, n, pat[p], icase);
    }
    while (p < pat_len && pat[p] == '*')
        p++;
    return p == pat_len;
}
