/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/recover.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* "&&", "AND": @return which word was meant, and how long what stands there is; NULL: none. */
static const char *meant(const struct lexer *l, uint32_t *ret_len)
{
    static const char *const signs[][2] = {{"&&", "and"}, {"||", "or"}, {"&", "and"}, {"|", "or"}};
    const char *s = l->p + l->at;
    struct lexer copy = *l;
    struct token t;

    if (lex_identifier(&copy, &t)) {
        *ret_len = t.len;
        if (t.len == 3 && strncasecmp(s, "and", 3) == 0)
            return "and";
        return t.len == 2 && strncasecmp(s, "or", 2) == 0 ? "or" : NULL;
    }
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        *ret_len = (uint32_t)strlen(signs[i][0]);
        if (l->len - l->at >= *ret_len && memcmp(s, signs[i][0], *ret_len) == 0)
            return signs[i][1];
    }
    return NULL;
}

/* Behind the quote that closes the one at the cursor; the end: there is none. */
static uint32_t quote_end(const struct lexer *l)
{
    uint32_t i = l->at + 1;

    for (; i < l->len && l->p[i] != l->p[l->at]; i++)
        if (l->p[i] == '\\')
            i++;
    return i < l->len ? i + 1 : l->len;
}

/* Step over a word, a quoted text or a single character. */
static void step(struct lexer *l)
{
    struct token t;

    if (lex_peek(l) == '"' || lex_peek(l) == '\'')
        l->at = quote_end(l);
    else if (!lex_bare(l, &t))
        l->at++;
}

/* Where parentheses are even again, what follows is a comparison of its own. A closing one that
 * belongs to no group most likely lacks its opening one, which the error was about. */
static uint32_t next_joint(const struct parser *p, uint32_t from, uint32_t depth)
{
    struct lexer l = p->lex;
    uint32_t open = 0, len;

    l.at = from;
    while (lex_blank(&l), !lex_at_end(&l)) {
        char c = lex_peek(&l);

        if (open == 0 && ((c == ')' && depth > 0) || (l.at >= p->err_at && meant(&l, &len))))
            break;
        open += c == '(';
        open -= c == ')' && open > 0;
        step(&l);
    }
    return l.at;
}

/* "and and or": no more than one comparison is missing there. */
static bool is_told(const struct parser *p)
{
    struct lexer l = p->lex;
    uint32_t len;

    l.at = p->told_at;
    while (p->n_told && l.at < p->err_at && meant(&l, &len)) {
        l.at += len;
        (void)lex_blank(&l);
    }
    return p->n_told && l.at == p->err_at;
}

bool recover(struct parser *p, uint32_t from, uint32_t depth)
{
    if (p->err.code != -EINVAL || p->n_told == SYNTAX_ERRORS_MAX)
        return false;
    if (!is_told(p)) {
        diag_error(p->d, text_loc(p->text, p->err_at), "%s: %s", p->text->what, p->err.msg);
        p->n_told++;
    }
    p->told_at = p->err_at;
    p->err = (struct gyr_error){0};
    p->depth = depth;
    p->lex.at = p->is_hopeless ? p->lex.len : next_joint(p, from, depth);
    p->is_cut = lex_at_end(&p->lex);
    return true;
}

/* The word at the cursor, written right, or wrong and told. */
static const char *joint_at(const struct parser *p, uint32_t *ret_len)
{
    const char *word = meant(&p->lex, ret_len), *s = p->lex.p + p->lex.at;
    bool is_right = word && strlen(word) == *ret_len && memcmp(word, s, *ret_len) == 0;

    return is_right || (p->n_told && p->told_at == p->lex.at) ? word : NULL;
}

void *recover_comment(struct parser *p)
{
    p->is_hopeless = true;
    return operand_fail(p, p->lex.at,
                        "'#' begins no comment in the middle of a text: put it above the key");
}

/* @param ret_doubt the operand before may not be what was meant. */
static void *leftover(struct parser *p, bool *ret_doubt)
{
    struct token t = lex_what(&p->lex);
    const char *s = p->lex.p + t.off, *word;
    uint32_t len;

    if (*s == ')')
        return operand_fail(p, t.off, "this ')' closes nothing");
    if (*s == '#')
        return recover_comment(p);
    for (uint32_t i = 1; i < p->text->n_parts; i++)
        if (p->text->parts[i].off == t.off)
            return operand_fail(p, t.off,
                                "what is appended to a condition begins with 'and' or 'or', not "
                                "'%.*s'",
                                (int)t.len, s);
    word = meant(&p->lex, &len);
    if (word)
        return operand_fail(p, t.off, "expected 'and' or 'or', not '%.*s'; did you mean '%s'?",
                            (int)t.len, s, word);
    *ret_doubt = true;
    return operand_expected(p, p->depth ? "'and', 'or' or ')'" : "'and', 'or' or the end");
}

bool recover_joint(struct parser *p)
{
    bool doubt = false;
    uint32_t len;

    while (!p->err.code) {
        (void)lex_blank(&p->lex);
        if (lex_at_end(&p->lex) || (lex_peek(&p->lex) == ')' && p->depth) || joint_at(p, &len))
            break;
        (void)leftover(p, &doubt);
        if (!recover(p, p->lex.at, p->depth))
            break;
    }
    return !doubt;
}

bool recover_word(struct parser *p, const char *word)
{
    uint32_t len;
    const char *there = joint_at(p, &len);

    if (!there || strcmp(there, word) != 0)
        return false;
    p->lex.at += len;
    return true;
}
