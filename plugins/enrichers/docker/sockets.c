/* SPDX-License-Identifier: Apache-2.0 */
/* Runtimes: found, connected, listened to, and given up for a while. */
#include "docker.h"

#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const uint64_t NS_MS = 1000000, NS_S = 1000000000;
enum {
    LOOK_S = 5,      /* how often sockets that are not there are looked for */
    VANISHED_S = 60, /* a runtime that restarts takes its socket away for a while */
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_S = 30,
    HURRY_MS = 500
};

static const char *const usual[] = {
    "/run/docker.sock",        "/var/run/docker.sock",           "/run/podman/podman.sock",
    "/run/user/*/docker.sock", "/run/user/*/podman/podman.sock", NULL};

/* ---- finding ---- */

static bool is_there(const char *path, struct stat *st)
{
    return stat(path, st) == 0 && S_ISSOCK(st->st_mode);
}

/* /var/run mostly is /run. */
static bool is_known(const struct docker *d, const char *path)
{
    struct stat st, other;

    for (uint32_t i = 0; i < d->n_sockets; i++)
        if (strcmp(d->sockets[i].path, path) == 0 ||
            (is_there(path, &st) && is_there(d->sockets[i].path, &other) &&
             st.st_dev == other.st_dev && st.st_ino == other.st_ino))
            return true;
    return false;
}

static void add(struct docker *d, const char *path, bool wanted)
{
    struct dk_socket *s = &d->sockets[d->n_sockets];

    if (d->n_sockets == DK_SOCKETS_MAX || is_known(d, path))
        return;
    if (strlen(path) >= sizeof(s->path)) {
        gyr_logf(d->host, GYR_LOG_WARNING, "the path of a socket is too long: %s", path);
        return;
    }
    *s = (struct dk_socket){.d = d, .wanted = wanted};
    memcpy(s->path, path, strlen(path) + 1);
    s->type = strstr(path, "podman") ? "podman" : "docker";
    d->n_sockets++;
}

/* @param wanted also what is not there yet. */
static void find(struct docker *d, const char *pattern, bool wanted)
{
    char path[512];
    glob_t g = {0};

    if (snprintf(path, sizeof(path), "%s%s", d->host->host_root, pattern) >= (int)sizeof(path))
        return;
    if (glob(path, GLOB_NOSORT, NULL, &g) == 0)
        for (size_t i = 0; i < g.gl_pathc; i++)
            add(d, g.gl_pathv[i], wanted);
    else if (wanted)
        add(d, path, true);
    globfree(&g);
}

static void look(struct docker *d, uint64_t now)
{
    const char *const *list = d->cfg->sockets && d->cfg->sockets[0] ? d->cfg->sockets : usual;

    for (uint32_t i = 0; list[i]; i++)
        find(d, list[i], list != usual);
    for (uint32_t i = 0; i < d->n_sockets; i++) {
        struct dk_socket *s = &d->sockets[i];
        struct stat st;

        if (is_there(s->path, &st))
            s->seen_ns = now;
        s->present = s->up || (s->seen_ns && now - s->seen_ns < VANISHED_S * NS_S);
        if (!s->present && s->wanted && !s->told_absent) {
            s->told_absent = true;
            gyr_logf(d->host, GYR_LOG_WARNING, "there is no socket %s (yet)", s->path);
        }
    }
}

/* ---- what they say ---- */

static void came_up(struct dk_socket *s)
{
    const struct gyr_host *h = s->d->host;

    s->trying = false;
    if (s->up)
        return;
    s->up = true;
    s->up_ns = dk_now(s->d);
    s->backoff_ns = 0;
    gyr_logf(h, s->told_down ? GYR_LOG_NOTICE : GYR_LOG_INFO, "%s %s%s", s->type,
             s->told_down ? "answers again at " : "answers at ", s->path);
    s->was_up = true;
    s->told_down = s->told_absent = false;
    containers_down(s->d->containers); /* what it was not asked yet */
}

void dk_socket_failed(struct dk_socket *s, const char *why)
{
    struct docker *d = s->d;
    uint64_t now = dk_now(d);

    if (!s->up && !s->trying)
        return;
    s->up = s->trying = false;
    s->backoff_ns = s->backoff_ns ? s->backoff_ns * 2 : BACKOFF_MIN_MS * NS_MS;
    if (s->backoff_ns > BACKOFF_MAX_S * NS_S)
        s->backoff_ns = BACKOFF_MAX_S * NS_S;
    s->retry_ns = now + s->backoff_ns * 3 / 4 + arc4random_uniform(1000) * (s->backoff_ns / 2000);
    if (!s->told_down) {
        s->told_down = true;
        gyr_logf(d->host, GYR_LOG_WARNING,
                 "%s at %s cannot be asked: %s; containers are named as far as they are known, and "
                 "it is tried again",
                 s->type, s->path, why);
    }
    dk_http_cancel(&d->http, s);
    containers_down(d->containers);
}

