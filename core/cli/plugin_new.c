/* SPDX-License-Identifier: Apache-2.0 */
/* gyr plugin new: a project of its own, from the templates of sdk/templates/, which are built in.
 */
#include "cli/plugin_cmd.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"

#include "templates.h" /* made of sdk/templates/ */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_TEXT_MAX = 1 << 20, PATH_TEXT_MAX = 4096, NAME_LEN_MAX = 32 };

struct kind {
    const char *name, *title;
    const char *c, *cc, *test, *rules, *gyr;
    const char *try;   /* what `make try` does */
    const char *check; /* what gyr plugin check is told */
};

#define TRY_ON_CAPTURE "$(GYR) replay --config gyr.yaml $(call sdk,captures)/seed.scap.gz"

static const struct kind kinds[] = {
    {"source", "A source", template_source_c, template_source_cc, template_source_test,
     template_source_rules, template_source_gyr, "$(GYR) run --config gyr.yaml", ""},
    {"enricher", "An enricher", template_enricher_c, template_enricher_cc, template_enricher_test,
     template_enricher_rules, template_enricher_gyr, TRY_ON_CAPTURE, ""},
    {"output", "An output", template_output_c, template_output_cc, template_output_test, NULL,
     template_output_gyr, TRY_ON_CAPTURE, " -o path=/dev/null"},
};

/* @NAME@ and what it stands for. */
struct substitute {
    const char *mark, *text;
};

static void expand(struct buf *b, const char *text, const struct substitute *subs)
{
    for (const char *at = text; *at;) {
        const char *mark = strchrnul(at, '@');
        const struct substitute *s = subs;

        buf_add(b, at, (size_t)(mark - at));
        if (!*mark)
            return;
        while (s->mark && strncmp(mark, s->mark, strlen(s->mark)) != 0)
            s++;
        if (s->mark)
            buf_adds(b, s->text);
        else
            buf_addc(b, '@');
        at = mark + (s->mark ? strlen(s->mark) : 1);
    }
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t r = write(fd, p, n);

        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        p += r;
        n -= (size_t)r;
    }
    return 0;
}

/* A file of the folder: its name is a template too. NULL for @p text: there is none. */
static int make_file(int dir, const char *name, const char *text, const struct substitute *subs)
{
    _cleanup_close_ int fd = -1;
    struct buf path, body;
    int r = 0;

    if (!text)
        return 0;
    buf_init(&path, PATH_TEXT_MAX);
    buf_init(&body, FILE_TEXT_MAX);
    expand(&path, name, subs);
    expand(&body, text, subs);
    if (path.failed || body.failed)
        r = -ENOMEM;
    if (r == 0)
        fd = openat(dir, path.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (r == 0)
        r = fd < 0 ? -errno : write_all(fd, body.p, body.len);
    if (r < 0)
        (void)cli_fail(&plugin_command, "new: %s: %s", path.p, strerror(-r));
    buf_free(&path);
    buf_free(&body);
    return r;
}

static int make_files(int dir, const struct kind *k, bool cxx, const struct substitute *subs)
{
    const struct {
        const char *name, *text;
    } files[] = {
        {"@NAME@.@EXT@", cxx ? k->cc : k->c},
        {"test_@NAME@.@EXT@", k->test},
        {"Makefile", template_Makefile},
        {"README.md", template_README_md},
        {"rules.yaml", k->rules},
        {"gyr.yaml", k->gyr},
        {".gitignore", template_gitignore},
    };

    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (make_file(dir, files[i].name, files[i].text, subs) < 0)
            return CLI_FAILED;
    return CLI_FINE;
}

static int make_project(const struct kind *k, const char *name, const char *folder, bool cxx)
{
    char ident[NAME_LEN_MAX + 1], file[NAME_LEN_MAX + 4];
    const struct substitute subs[] = {
        {"@NAME@", name},
        {"@IDENT@", ident},
        {"@FILE@", file},
        {"@EXT@", cxx ? "cc" : "c"},
        {"@STD@", cxx ? "-std=c++20" : "-std=c11 -D_GNU_SOURCE"},
        {"@CC@", cxx ? "CXX" : "CC"},
        {"@TRY@", k->try},
        {"@CHECK@", k->check},
        {"@KIND_A@", k->title},
        {"@RULES_ROW@", k->rules ? "| `rules.yaml` | rules to try it with |\n" : ""},
        {NULL, NULL},
    };
    _cleanup_close_ int dir = -1;

    (void)snprintf(ident, sizeof(ident), "%s", name);
    for (char *p = ident; *p; p++)
        if (*p == '-')
            *p = '_';
    (void)snprintf(file, sizeof(file), "%s.%s", name, cxx ? "cc" : "c");
    if (mkdir(folder, 0755) < 0)
        return cli_fail(&plugin_command, "new: %s: %s", folder,
                        errno == EEXIST ? "is there already; say another folder" : strerror(errno));
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dir < 0)
        return cli_fail(&plugin_command, "new: %s: %s", folder, strerror(errno));
    return make_files(dir, k, cxx, subs);
}

/* What the loader takes as the name of a plugin; and what could not be a file beside its test. */
static bool name_ok(const char *s)
{
    size_t n = strnlen(s, NAME_LEN_MAX + 1);

    return n > 0 && n <= NAME_LEN_MAX && s[0] >= 'a' && s[0] <= 'z' &&
           strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

int plugin_new(const struct plugin_conf_cli *c, char *const *args, int n)
{
    const struct kind *k = NULL;
    const char *folder = n > 2 ? args[2] : args[1];
    bool cxx = c->lang && strcmp(c->lang, "c++") == 0;
    int r;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(args[0], kinds[i].name) == 0)
            k = &kinds[i];
    if (!k)
        return cli_usage(&plugin_command,
                         "a plugin is a source, an enricher or an output, not '%s'", args[0]);
    if (n > 3)
        return cli_usage(&plugin_command, "'%s' is one word too many", args[3]);
    if (!name_ok(args[1]))
        return cli_usage(&plugin_command,
                         "'%s' cannot be the name of a plugin: lower-case letters, digits, '_' "
                         "and '-' are wanted, at most %d, a letter first",
                         args[1], NAME_LEN_MAX);
    if (c->lang && !cxx && strcmp(c->lang, "c") != 0)
        return cli_usage(&plugin_command, "--lang is c or c++, not '%s'", c->lang);
    r = make_project(k, args[1], folder, cxx);
    if (r == CLI_FINE)
        printf("%s: %s '%s'. Now: cd %s && make && make check && make try\n", folder, k->name,
               args[1], folder);
    return r;
}
