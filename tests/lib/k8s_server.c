/* SPDX-License-Identifier: Apache-2.0 */
#include "k8s_server_priv.h"

#include "k8s_certs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 16384 };

struct timespec k8s_in_ms(uint32_t ms)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_nsec += (long)(ms % 1000) * 1000000;
    ts.tv_sec += ms / 1000 + ts.tv_nsec / 1000000000;
    ts.tv_nsec %= 1000000000;
    return ts;
}

/* ---- connections ---- */

bool k8s_conn_send(struct k8s_conn *c, const char *p, size_t n)
{
    while (n && !c->failed) {
        int sent = SSL_write(c->ssl, p, n > 65536 ? 65536 : (int)n);

        c->failed = sent <= 0;
        p += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t)sent : 0;
    }
    return !c->failed;
}

bool k8s_conn_sendf(struct k8s_conn *c, const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return n > 0 && (size_t)n < sizeof(text) && k8s_conn_send(c, text, (size_t)n);
}

/* A parameter of the query, decoded. */
static void query(const char *url, const char *key, char *ret, size_t size)
{
    const char *p = strchr(url, '?');
    size_t n = strlen(key), len = 0;

    *ret = '\0';
    for (; p; p = strchr(p, '&')) {
        p++;
        if (strncmp(p, key, n) == 0 && p[n] == '=')
            break;
    }
    if (!p)
        return;
    for (p += n + 1; *p && *p != '&' && *p != ' ' && len + 1 < size; p++) {
        unsigned c = (unsigned char)*p;

        if (*p == '%' && p[1] && p[2]) {
            c = (unsigned)strtoul((char[]){p[1], p[2], '\0'}, NULL, 16);
            p += 2;
        }
        ret[len++] = (char)c;
    }
    ret[len] = '\0';
}

static void header(const char *head, const char *name, char *ret, size_t size)
{
    const char *p = strcasestr(head, name);
    size_t n = 0;

    *ret = '\0';
    if (!p)
        return;
    for (p += strlen(name); *p == ' '; p++)
        ;
    while (p[n] && p[n] != '\r' && n + 1 < size)
        n++;
    memcpy(ret, p, n);
    ret[n] = '\0';
}

/* A request whose head is whole. */
static void serve(struct k8s_conn *c, char *head)
{
    struct k8s_request r = {0};
    char text[512], *line_end = strstr(head, "\r\n"), *path, *end;

    *line_end = '\0';
    path = strstr(head, "/v1/");
    end = path ? path + 4 + strcspn(path + 4, "?/ ") : NULL;
    if (path && (size_t)(end - path - 4) < sizeof(r.resource))
        memcpy(r.resource, path + 4, (size_t)(end - path - 4));
    query(head, "watch", text, sizeof(text));
    r.watch = strcmp(text, "true") == 0;
    query(head, "allowWatchBookmarks", text, sizeof(text));
    r.bookmarks = strcmp(text, "true") == 0;
    query(head, "fieldSelector", text, sizeof(text));
    if (strncmp(text, "spec.nodeName=", 14) == 0)
        (void)snprintf(r.node, sizeof(r.node), "%.63s", text + 14);
    query(head, "resourceVersion", text, sizeof(text));
    r.version = strtoull(text, NULL, 10);
    query(head, "limit", text, sizeof(text));
    r.limit = (uint32_t)strtoul(text, NULL, 10);
    query(head, "timeoutSeconds", text, sizeof(text));
    r.timeout_s = (uint32_t)strtoul(text, NULL, 10);
    query(head, "continue", r.cont, sizeof(r.cont));
    header(line_end + 1, "Authorization: Bearer", r.authorization, sizeof(r.authorization));
    header(line_end + 1, "Accept:", text, sizeof(text));
    r.metadata = strstr(text, "PartialObjectMetadata") != NULL;
    k8s_answer(c, &r);
}

static void *conn_main(void *arg)
{
    struct k8s_conn *c = arg;
    char head[HEAD_MAX];
    size_t n = 0;

    c->ssl = SSL_new(c->server->ctx);
    if (!c->ssl || !SSL_set_fd(c->ssl, c->fd))
        abort();
    c->failed = SSL_accept(c->ssl) <= 0;
    while (!c->failed && n + 1 < sizeof(head)) {
        int got = SSL_read(c->ssl, head + n, (int)(sizeof(head) - 1 - n));

        if (got <= 0)
            break;
        n += (size_t)got;
        head[n] = '\0';
        if (!strstr(head, "\r\n\r\n"))
            continue;
        serve(c, head);
        n = 0;
    }
    ERR_clear_error();
    SSL_free(c->ssl);
    (void)pthread_mutex_lock(&c->server->lock);
    (void)close(c->fd);
    c->fd = -1;
    (void)pthread_mutex_unlock(&c->server->lock);
    return NULL;
}

