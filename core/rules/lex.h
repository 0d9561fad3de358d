/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file lex.h
 * @brief The tokens of conditions and output texts.
 *
 * What a character means depends on where it stands: after a comparator `a.b-c/?` is one word,
 * before it a field. So there is no stream of tokens; the parser asks for what may come next, and
 * each function either takes it and says yes, or leaves the cursor where it was.
 *
 * Not shared between threads; costs one pass over the characters taken.
 */
#ifndef RULES_LEX_H
#define RULES_LEX_H

#include "base/arena.h"

#include <gyr/util.h>
#include <stdbool.h>

struct lexer {
    const char *p;
    uint32_t len, at;
};

/** A piece of the text: p[off .. off + len). */
struct token {
    uint32_t off, len;
};

static inline bool lex_at_end(const struct lexer *l)
{
    return l->at >= l->len;
}

/** The next character, '\0' at the end. */
static inline char lex_peek(const struct lexer *l)
{
    return l->at < l->len ? l->p[l->at] : '\0';
}

/** At the first character of the text that is no blank; its end is behind the last. */
struct lexer lex_begin(const char *p, uint32_t len);
/** Blanks and line breaks. @return whether there were any. */
bool lex_blank(struct lexer *l);
bool lex_char(struct lexer *l, char c);
/** A letter, then letters, digits and '_': a macro, a list, a word of the language. */
bool lex_identifier(struct lexer *l, struct token *ret);
/** That very word, and not the beginning of a longer one. */
bool lex_word(struct lexer *l, const char *word);
/** Identifiers joined by dots, at least two: a field. */
bool lex_field(struct lexer *l, struct token *ret);
/** What may stand unquoted between a field's brackets: no blanks, brackets, quotes. */
bool lex_arg(struct lexer *l, struct token *ret);
/** What may stand unquoted as a value: no blanks, parentheses, quotes, commas, '='. */
bool lex_bare(struct lexer *l, struct token *ret);
/** 0x1f, 12, -3, 1.5, 1e+3. */
bool lex_number(struct lexer *l, struct token *ret);
/** = == != < <= > >=, or a word that may be a comparator (letters only): the token, not yet
 *  whether it is one. */
bool lex_comparator(struct lexer *l, struct token *ret);
/** A text in quotes, with its escapes undone, in @p arena.
 *  @return 1; 0: no quote here; -EINVAL with a sentence, the cursor at what is wrong; -ENOMEM. */
int lex_quoted(struct lexer *l, struct arena *arena, const char **ret, uint32_t *ret_len,
               struct gyr_error *err);
/** For messages: what stands at the cursor, one word or one character, never longer than 40. */
struct token lex_what(const struct lexer *l);

#endif /* RULES_LEX_H */
