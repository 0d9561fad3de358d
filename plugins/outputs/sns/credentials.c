/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials.h"

#include "http/http_file.h"
#include "role.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FILE_SIZE_MAX = 256 << 10 };

void credentials_clear(struct credentials *c)
{
    explicit_bzero(c, sizeof(*c));
}

static int copy(char *to, size_t size, const char *from, size_t len, const char *what,
                struct gyr_error *err)
{
    if (len >= size)
        return gyr_fail(err, GYR_E_CONF, "the %s is too long", what);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)from[i] <= ' ' || (unsigned char)from[i] >= 0x7f)
            return gyr_fail(err, GYR_E_CONF,
                            "the %s has a blank or another character in it that "
                            "does not belong there",
                            what);
    memcpy(to, from, len);
    to[len] = '\0';
    return 0;
}

int credentials_set(struct credentials *c, const char *key, const char *secret, const char *token,
                    struct gyr_error *err)
{
    int r = copy(c->key, sizeof(c->key), key, strlen(key), "access key", err);

    if (r == 0)
        r = copy(c->secret, sizeof(c->secret), secret, strlen(secret), "secret key", err);
    if (r == 0 && token)
        r = copy(c->token, sizeof(c->token), token, strlen(token), "session token", err);
    return r;
}

/* ---- the file ---- */

static char *trim(char *s)
{
    size_t n;

    while (isspace((unsigned char)*s))
        s++;
    n = strlen(s);
    while (n && isspace((unsigned char)s[n - 1]))
        s[--n] = '\0';
    return s;
}

static int parse_line(struct credentials *c, char *line, struct gyr_error *err)
{
    char *eq = strchr(line, '='), *name, *value;

    if (!eq)
        return 0;
    *eq = '\0';
    name = trim(line);
    value = trim(eq + 1);
    if (strcasecmp(name, "aws_access_key_id") == 0)
        return copy(c->key, sizeof(c->key), value, strlen(value), "access key", err);
    if (strcasecmp(name, "aws_secret_access_key") == 0)
        return copy(c->secret, sizeof(c->secret), value, strlen(value), "secret key", err);
    if (strcasecmp(name, "aws_session_token") == 0)
        return copy(c->token, sizeof(c->token), value, strlen(value), "session token", err);
    return 0;
}

static int parse(struct credentials *c, char *text, const char *profile, struct gyr_error *err)
{
    bool ours = false;
    char *save = NULL;
    int r = 0;

    for (char *line = strtok_r(text, "\n", &save); line && r == 0;
         line = strtok_r(NULL, "\n", &save)) {
        line = trim(line);
        if (*line == '[') {
            char *end = strchr(line, ']');

            if (end)
                *end = '\0';
            ours = strcmp(trim(line + 1), profile) == 0;
        } else if (ours && *line != '#' && *line != ';') {
            r = parse_line(c, line, err);
        }
    }
    return r;
}

int credentials_read_line(const char *path, size_t max, char **ret, struct gyr_error *err)
{
    char *text = NULL;
    int r = http_file(path, max, &text, NULL);

    if (r < 0)
        return gyr_fail(err, r, "%s: %s", path, strerror(-r));
    text[strcspn(text, "\r\n")] = '\0';
    *ret = text;
    return 0;
}

void credentials_free_line(char *line)
{
    if (line)
        explicit_bzero(line, strlen(line));
    free(line);
}

/* @return 0; 1: the file is not there, or has no such profile, and *err says so; negative: what is
 * in it cannot be. */
static int load_file(const struct credentials_conf *conf, struct credentials *ret,
                     struct gyr_error *err)
{
    const char *path = conf->file ? conf->file : getenv("AWS_SHARED_CREDENTIALS_FILE");
    const char *profile = conf->profile ? conf->profile : getenv("AWS_PROFILE");
    const char *home = getenv("HOME");
    char in_home[PATH_MAX], *text = NULL;
    size_t len;
    int r;

    if (!path) {
        (void)snprintf(in_home, sizeof(in_home), "%s/.aws/credentials", home ? home : "");
        path = in_home;
    }
    profile = profile ? profile : "default";
    r = http_file(path, FILE_SIZE_MAX, &text, &len);
    if (r < 0) {
        (void)gyr_fail(err, r, "%s: %s", path, strerror(-r));
    } else {
        r = parse(ret, text, profile, err);
        explicit_bzero(text, len);
        free(text);
    }
    if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
        return 1;
    if (r == 0 && (!ret->key[0] || !ret->secret[0])) {
        (void)gyr_fail(err, GYR_E_CONF,
                       "%s: profile '%s' has no aws_access_key_id and aws_secret_access_key", path,
                       profile);
        return 1;
    }
    return r;
}

int credentials_load(const struct credentials_conf *conf, const struct role_asker *asker,
                     struct credentials *ret, struct gyr_error *err)
{
    const char *key = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY");
    struct gyr_error no_file = {0}, no_role = {0};
    int r;

    memset(ret, 0, sizeof(*ret));
    if (conf->key || conf->secret) {
        if (!conf->key || !conf->secret)
            return gyr_fail(err, GYR_E_CONF, "access_key and secret_key are needed together");
        return credentials_set(ret, conf->key, conf->secret, conf->token, err);
    }
    if (conf->file || conf->profile) {
        r = load_file(conf, ret, err);
        return r > 0 ? GYR_E_CONF : r;
    }
    if (key && *key && secret && *secret)
        return credentials_set(ret, key, secret, getenv("AWS_SESSION_TOKEN"), err);
    r = role_of_workload(asker, ret, err);
    if (r <= 0)
        return r;
    r = load_file(conf, ret, &no_file);
    if (r <= 0) {
        if (r < 0)
            *err = no_file;
        return r;
    }
    memset(ret, 0, sizeof(*ret));
    r = role_of_container(asker, ret, err);
    if (r <= 0)
        return r;
    r = role_of_machine(asker, ret, &no_role);
    if (r == 0)
        return 0;
    return gyr_fail(err, r < 0 ? r : GYR_E_CONF,
                    "no access key in options, environment and file (%.300s); %.300s", no_file.msg,
                    r < 0 ? no_role.msg : "the metadata service is not asked");
}