static void adopt(struct k8s_server *s, int fd)
{
    struct k8s_conn *c = NULL;
    int one = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)pthread_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < CONNS_MAX && !c; i++)
        if (s->conns[i].fd < 0)
            c = &s->conns[i];
    if (c && c->used)
        (void)pthread_join(c->thread, NULL); /* it has ended, or is about to */
    if (c && !s->refusing) {
        *c = (struct k8s_conn){.server = s, .fd = fd, .used = true};
        if (pthread_create(&c->thread, NULL, conn_main, c) != 0)
            abort();
    } else {
        if (c)
            *c = (struct k8s_conn){.fd = -1};
        (void)close(fd);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

static void *accept_main(void *arg)
{
    struct k8s_server *s = arg;
    int fd;

    while ((fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0 || errno == EINTR ||
           errno == ECONNABORTED)
        if (fd >= 0)
            adopt(s, fd);
    return NULL;
}

/* ---- life ---- */

static void make_tls(struct k8s_server *s)
{
    X509 *cert, *client;
    EVP_PKEY *key, *client_key;
    char alt[256];

    (void)snprintf(alt, sizeof(alt), "%sDNS:%s", s->conf.host ? "" : "IP:127.0.0.1,",
                   s->conf.host ? s->conf.host : "localhost");
    k8s_cert_make("made-up-kubernetes", alt, &cert, &key);
    k8s_cert_make("made-up-client", NULL, &client, &client_key);
    k8s_cert_write(s->conf.dir, "ca.crt", cert);
    k8s_cert_write(s->conf.dir, "client.crt", client);
    k8s_key_write(s->conf.dir, "client.key", client_key);
    s->ctx = SSL_CTX_new(TLS_server_method());
    if (!s->ctx || SSL_CTX_use_certificate(s->ctx, cert) != 1 ||
        SSL_CTX_use_PrivateKey(s->ctx, key) != 1)
        abort();
    if (s->conf.client_cert) {
        if (!X509_STORE_add_cert(SSL_CTX_get_cert_store(s->ctx), client))
            abort();
        SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    X509_free(cert);
    X509_free(client);
    EVP_PKEY_free(key);
    EVP_PKEY_free(client_key);
}

struct k8s_server *k8s_server_start(const struct k8s_server_conf *conf)
{
    struct k8s_server *s = calloc(1, sizeof(*s));
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(a);

    if (!s)
        abort();
    (void)signal(SIGPIPE, SIG_IGN);
    s->conf = *conf;
    s->conf.bookmark_ms = conf->bookmark_ms ? conf->bookmark_ms : 500;
    s->version = 1000;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->changed, NULL);
    for (uint32_t i = 0; i < CONNS_MAX; i++)
        s->conns[i].fd = -1;
    if (conf->token)
        k8s_server_token(s, conf->token);
    make_tls(s);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(s->fd, 64) < 0 ||
        getsockname(s->fd, (struct sockaddr *)&a, &len) < 0 ||
        pthread_create(&s->acceptor, NULL, accept_main, s) != 0)
        abort();
    s->port = ntohs(a.sin_port);
    return s;
}

void k8s_server_stop(struct k8s_server *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->stopping = true;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
    (void)shutdown(s->fd, SHUT_RDWR);
    (void)pthread_join(s->acceptor, NULL);
    k8s_server_drop(s, true);
    for (uint32_t i = 0; i < CONNS_MAX; i++)
        if (s->conns[i].used)
            (void)pthread_join(s->conns[i].thread, NULL);
    (void)close(s->fd);
    for (uint32_t i = 0; i < s->n; i++) {
        free(s->states[i].json);
        free(s->states[i].metadata);
    }
    free(s->states);
    SSL_CTX_free(s->ctx);
    free(s);
}

unsigned k8s_server_port(const struct k8s_server *s)
{
    return s->port;
}

/* ---- objects ---- */

static const char *text_of(const json_t *o, const char *key)
{
    const char *t = json_string_value(json_object_get(o, key));

    return t ? t : "";
}

/* Append a state: JSON of this version, whole and metadata only. Called with the lock. */
static void append(struct k8s_server *s, const char *resource, json_t *o, bool is_new, bool deleted)
{
    json_t *meta = json_object_get(o, "metadata"), *only;
    struct k8s_state *t;
    char text[64];

    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 256;
        s->states = realloc(s->states, s->cap * sizeof(*s->states));
        if (!s->states)
            abort();
    }
    s->version++;
    t = &s->states[s->n++];
    *t = (struct k8s_state){.version = s->version, .is_new = is_new, .deleted = deleted};
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)s->version);
    (void)json_object_set_new(meta, "resourceVersion", json_string(text));
    if (!*text_of(meta, "uid")) {
        (void)snprintf(text, sizeof(text), "00000000-0000-4000-8000-%012llu",
                       (unsigned long long)s->version);
        (void)json_object_set_new(meta, "uid", json_string(text));
    }
    (void)snprintf(t->resource, sizeof(t->resource), "%s", resource);
    (void)snprintf(t->ns, sizeof(t->ns), "%s", text_of(meta, "namespace"));
    (void)snprintf(t->name, sizeof(t->name), "%s", text_of(meta, "name"));
    (void)snprintf(t->uid, sizeof(t->uid), "%s", text_of(meta, "uid"));
    (void)snprintf(t->node, sizeof(t->node), "%s", text_of(json_object_get(o, "spec"), "nodeName"));
    only = json_pack("{s:s, s:s, s:O}", "kind", "PartialObjectMetadata", "apiVersion",
                     "meta.k8s.io/v1", "metadata", meta);
    t->json = json_dumps(o, JSON_COMPACT);
    t->metadata = json_dumps(only, JSON_COMPACT);
    json_decref(only);
    (void)pthread_cond_broadcast(&s->changed);
}

