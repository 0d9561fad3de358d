/* SPDX-License-Identifier: Apache-2.0 */
/* Falco's outputs: each is a mapping of its own; what JSON and queues are like is said once. */
#include "base/num.h"
#include "cli/migrate.h"

#include <string.h>

enum { QUEUE_MAX = 1 << 20 };

static void begin_output(struct migration *m, const char *plugin)
{
    const struct ynode *queue = ymap_get(m->root, "outputs_queue");
    const char *capacity = migrate_text(queue, "capacity");
    uint64_t n = 0;

    buf_addf(&m->outputs, "  - plugin: %s\n", plugin);
    if (capacity && parse_u64(capacity, strlen(capacity), &n) == 0 && n > 0)
        buf_addf(&m->outputs, "    queue: %u\n", (unsigned)(n < QUEUE_MAX ? n : QUEUE_MAX));
    buf_adds(&m->outputs, "    options:\n");
}

static void add_option(struct migration *m, const char *key, const char *value)
{
    if (!value)
        return;
    buf_addf(&m->outputs, "      %s: ", key);
    migrate_quoted(&m->outputs, value);
    buf_addc(&m->outputs, '\n');
}

static const char *format(const struct migration *m)
{
    return migrate_bool(m->root, "json_output", false) ? "json" : "text";
}

static const struct ynode *enabled(const struct migration *m, const char *key, bool dflt)
{
    const struct ynode *n = ymap_get(m->root, key);

    return n && n->kind == Y_MAP && migrate_bool(n, "enabled", dflt) ? n : NULL;
}

static void file_output(struct migration *m)
{
    const struct ynode *n = enabled(m, "file_output", false);

    if (!n)
        return;
    if (!migrate_text(n, "filename")) {
        migrate_lost(m, n, "file_output is left out: it has no filename");
        return;
    }
    begin_output(m, "file");
    add_option(m, "path", migrate_text(n, "filename"));
    add_option(m, "format", format(m));
    migrate_note(m, "file_output: the file is kept open (keep_alive), made for its owner alone "
                    "(mode), and can be rotated (rotate_size, keep)");
}

static void program_output(struct migration *m)
{
    const struct ynode *n = enabled(m, "program_output", false);

    if (!n)
        return;
    if (!migrate_text(n, "program")) {
        migrate_lost(m, n, "program_output is left out: it has no program");
        return;
    }
    begin_output(m, "program");
    buf_adds(&m->outputs, "      command: [/bin/sh, -c, ");
    migrate_quoted(&m->outputs, migrate_text(n, "program"));
    buf_adds(&m->outputs, "]\n");
    add_option(m, "format", format(m));
    if (!migrate_bool(n, "keep_alive", false))
        migrate_lost(m, n,
                     "program_output: the program is started once and gets an alert a line, not "
                     "once for each alert; wrap it as 'while read -r alert; do … done'");
}

static void http_output(struct migration *m)
{
    const struct ynode *n = enabled(m, "http_output", false);
    bool mtls = n && migrate_bool(n, "mtls", false);

    if (!n)
        return;
    if (!migrate_text(n, "url")) {
        migrate_lost(m, n, "http_output is left out: it has no url");
        return;
    }
    begin_output(m, "webhook");
    add_option(m, "url", migrate_text(n, "url"));
    if (migrate_text(n, "user_agent")) {
        buf_adds(&m->outputs, "      headers: {User-Agent: ");
        migrate_quoted(&m->outputs, migrate_text(n, "user_agent"));
        buf_adds(&m->outputs, "}\n");
    }
    if (migrate_bool(n, "insecure", false))
        buf_adds(&m->outputs, "      tls_verify: false\n");
    add_option(m, "tls_ca",
               migrate_text(n, "ca_cert") ? migrate_text(n, "ca_cert")
                                          : migrate_text(n, "ca_bundle"));
    add_option(m, "tls_cert", mtls ? migrate_text(n, "client_cert") : NULL);
    add_option(m, "tls_key", mtls ? migrate_text(n, "client_key") : NULL);
    if (migrate_bool(n, "compress_uploads", false))
        buf_adds(&m->outputs, "      gzip: true\n");
    if (migrate_text(n, "ca_path"))
        migrate_lost(m, n,
                     "http_output: ca_path (a folder) has no equivalent, only a file: tls_ca");
    if (migrate_bool(n, "echo", false))
        migrate_lost(m, n, "http_output: echo has no equivalent: answers are not printed");
    migrate_note(m, "http_output: the body is JSON, whatever json_output says; spool, retry and "
                    "dead_letters keep alerts while the server is not there");
}

static void grpc_output(struct migration *m)
{
    const struct ynode *n = enabled(m, "grpc_output", false);

    if (n)
        migrate_lost(m, n, "grpc_output has no equivalent: use webhook, file or program");
    n = enabled(m, "grpc", false);
    if (n)
        migrate_lost(m, n, "grpc has no equivalent: there is no server to ask");
}

void migrate_outputs(struct migration *m)
{
    if (enabled(m, "stdout_output", false) || !ymap_get(m->root, "stdout_output")) {
        begin_output(m, "stdout");
        add_option(m, "format", format(m));
    }
    if (enabled(m, "syslog_output", false)) {
        begin_output(m, "syslog");
        add_option(m, "content", format(m));
        migrate_note(
            m, "syslog_output: the facility is authpriv, not user, unless 'facility' says so");
    }
    file_output(m);
    program_output(m);
    http_output(m);
    grpc_output(m);
}
