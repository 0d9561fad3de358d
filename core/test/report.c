/* SPDX-License-Identifier: Apache-2.0 */
#include "test/report.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

enum { JUNIT_MAX = 256 << 20, LINE_MAX_ = 1 << 16 };

void report_begin(struct report *r, FILE *out, enum report_form form, bool junit, bool color,
                  bool quiet)
{
    *r = (struct report){
        .out = out, .form = form, .has_junit = junit, .color = color, .quiet = quiet};
    buf_init(&r->junit, JUNIT_MAX);
    if (form == REPORT_TAP)
        (void)fprintf(out, "TAP version 13\n");
}

/* Each line behind something of ours. */
static void print_lines(FILE *f, const char *before, const char *lines)
{
    while (*lines) {
        size_t n = strcspn(lines, "\n");

        (void)fprintf(f, "%s%.*s\n", before, (int)n, lines);
        lines += n + (lines[n] == '\n');
    }
}

static void print_name(FILE *f, const char *name)
{
    struct buf b;

    buf_init(&b, LINE_MAX_);
    text_add_safe(&b, name, strlen(name));
    (void)fputs(b.p, f);
    buf_free(&b);
}

static void print_line(const struct report *r, const char *path, uint32_t line, const char *name,
                       const char *why)
{
    const char *on = !r->color ? "" : why ? "\033[31m" : "\033[32m";

    if (!why && r->quiet)
        return;
    (void)fprintf(r->out, "%s%s%s  ", on, why ? "FAIL" : "ok  ", r->color ? "\033[0m" : "");
    print_name(r->out, name);
    if (why)
        (void)fprintf(r->out, "  (%s:%u)", path, line);
    (void)fputc('\n', r->out);
    if (why)
        print_lines(r->out, "    ", why);
}

/* "#" would end the description. */
static void print_tap(const struct report *r, const char *path, uint32_t line, const char *name,
                      const char *why)
{
    struct buf b;

    buf_init(&b, LINE_MAX_);
    text_add_safe(&b, name, strlen(name));
    for (char *p = b.p; *p; p++)
        if (*p == '#')
            *p = '_';
    (void)fprintf(r->out, "%sok %u - %s\n", why ? "not " : "", r->passed + r->failed, b.p);
    buf_free(&b);
    if (!why)
        return;
    (void)fprintf(r->out, "# %s:%u\n", path, line);
    print_lines(r->out, "# ", why);
}

static void add_xml(struct buf *b, const char *s)
{
    struct buf safe;

    buf_init(&safe, LINE_MAX_);
    text_add_safe(&safe, s, strlen(s));
    for (const char *p = safe.p; *p; p++) {
        switch (*p) {
        case '<':
            buf_adds(b, "&lt;");
            break;
        case '>':
            buf_adds(b, "&gt;");
            break;
        case '&':
            buf_adds(b, "&amp;");
            break;
        case '"':
            buf_adds(b, "&quot;");
            break;
        default:
            buf_addc(b, *p);
        }
    }
    buf_free(&safe);
}

static void add_junit(struct report *r, const char *path, uint32_t line, const char *name,
                      const char *why, uint64_t ns)
{
    struct buf *b = &r->junit;

    buf_adds(b, "    <testcase classname=\"");
    add_xml(b, path);
    buf_adds(b, "\" name=\"");
    add_xml(b, name);
    buf_addf(b, "\" file=\"");
    add_xml(b, path);
    buf_addf(b, "\" line=\"%u\" time=\"%.6f\"", line, (double)ns / 1e9);
    if (!why) {
        buf_adds(b, "/>\n");
        return;
    }
    buf_adds(b, ">\n      <failure message=\"not as expected\">");
    while (*why) { /* a newline is no control character here */
        size_t n = strcspn(why, "\n");
        struct buf part;

        buf_init(&part, LINE_MAX_);
        buf_add(&part, why, n);
        add_xml(b, part.p);
        buf_free(&part);
        buf_addc(b, '\n');
        why += n + (why[n] == '\n');
    }
    buf_adds(b, "</failure>\n    </testcase>\n");
}

void report_test(struct report *r, const char *path, uint32_t line, const char *name,
                 const char *why, uint64_t ns)
{
    r->ns += ns;
    if (why)
        r->failed++;
    else
        r->passed++;
    if (r->form == REPORT_TAP)
        print_tap(r, path, line, name, why);
    else
        print_line(r, path, line, name, why);
    if (r->has_junit)
        add_junit(r, path, line, name, why, ns);
}

void report_end(struct report *r)
{
    uint32_t n = r->passed + r->failed;

    if (r->form == REPORT_TAP)
        (void)fprintf(r->out, "1..%u\n", n);
    else
        (void)fprintf(r->out, "%u test%s: %u passed, %u failed (%.2f s)\n", n, n == 1 ? "" : "s",
                      r->passed, r->failed, (double)r->ns / 1e9);
}

int report_write_junit(struct report *r, const char *path)
{
    _cleanup_fclose_ FILE *f = fopen(path, "we");

    if (!f)
        return -errno;
    if (r->junit.failed)
        return -ENOMEM;
    (void)fprintf(f,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
                  "  <testsuite name=\"gyr test\" tests=\"%u\" failures=\"%u\" errors=\"0\" "
                  "time=\"%.6f\">\n%s  </testsuite>\n</testsuites>\n",
                  r->passed + r->failed, r->failed, (double)r->ns / 1e9, r->junit.p);
    return fflush(f) != 0 || ferror(f) ? -EIO : 0;
}

void report_free(struct report *r)
{
    buf_free(&r->junit);
}