static struct k8s_state *newest(struct k8s_server *s, const char *resource, const char *ns,
                                const char *name)
{
    for (uint32_t i = s->n; i-- > 0;) {
        struct k8s_state *t = &s->states[i];

        if (!t->replaced && !strcmp(t->resource, resource) && !strcmp(t->ns, ns) &&
            !strcmp(t->name, name))
            return t->deleted ? NULL : t;
    }
    return NULL;
}

void k8s_server_put(struct k8s_server *s, const char *resource, const char *json)
{
    json_error_t e;
    json_t *o = json_loads(json, 0, &e), *meta = json_object_get(o, "metadata");
    struct k8s_state *old = NULL;

    if (!meta) {
        (void)fprintf(stderr, "no object: %s\n%s\n", e.text, json);
        abort();
    }
    (void)pthread_mutex_lock(&s->lock);
    if (!json_is_true(json_object_get(o, "fresh"))) /* many at once: not looked for */
        old = newest(s, resource, text_of(meta, "namespace"), text_of(meta, "name"));
    if (old) {
        old->replaced = true;
        if (!*text_of(meta, "uid"))
            (void)json_object_set_new(meta, "uid", json_string(old->uid));
    }
    append(s, resource, o, !old, false);
    (void)pthread_mutex_unlock(&s->lock);
    json_decref(o);
}

bool k8s_server_delete(struct k8s_server *s, const char *resource, const char *ns, const char *name)
{
    struct k8s_state *old;
    json_t *o;

    (void)pthread_mutex_lock(&s->lock);
    old = newest(s, resource, ns, name);
    if (old) {
        old->replaced = true;
        o = json_loads(old->json, 0, NULL);
        append(s, resource, o, false, true);
        json_decref(o);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return old != NULL;
}

/* ---- faults ---- */

void k8s_server_token(struct k8s_server *s, const char *token)
{
    (void)pthread_mutex_lock(&s->lock);
    (void)snprintf(s->token, sizeof(s->token), "%s", token);
    (void)pthread_mutex_unlock(&s->lock);
}

void k8s_server_fault(struct k8s_server *s, const char *resource, int code, uint32_t n)
{
    (void)pthread_mutex_lock(&s->lock);
    (void)snprintf(s->fault_resource, sizeof(s->fault_resource), "%s", resource ? resource : "");
    s->fault_status = code;
    s->fault_left = n;
    (void)pthread_mutex_unlock(&s->lock);
}

void k8s_server_slow(struct k8s_server *s, uint32_t ms)
{
    (void)pthread_mutex_lock(&s->lock);
    s->slow_ms = ms;
    (void)pthread_mutex_unlock(&s->lock);
}

void k8s_server_drop(struct k8s_server *s, bool refuse)
{
    (void)pthread_mutex_lock(&s->lock);
    s->refusing = refuse;
    for (uint32_t i = 0; i < CONNS_MAX; i++)
        if (s->conns[i].fd >= 0)
            (void)shutdown(s->conns[i].fd, SHUT_RDWR);
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
}

void k8s_server_compact(struct k8s_server *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->version++; /* whatever anybody has is older */
    s->compacted = s->version;
    s->epoch++;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
}

void k8s_server_inject(struct k8s_server *s, const char *bytes)
{
    (void)pthread_mutex_lock(&s->lock);
    s->injected = bytes;
    s->injections++;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
}

void k8s_server_counts(struct k8s_server *s, struct k8s_server_counts *ret)
{
    (void)pthread_mutex_lock(&s->lock);
    *ret = s->counts;
    (void)pthread_mutex_unlock(&s->lock);
}
