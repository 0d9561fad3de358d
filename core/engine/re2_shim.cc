/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/re2_shim.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <re2/re2.h>

namespace
{
/* Program and automata of one expression together. Past it re2 refuses the expression, or falls
 * back to a slower automaton while matching. */
constexpr int64_t MEMORY_MAX = 4 << 20;

/* How many bytes at @p s form one well-formed sequence; negative: so many (the longest start of a
 * sequence) stand for one U+FFFD, as Unicode recommends. */
int sequence(const unsigned char *s, size_t n)
{
    unsigned char lo = 0x80, hi = 0xbf;
    int want;

    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return -1;
    want = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (s[0] == 0xe0)
        lo = 0xa0;
    else if (s[0] == 0xed)
        hi = 0x9f;
    else if (s[0] == 0xf0)
        lo = 0x90;
    else if (s[0] == 0xf4)
        hi = 0x8f;
    for (int i = 1; i < want; i++) {
        if ((size_t)i >= n || s[i] < lo || s[i] > hi)
            return -i;
        lo = 0x80;
        hi = 0xbf;
    }
    return want;
}

bool is_utf8(const unsigned char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        int k = sequence(s + i, n - i);

        if (k < 0)
            return false;
        i += (size_t)k;
    }
    return true;
}

/* @p out has room for 3n bytes. */
size_t repair(const unsigned char *s, size_t n, char *out)
{
    size_t o = 0;

    for (size_t i = 0; i < n;) {
        int k = sequence(s + i, n - i);

        if (k < 0) {
            memcpy(out + o, "\xef\xbf\xbd", 3);
            o += 3;
            i += (size_t)-k;
        } else {
            memcpy(out + o, s + i, (size_t)k);
            o += (size_t)k;
            i += (size_t)k;
        }
    }
    return o;
}

bool match(const re2::RE2 &re, const char *s, size_t n)
{
    return re.Match(re2::StringPiece(s, n), 0, n, re2::RE2::ANCHOR_BOTH, nullptr, 0);
}
} // namespace

struct regex {
    explicit regex(const re2::StringPiece &pattern, const re2::RE2::Options &opt) : re(pattern, opt)
    {
    }
    re2::RE2 re;
};

struct regex *regex_new(const char *s, size_t n, char *msg, size_t cap)
{
    try {
        re2::RE2::Options opt(re2::RE2::POSIX);
        struct regex *r;

        opt.set_log_errors(false);
        opt.set_max_mem(MEMORY_MAX);
        r = new regex(re2::StringPiece(s, n), opt);
        if (r->re.ok())
            return r;
        (void)snprintf(msg, cap, "%s", r->re.error().c_str());
        delete r;
    } catch (...) {
        (void)snprintf(msg, cap, "out of memory");
    }
    return nullptr;
}

void regex_free(struct regex *re)
{
    delete re;
}

int regex_match(const struct regex *re, const char *s, size_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    char small[3072], *fixed = small;
    int r = 0;

    try {
        if (is_utf8(u, n))
            return match(re->re, s, n);
        /* Rare (a hostile file name): only a long one costs an allocation. */
        if (n > sizeof(small) / 3)
            fixed = (char *)malloc(3 * n);
        if (fixed)
            r = match(re->re, fixed, repair(u, n, fixed));
    } catch (...) {
        r = 0;
    }
    if (fixed != small)
        free(fixed);
    return r;
}

int regex_can_replace(const struct regex *re, const char *with, char *msg, size_t cap)
{
    try {
        std::string why;

        if (re->re.CheckRewriteString(with, &why))
            return 1;
        (void)snprintf(msg, cap, "%s", why.c_str());
    } catch (...) {
        (void)snprintf(msg, cap, "out of memory");
    }
    return 0;
}

int regex_replace(const struct regex *re, const char *s, size_t n, const char *with, char **ret,
                  size_t *ret_len)
{
    const unsigned char *u = (const unsigned char *)s;
    char *fixed = nullptr;
    int r = -1;

    try {
        std::string text;

        if (is_utf8(u, n)) {
            text.assign(s, n);
        } else {
            fixed = (char *)malloc(3 * n);
            if (!fixed)
                return -1;
            text.assign(fixed, repair(u, n, fixed));
        }
        r = re2::RE2::GlobalReplace(&text, re->re, with) > 0;
        if (r) {
            *ret = (char *)malloc(text.size() + 1);
            if (*ret) {
                memcpy(*ret, text.c_str(), text.size() + 1);
                *ret_len = text.size();
            } else {
                r = -1;
            }
        }
    } catch (...) {
        r = -1;
    }
    free(fixed);
    return r;
}
