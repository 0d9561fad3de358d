/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

size_t utf8_len(const char *str, size_t n)
{
    const unsigned char *s = (const unsigned char *)str;
    size_t k;

    if (n == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    k = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (n < k)
        return 0;
    for (size_t i = 1; i < k; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    /* No overlong forms, no surrogates, nothing above U+10FFFF. */
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return k;
}

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

void text_defuse(char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_control((unsigned char)s[i]))
            s[i] = '?';
}

void text_add_safe(struct buf *b, const char *s, size_t n)
{
    size_t i = 0, from = 0, k;

    while (i < n && !b->failed) {
        unsigned char c = (unsigned char)s[i];

        k = utf8_len(s + i, n - i);
        if (k && !is_control(c) && !(k == 2 && c == 0xc2 && (unsigned char)s[i + 1] < 0xa0)) {
            i += k;
            continue;
        }
        buf_add(b, s + from, i - from);
        if (k == 0)
            buf_adds(b, "\xef\xbf\xbd");
        else
            buf_addf(b, "\\x%02x", k == 1 ? c : (unsigned char)s[i + 1]);
        i += k ? k : 1;
        from = i;
    }
    buf_add(b, s + from, n - from);
}
