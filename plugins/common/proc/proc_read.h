/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file proc_read.h
 * @brief Reading files, lines, links, folders and numbers of /proc into memory that is reused.
 * Nothing here blocks on a FIFO or grows. One thread.
 */
#ifndef PROC_READ_H
#define PROC_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROC_LINE_MAX = 65536, PROC_DIR_BYTES = 32768 };

/** Open to be read. @return a descriptor; a negative errno. */
int proc_open(int dir, const char *name);
int proc_open_dir(int dir, const char *name);
/** Close and forget; a negative one is closed already. */
void proc_close(int *fd);

/** The first @p cap bytes of a file. @return how many; a negative errno. */
int proc_read_file(int dir, const char *name, char *buf, size_t cap);
/** A link's text, with a NUL. @return its length; -ENAMETOOLONG and others. */
int proc_read_link(int dir, const char *name, char *buf, size_t cap);

/** A file line by line. What is longer than the buffer is cut. */
struct proc_lines {
    int fd; /**< -1: closed */
    size_t at, end;
    bool eof, skip;
    char buf[PROC_LINE_MAX];
};

int proc_lines_open(struct proc_lines *l, int dir, const char *name);
/** @return 1 and the line without its newline, until the next call; 0: the end, and it is closed.
 */
int proc_lines_next(struct proc_lines *l, const char **ret, size_t *ret_len);

/** The entries of a folder whose names are numbers. */
struct proc_dir {
    int fd; /**< -1: closed */
    size_t at, end;
    _Alignas(8) char buf[PROC_DIR_BYTES];
};

int proc_dir_open(struct proc_dir *d, int dir, const char *name);
/** @return 1 and the number; 0: no more, and it is closed; a negative errno, and it is closed. */
int proc_dir_next(struct proc_dir *d, uint32_t *ret);

/** Bytes that are looked through from the left. */
struct proc_text {
    const char *p, *end;
};

static inline struct proc_text proc_text(const char *p, size_t len)
{
    return (struct proc_text){p, p + len};
}

static inline size_t proc_left(const struct proc_text *t)
{
    return (size_t)(t->end - t->p);
}

/** The next word: blanks and tabs part them. @return false: none. */
bool proc_word(struct proc_text *t, struct proc_text *ret);
/** Up to @p end_char, which is passed over, or the end. @return false: nothing is left. */
bool proc_upto(struct proc_text *t, char end_char, struct proc_text *ret);
/** A number at the left, passed over; 0 when there is none, and what is too large is cut. */
uint64_t proc_num(struct proc_text *t, unsigned base);
/** The next word as a number. */
uint64_t proc_word_num(struct proc_text *t, unsigned base);
bool proc_begins(const struct proc_text *t, const char *with);
bool proc_ends(const struct proc_text *t, const char *with);
/** "net:[4026531833]": the number behind @p before, up to ']'. */
bool proc_bracketed(const struct proc_text *t, const char *before, uint64_t *ret);

/** The name of an entry, as text, for openat() and its like. */
struct proc_name {
    char s[24];
};
struct proc_name proc_name_of(uint64_t num);

#endif /* PROC_READ_H */
