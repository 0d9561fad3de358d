/* SPDX-License-Identifier: Apache-2.0 */
/* The dynamic symbols of a shared object, read from the file: nothing of it runs. Every offset is
 * the file's word and checked. */
#include "conform/conform_priv.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"

#include <elf.h>
#include <gyr/plugin.h>
#include <string.h>

enum { FILE_SIZE_MAX = 256 << 20, NAMES_SHOWN = 5 };

#if __SIZEOF_POINTER__ == 8
typedef Elf64_Ehdr elf_head;
typedef Elf64_Shdr elf_section;
typedef Elf64_Sym elf_symbol;
enum { OUR_CLASS = ELFCLASS64 };
#define SYM_BIND(i) ELF64_ST_BIND(i)
#define SYM_VIS(o)  ELF64_ST_VISIBILITY(o)
#else
typedef Elf32_Ehdr elf_head;
typedef Elf32_Shdr elf_section;
typedef Elf32_Sym elf_symbol;
enum { OUR_CLASS = ELFCLASS32 };
#define SYM_BIND(i) ELF32_ST_BIND(i)
#define SYM_VIS(o)  ELF32_ST_VISIBILITY(o)
#endif

struct image {
    const char *p;
    size_t len;
};

/* Copied out: nothing says that it is aligned. */
static bool read_at(const struct image *im, uint64_t off, void *to, size_t n)
{
    if (off > im->len || n > im->len - off)
        return false;
    memcpy(to, im->p + off, n);
    return true;
}

static bool read_section(const struct image *im, const elf_head *h, uint32_t i, elf_section *ret)
{
    return i < h->e_shnum && h->e_shentsize == sizeof(*ret) &&
           read_at(im, h->e_shoff + (uint64_t)i * sizeof(*ret), ret, sizeof(*ret));
}

/* What linkers of old put there. */
static bool is_linkers(const char *name)
{
    static const char *const known[] = {"_init", "_fini", "_edata", "_end", "__bss_start"};

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    return false;
}

/* A symbol that others can bind to? */
static bool is_exported(const elf_symbol *s)
{
    unsigned bind = SYM_BIND(s->st_info), vis = SYM_VIS(s->st_other);

    return s->st_shndx != SHN_UNDEF && (bind == STB_GLOBAL || bind == STB_WEAK) &&
           (vis == STV_DEFAULT || vis == STV_PROTECTED);
}

static const char *name_of(const struct image *im, const elf_section *strings, uint32_t off)
{
    if (off >= strings->sh_size || strings->sh_offset > im->len ||
        strings->sh_size > im->len - strings->sh_offset)
        return NULL;
    if (!memchr(im->p + strings->sh_offset + off, 0, strings->sh_size - off))
        return NULL;
    return im->p + strings->sh_offset + off;
}

/* @return how many besides the query; the first are named in @p names. Negative: it makes no
 * sense. @p ret_has: the query is among them. */
static int count_exports(const struct image *im, const elf_head *h, const elf_section *table,
                         struct buf *names, bool *ret_has)
{
    elf_section strings;
    elf_symbol s;
    int n = 0;

    if (table->sh_entsize != sizeof(s) || !read_section(im, h, table->sh_link, &strings))
        return -1;
    for (uint64_t i = 1; i < table->sh_size / sizeof(s); i++) {
        const char *name;

        if (!read_at(im, table->sh_offset + i * sizeof(s), &s, sizeof(s)))
            return -1;
        name = is_exported(&s) ? name_of(im, &strings, s.st_name) : "_end";
        if (!name)
            return -1;
        if (strcmp(name, GYR_QUERY_SYMBOL) == 0) {
            *ret_has = true;
        } else if (!is_linkers(name)) {
            if (n < NAMES_SHOWN)
                buf_addf(names, "%s%.80s", n ? ", " : "", name);
            n++;
        }
    }
    return n;
}

static int look(const struct image *im, struct buf *names, bool *ret_has)
{
    elf_head h;
    elf_section s;

    if (!read_at(im, 0, &h, sizeof(h)) || memcmp(h.e_ident, ELFMAG, SELFMAG) != 0)
        return -2;
    if (h.e_ident[EI_CLASS] != OUR_CLASS || h.e_type != ET_DYN)
        return -2;
    for (uint32_t i = 0; i < h.e_shnum; i++) {
        if (!read_section(im, &h, i, &s))
            return -1;
        if (s.sh_type == SHT_DYNSYM)
            return count_exports(im, &h, &s, names, ret_has);
    }
    return -1;
}

void check_symbols(const char *path, struct conform_report *report)
{
    struct conform_row row = {.name = "symbols", .result = CONFORM_FAIL};
    struct gyr_error err = {0};
    struct image im = {0};
    char *text = NULL;
    bool has = false;
    struct buf names;
    int n;

    buf_init(&names, sizeof(row.text));
    if (read_file(path, FILE_SIZE_MAX, &text, &im.len, &err) < 0) {
        (void)snprintf(row.text, sizeof(row.text), "%.470s", err.msg);
        report_add(report, &row);
        return;
    }
    im.p = text;
    n = look(&im, &names, &has);
    if (n == -2)
        (void)snprintf(row.text, sizeof(row.text), "not a shared object of this kind of machine");
    else if (n < 0)
        (void)snprintf(row.text, sizeof(row.text), "its table of dynamic symbols cannot be read");
    else if (!has)
        (void)snprintf(row.text, sizeof(row.text), "does not export " GYR_QUERY_SYMBOL "()");
    else if (n > 0)
        (void)snprintf(row.text, sizeof(row.text),
                       "exports more than " GYR_QUERY_SYMBOL "(): %.380s%s; link with the SDK's "
                       "plugin.map",
                       names.p, n > NAMES_SHOWN ? ", …" : "");
    else {
        row.result = CONFORM_OK;
        (void)snprintf(row.text, sizeof(row.text),
                       "exports " GYR_QUERY_SYMBOL "() and nothing else");
    }
    buf_free(&names);
    free(text);
    report_add(report, &row);
}