static const char *text(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

/* Of old APIs the action and the id stand outside. */
static void on_event(struct dk_socket *s, const json_t *e)
{
    const json_t *actor = json_object_get(e, "Actor");
    const json_t *attributes = json_object_get(actor, "Attributes");
    const char *action = text(e, "Action") ? text(e, "Action") : text(e, "status");
    const char *id = text(actor, "ID") ? text(actor, "ID") : text(e, "id");
    json_int_t at = json_integer_value(json_object_get(e, "timeNano"));

    if (at > 0)
        s->since_ns = (uint64_t)at + 1;
    if (!action || !id || !*id || strlen(id) > CT_ID_MAX ||
        (text(e, "Type") && strcmp(text(e, "Type"), "container") != 0))
        return;
    if (strcmp(action, "start") == 0)
        dk_job_add(s->d, id, CT_STARTED, s, attributes);
    else if (strcmp(action, "create") == 0 || strcmp(action, "rename") == 0 ||
             strcmp(action, "update") == 0)
        dk_job_add(s->d, id, CT_ASKED, s, attributes);
    else if (strcmp(action, "die") == 0 || strcmp(action, "died") == 0 ||
             strcmp(action, "destroy") == 0)
        dk_job_died(s->d, id);
}

static void events_line(struct dk_request *r, const char *line, size_t len)
{
    struct dk_socket *s = r->owner;
    json_t *e = json_loadb(line, len, 0, NULL);

    came_up(s);
    if (json_is_object(e))
        on_event(s, e);
    else
        (void)s->d->host->metric_add(s->d->host->ctx, "answers_not_understood", 1);
    json_decref(e);
}

static void events_done(struct dk_request *r, const struct http_answer *a)
{
    const char *why = a->why ? a->why : "its stream of events ended";
    char reason[64];

    if (a->status && a->status != 200) {
        (void)snprintf(reason, sizeof(reason), "it answers HTTP %ld", a->status);
        why = reason;
    }
    dk_socket_failed(r->owner, why);
}

static void list_done(struct dk_request *r, const struct http_answer *a)
{
    struct dk_socket *s = r->owner;
    json_t *list = a->status == 200 ? json_loadb(a->body, a->body_len, 0, NULL) : NULL;
    const char *why = a->why;
    const json_t *one;
    char reason[64];
    size_t i;

    if (!json_is_array(list)) {
        json_decref(list);
        if (a->status) {
            (void)snprintf(reason, sizeof(reason),
                           a->status == 200 ? "its list of containers is none"
                                            : "it answers HTTP %ld",
                           a->status);
            why = reason;
        }
        dk_socket_failed(s, why);
        return;
    }
    came_up(s);
    containers_listed(s->d->containers, (uint32_t)json_array_size(list));
    json_array_foreach(list, i, one)
    {
        const char *id = text(one, "Id");

        if (id && *id && strlen(id) <= CT_ID_MAX)
            dk_job_add(s->d, id, CT_LISTED, s, NULL);
    }
    json_decref(list);
}

/* ---- connecting ---- */

/* Events are asked for from before the list on, so that nothing falls between. */
static void connect_to(struct dk_socket *s, uint64_t now)
{
    struct docker *d = s->d;
    struct timespec ts;
    char path[256];
    struct dk_get events = {
        .socket = s->path, .path = path, .done = events_done, .line = events_line, .owner = s};
    struct dk_get list = {.socket = s->path,
                          .path = "/containers/json",
                          .done = list_done,
                          .timeout_ns = d->cfg->timeout,
                          .owner = s};

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    if (!s->since_ns)
        s->since_ns = (uint64_t)ts.tv_sec * NS_S + (uint64_t)ts.tv_nsec;
    (void)snprintf(path, sizeof(path),
                   "/events?since=%" PRIu64 ".%09" PRIu64
                   "&filters=%%7B%%22type%%22%%3A%%5B%%22container%%22%%5D%%7D",
                   s->since_ns / NS_S, s->since_ns % NS_S);
    s->trying = true;
    s->tried_ns = now;
    if (!dk_http_get(&d->http, &events) || !dk_http_get(&d->http, &list))
        dk_socket_failed(s, "no memory");
}

uint64_t dk_sockets_tick(struct docker *d)
{
    uint64_t now = dk_now(d), next = LOOK_S * NS_S;

    if (now >= d->look_ns) {
        look(d, now);
        d->look_ns = now + LOOK_S * NS_S;
    }
    for (uint32_t i = 0; i < d->n_sockets; i++) {
        struct dk_socket *s = &d->sockets[i];

        if (s->up || s->trying || !s->present)
            continue;
        if (now >= s->retry_ns)
            connect_to(s, now);
        else if (s->retry_ns - now < next)
            next = s->retry_ns - now;
    }
    return next;
}

void dk_sockets_hurry(struct docker *d)
{
    uint64_t now = dk_now(d);

    for (uint32_t i = 0; i < d->n_sockets; i++) {
        struct dk_socket *s = &d->sockets[i];

        if (!s->up && !s->trying && now - s->tried_ns > HURRY_MS * NS_MS)
            s->retry_ns = now;
    }
}
