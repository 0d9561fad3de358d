/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int set_token(struct cluster *c, const char *token)
{
    char *auth = NULL;

    if (strpbrk(token, "\r\n") || asprintf(&auth, "Authorization: Bearer %s", token) < 0)
        return -EINVAL;
    if (c->auth && strcmp(c->auth, auth) == 0) {
        free(auth);
        return 0;
    }
    free(c->auth);
    c->auth = auth;
    return 1;
}

int cluster_read_token(struct cluster *c)
{
    struct timespec ts;
    char *token = NULL;
    size_t n = 0;
    int r;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    c->auth_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
    if (!c->token_file)
        return 0;
    r = http_file(c->token_file, TOKEN_MAX, &token, &n);
    if (r < 0)
        return r;
    while (n && isspace((unsigned char)token[n - 1]))
        token[--n] = '\0';
    r = n ? set_token(c, token) : -EINVAL;
    free(token);
    return r;
}

void cluster_free(struct cluster *c)
{
    free(c->url);
    free(c->ca);
    free(c->cert);
    free(c->key);
    free(c->connect_to);
    free(c->host_header);
    free(c->token_file);
    free(c->auth);
    *c = (struct cluster){0};
}

/* ---- in a pod ---- */

int cluster_in_pod(struct cluster *c, const char *dir, struct gyr_error *err)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
    char *path = NULL;
    size_t n = 0;
    int r;

    if (!host || !*host || !port || !*port)
        return 0;
    if (asprintf(&c->token_file, "%s/token", dir) < 0) {
        c->token_file = NULL;
        return gyr_fail(err, -ENOMEM, "no memory");
    }
    if (access(c->token_file, F_OK) < 0)
        return 0;
    if (asprintf(&c->url, strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host, port) <
            0 ||
        asprintf(&path, "%s/ca.crt", dir) < 0)
        return gyr_fail(err, -ENOMEM, "no memory");
    r = http_file(path, CLUSTER_FILE_MAX, &c->ca, &n);
    if (r < 0)
        (void)gyr_fail(err, r, "'%s' cannot be read: %s", path, strerror(-r));
    free(path);
    if (r < 0)
        return r;
    c->tls.ca = (struct http_blob){c->ca, n};
    r = cluster_read_token(c);
    if (r < 0)
        return gyr_fail(err, r, "'%s' cannot be read: %s", c->token_file, strerror(-r));
    return 1;
}

/* ---- kubeconfig ---- */

struct kubeconfig {
    json_t *root;
    const char *path, *dir; /* dir: what relative names of files count from */
    size_t dir_len;
};

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s && *s ? s : NULL;
}

/* The entry of a list of names: contexts, clusters, users. */
static const json_t *entry(const json_t *root, const char *list, const char *member,
                           const char *name)
{
    const json_t *e;
    size_t i;

    json_array_foreach(json_object_get(root, list), i, e)
    {
        const char *n = text(e, "name");

        if (n && name && strcmp(n, name) == 0)
            return json_object_get(e, member);
    }
    return NULL;
}

static char *path_of(const struct kubeconfig *k, const char *name)
{
    char *p = NULL;

    if (asprintf(&p, "%.*s%s", *name == '/' ? 0 : (int)k->dir_len, k->dir, name) < 0)
        return NULL;
    return p;
}

static int base64(const char *s, char **ret, size_t *ret_len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = malloc(strlen(s) + 1);
    uint32_t bits = 0, n_bits = 0;
    size_t n = 0;

    if (!out)
        return -ENOMEM;
    for (; *s && *s != '='; s++) {
        const char *at = strchr(digits, *s);

        if (isspace((unsigned char)*s))
            continue;
        if (!at) {
            free(out);
            return -EINVAL;
        }
        bits = bits << 6 | (uint32_t)(at - digits);
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            out[n++] = (char)(bits >> n_bits);
        }
    }
    out[n] = '\0';
    *ret = out;
    *ret_len = n;
    return 0;
}

/* A piece of PEM: "KEY-data" in base64, or "KEY", a file. */
static int pem(const struct kubeconfig *k, const json_t *o, const char *key, char **own,
               struct http_blob *ret, struct gyr_error *err)
{
    char data_key[64], *path;
    const char *data, *name;
    size_t n = 0;
    int r;

    (void)snprintf(data_key, sizeof(data_key), "%s-data", key);
    data = text(o, data_key);
    name = text(o, key);
    if (data) {
        r = base64(data, own, &n);
        if (r < 0)
            return gyr_fail(err, r, "%s: '%s' is no base64", k->path, data_key);
    } else if (name) {
        path = path_of(k, name);
        r = path ? http_file(path, CLUSTER_FILE_MAX, own, &n) : -ENOMEM;
        if (r < 0)
            (void)gyr_fail(err, r, "'%s' cannot be read: %s", path ? path : name, strerror(-r));
        free(path);
        if (r < 0)
            return r;
    }
    *ret = (struct http_blob){*own, n};
    return 0;
}

/* The URL, and where to connect to if the certificate has another name. */
static int set_server(struct cluster *c, const char *path, const char *server, const char *name,
                      struct gyr_error *err)
{
    size_t n = strlen(server);
    const char *host = strstr(server, "://"), *end, *port;
    bool tls = strncmp(server, "https://", 8) == 0;

    if (!tls && strncmp(server, "http://", 7) != 0)
        return gyr_fail(err, GYR_E_CONF, "%s: '%s' is no URL of an API server", path, server);
    while (n && server[n - 1] == '/')
        n--;
    if (!name || !tls) {
        c->url = strndup(server, n);
        return c->url ? 0 : gyr_fail(err, -ENOMEM, "no memory");
    }
    host += 3;
    end = host + strcspn(host, "/");
    port = end;
    for (const char *p = host; p < end; p++)
        if (*p == ']')
            port = end;
        else if (*p == ':')
            port = p;
    if (*host == '[' && port < end && port[-1] != ']')
        port = end;
    if (asprintf(&c->url, "https://%s%s%.*s", name, port < end ? "" : ":443",
                 (int)(server + n - port), port) < 0)
        c->url = NULL;
    if (asprintf(&c->connect_to, "::%.*s:%.*s", (int)(port - host), host,
                 port < end ? (int)(end - port - 1) : 3, port < end ? port + 1 : "443") < 0)
        c->connect_to = NULL;
    if (asprintf(&c->host_header, "Host: %.*s", (int)(end - host), host) < 0)
        c->host_header = NULL;
    if (!c->url || !c->connect_to || !c->host_header)
        return gyr_fail(err, -ENOMEM, "no memory");
    c->tls.connect_to = c->connect_to;
    return 0;
}

static int set_cluster(struct cluster *c, const struct kubeconfig *k, const json_t *o,
                       bool insecure, struct gyr_error *err)
{
    const char *server = text(o, "server"), *skip = text(o, "insecure-skip-tls-verify");
    int r;

    if (!server)
        return gyr_fail(err, GYR_E_CONF, "%s: the cluster of the context has no 'server'", k->path);
    if (skip && strcmp(skip, "true") == 0) {
        if (!insecure)
            return gyr_fail(err, GYR_E_CONF,
                            "%s says 'insecure-skip-tls-verify': anybody could play the API "
                            "server; the option 'insecure: true' allows it",
                            k->path);
        c->tls.insecure = true;
    }
    r = set_server(c, k->path, server, text(o, "tls-server-name"), err);
    return r < 0 ? r : pem(k, o, "certificate-authority", &c->ca, &c->tls.ca, err);
}

static int set_user(struct cluster *c, const struct kubeconfig *k, const json_t *o,
                    struct gyr_error *err)
{
    const char *token = text(o, "token"), *file = text(o, "tokenFile");
    int r;

    if (json_object_get(o, "exec") || json_object_get(o, "auth-provider"))
        return gyr_fail(err, GYR_E_CONF,
                        "%s: the user of the context has its credentials made by a program, which "
                        "is not run from here; give a token or a certificate",
                        k->path);
    r = pem(k, o, "client-certificate", &c->cert, &c->tls.cert, err);
    if (r == 0)
        r = pem(k, o, "client-key", &c->key, &c->tls.key, err);
    if (r < 0)
        return r;
    if (!c->tls.cert.p != !c->tls.key.p)
        return gyr_fail(err, GYR_E_CONF, "%s: 'client-certificate' and 'client-key' go together",
                        k->path);
    if (file) {
        c->token_file = path_of(k, file);
        r = c->token_file ? cluster_read_token(c) : -ENOMEM;
        if (r < 0)
            return gyr_fail(err, r, "'%s' cannot be read: %s", file, strerror(-r));
    } else if (token && set_token(c, token) < 0) {
        return gyr_fail(err, GYR_E_CONF, "%s: 'token' is no token", k->path);
    }
    return 0;
}

static int read_kubeconfig(struct cluster *c, const struct kubeconfig *k, const char *context,
                           bool insecure, struct gyr_error *err)
{
    const json_t *ctx, *cluster, *user;
    int r;

    if (!context)
        context = text(k->root, "current-context");
    if (!context)
        return gyr_fail(err, GYR_E_CONF, "%s has no 'current-context'", k->path);
    ctx = entry(k->root, "contexts", "context", context);
    if (!ctx)
        return gyr_fail(err, GYR_E_CONF, "%s has no context '%s'", k->path, context);
    cluster = entry(k->root, "clusters", "cluster", text(ctx, "cluster"));
    user = entry(k->root, "users", "user", text(ctx, "user"));
    if (!cluster)
        return gyr_fail(err, GYR_E_CONF, "%s: context '%s' names no cluster of the file", k->path,
                        context);
    r = set_cluster(c, k, cluster, insecure, err);
    return r < 0 ? r : set_user(c, k, user, err);
}

int cluster_kubeconfig(struct cluster *c, const char *path, const char *context, bool insecure,
                       struct gyr_error *err)
{
    const char *slash = strrchr(path, '/');
    struct kubeconfig k = {.path = path, .dir = path};
    struct gyr_error why = {0};
    char *data = NULL;
    size_t n = 0;
    int r;

    k.dir_len = slash ? (size_t)(slash + 1 - path) : 0;
    r = http_file(path, CLUSTER_FILE_MAX, &data, &n);
    if (r < 0)
        return gyr_fail(err, r, "'%s' cannot be read: %s", path, strerror(-r));
    k.root = yaml_to_json(data, n, &why);
    free(data);
    if (!k.root)
        return gyr_fail(err, GYR_E_CONF, "'%s' is no kubeconfig: %s", path, why.msg);
    r = read_kubeconfig(c, &k, context, insecure, err);
    json_decref(k.root);
    return r;
}
