/* SPDX-License-Identifier: Apache-2.0 */
/* Containers looked up: by list, by event, because somebody asks. */
#include "docker.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t NS_MS = 1000000, NS_S = 1000000000;
enum { TRIES_MAX = 4, RETRY_MS = 100, IMAGE_MS = 2000 };

/* ---- the queue ---- */

static struct dk_job *find(const struct dk_jobs *list, const char *id)
{
    struct dk_job *j = TAILQ_FIRST(list);

    while (j && strcmp(j->id, id) != 0)
        j = TAILQ_NEXT(j, link);
    return j;
}

static void job_free(struct dk_job *j)
{
    json_decref(j->attributes);
    json_decref(j->container);
    free(j);
}

/* Ids go into the path of a request. */
static bool is_plain(const char *id)
{
    for (; *id; id++)
        if (!isalnum((unsigned char)*id) && !strchr("_.-", *id))
            return false;
    return true;
}

void dk_job_add(struct docker *d, const char *id, enum ct_why why, struct dk_socket *from,
                const json_t *attributes)
{
    struct dk_job *j = find(&d->jobs, id);

    if (!is_plain(id)) {
        containers_unknown(d->containers, id);
        return;
    }
    if (!j) {
        j = d->n_jobs < DK_JOBS_MAX ? calloc(1, sizeof(*j)) : NULL;
        if (!j) {
            (void)d->host->metric_add(d->host->ctx, "lookups_refused", 1);
            return;
        }
        j->d = d;
        j->why = CT_ASKED;
        memcpy(j->id, id, strlen(id) + 1);
        if (why == CT_LISTED)
            TAILQ_INSERT_TAIL(&d->jobs, j, link);
        else /* somebody may wait for it */
            TAILQ_INSERT_HEAD(&d->jobs, j, link);
        d->n_jobs++;
    }
    if (j->why != CT_STARTED)
        j->why = why;
    if (from) {
        j->only_here = true;
        j->at = (uint32_t)(from - d->sockets);
    }
    if (attributes) {
        json_decref(j->attributes);
        j->attributes = json_deep_copy(attributes);
    }
}

void dk_job_died(struct docker *d, const char *id)
{
    struct dk_job *j = find(&d->jobs, id);

    if (!j)
        j = find(&d->under_way, id);
    if (j)
        j->died = true; /* first that it was there, then that it is not */
    else
        containers_gone(d->containers, id);
}

static void to_under_way(struct dk_job *j)
{
    TAILQ_REMOVE(&j->d->jobs, j, link);
    j->d->n_jobs--;
    TAILQ_INSERT_TAIL(&j->d->under_way, j, link);
    j->d->n_under_way++;
}

static void leave(struct dk_job *j)
{
    TAILQ_REMOVE(&j->d->under_way, j, link);
    j->d->n_under_way--;
}

static void end(struct dk_job *j)
{
    leave(j);
    if (j->died)
        containers_gone(j->d->containers, j->id);
    job_free(j);
}

/* ---- answers ---- */

static void learn(struct dk_job *j, const json_t *image)
{
    struct docker *d = j->d;

    if (dk_facts_of(j->container, image, d->sockets[j->at].type, &d->facts))
        containers_learnt(d->containers, &d->facts.f, j->why);
    else
        containers_unknown(d->containers, j->id);
    end(j);
}

/* It cannot be asked about any more: what the event said of it is all there is. */
static void learn_of_event(struct dk_job *j)
{
    struct docker *d = j->d;

    if (json_string_value(json_object_get(j->attributes, "name"))) {
        dk_facts_of_event(j->id, j->attributes, d->sockets[j->at].type, &d->facts);
        containers_learnt(d->containers, &d->facts.f, j->why);
    } else {
        containers_unknown(d->containers, j->id);
    }
    end(j);
}

static void again_later(struct dk_job *j)
{
    struct docker *d = j->d;

    if (++j->tries >= TRIES_MAX) {
        learn_of_event(j);
        return;
    }
    leave(j);
    j->not_before_ns = dk_now(d) + (RETRY_MS * NS_MS << j->tries);
    TAILQ_INSERT_TAIL(&d->jobs, j, link);
    d->n_jobs++;
}

/* ---- images ---- */

static struct dk_image *image_find(struct docker *d, const char *id)
{
    for (uint32_t i = 0; i < d->n_images; i++) {
        if (strcmp(d->images[i].id, id) == 0) {
            d->images[i].used = ++d->image_clock;
            return &d->images[i];
        }
    }
    return NULL;
}

/* @param json taken over. The one used longest ago makes room. */
static struct dk_image *image_keep(struct docker *d, const char *id, json_t *json)
{
    struct dk_image *at = &d->images[0];

    if (d->n_images < DK_IMAGES_MAX)
        at = &d->images[d->n_images++];
    else
        for (uint32_t i = 1; i < DK_IMAGES_MAX; i++)
            if (d->images[i].used < at->used)
                at = &d->images[i];
    json_decref(at->json);
    *at = (struct dk_image){.json = json, .used = ++d->image_clock};
    strncat(at->id, id, sizeof(at->id) - 1);
    return at;
}

/* Only what is read of it. */
static json_t *image_of(const struct http_answer *a)
{
    json_t *all = json_loadb(a->body, a->body_len, 0, NULL), *o;

    if (!json_is_object(all)) {
        json_decref(all);
        return NULL;
    }
    o = json_object();
    (void)json_object_set(o, "Id", json_object_get(all, "Id"));
    (void)json_object_set(o, "RepoTags", json_object_get(all, "RepoTags"));
    (void)json_object_set(o, "RepoDigests", json_object_get(all, "RepoDigests"));
    json_decref(all);
    return o;
}

static void image_done(struct dk_request *r, const struct http_answer *a)
{
    struct dk_job *j = r->ctx;
    json_t *image = a->status == 200 ? image_of(a) : NULL;
    const char *id = dk_image_of(j->container);

    if (image || a->status == 404)
        (void)image_keep(j->d, id, image);
    learn(j, image); /* without it, all but its digest */
}

static void ask_image(struct dk_job *j)
{
    struct docker *d = j->d;
    const char *id = dk_image_of(j->container);
    char path[256];
    struct dk_get g = {.socket = d->sockets[j->at].path,
                       .path = path,
                       .timeout_ns = IMAGE_MS * NS_MS,
                       .done = image_done,
                       .ctx = j,
                       .owner = &d->sockets[j->at]};
    const struct dk_image *known = id ? image_find(d, id) : NULL;

    if (known || !id || strlen(id) >= sizeof(known->id) ||
        !is_plain(strncmp(id, "sha256:", 7) == 0 ? id + 7 : id)) {
        learn(j, known ? known->json : NULL);
        return;
    }
    (void)snprintf(path, sizeof(path), "/images/%s/json", id);
    if (!dk_http_get(&d->http, &g))
        learn(j, NULL);
}

/* ---- asking ---- */

/* @return whether there is another socket to ask. */
static bool next_socket(struct dk_job *j, uint32_t from)
{
    struct docker *d = j->d;

    for (uint32_t i = from; i < d->n_sockets; i++) {
        const struct dk_socket *s = &d->sockets[i];

        if (s->up) {
            j->at = i;
            return true;
        }
        j->skipped = j->skipped || s->present;
    }
    return false;
}

/* Events that were missed are on their way: one of them may name what has gone meanwhile. */
static bool just_came(const struct docker *d)
{
    uint64_t now = dk_now(d);

    for (uint32_t i = 0; i < d->n_sockets; i++)
        if (d->sockets[i].up && now - d->sockets[i].up_ns < 2 * NS_S)
            return true;
    return false;
}

static void inspect(struct dk_job *j);

static void not_here(struct dk_job *j)
{
    struct docker *d = j->d;

    if (j->only_here) {
        learn_of_event(j);
    } else if (next_socket(j, j->at + 1)) {
        inspect(j);
    } else if (j->skipped) {
        end(j); /* the question stays open until that one can be asked */
    } else if (!j->tries && just_came(d)) {
        again_later(j);
    } else {
        containers_unknown(d->containers, j->id);
        end(j);
    }
}

static void inspect_done(struct dk_request *r, const struct http_answer *a)
{
    struct dk_job *j = r->ctx;
    struct docker *d = j->d;

    if (a->status == 200)
        j->container = json_loadb(a->body, a->body_len, 0, NULL);
    if (a->status == 404) {
        not_here(j);
    } else if (json_is_object(j->container)) {
        ask_image(j);
    } else if (!d->sockets[j->at].up) {
        end(j); /* it is listed, or asked for, anew when the runtime is back */
    } else {
        json_decref(j->container);
        j->container = NULL;
        (void)d->host->metric_add(d->host->ctx, "answers_not_understood", 1);
        again_later(j);
    }
}

static void inspect(struct dk_job *j)
{
    struct docker *d = j->d;
    char path[CT_ID_MAX + 32];
    struct dk_get g = {.socket = d->sockets[j->at].path,
                       .path = path,
                       .timeout_ns = d->cfg->timeout,
                       .done = inspect_done,
                       .ctx = j,
                       .owner = &d->sockets[j->at]};

    (void)snprintf(path, sizeof(path), "/containers/%s/json", j->id);
    if (!dk_http_get(&d->http, &g))
        again_later(j);
}

static void begin(struct dk_job *j)
{
    to_under_way(j);
    j->skipped = false;
    if (j->only_here) {
        if (j->d->sockets[j->at].up)
            inspect(j);
        else
            end(j);
    } else if (next_socket(j, 0)) {
        inspect(j);
    } else if (j->skipped) {
        end(j);
    } else {
        containers_unknown(j->d->containers, j->id);
        end(j);
    }
}

static bool can_ask(const struct docker *d)
{
    bool down = false;

    for (uint32_t i = 0; i < d->n_sockets; i++) {
        if (d->sockets[i].up)
            return true;
        down = down || d->sockets[i].present;
    }
    return !down; /* nobody is there: then that is the answer */
}

uint64_t dk_jobs_tick(struct docker *d)
{
    uint64_t now = dk_now(d), next = 3600 * NS_S;
    char id[CT_ID_MAX + 1];
    struct dk_job *j, *after;

    if (atomic_exchange(&d->asked, false) && !can_ask(d)) {
        dk_sockets_hurry(d);
        next = 0;
    }
    while (can_ask(d) && d->n_jobs < DK_JOBS_MAX && containers_next_ask(d->containers, id))
        if (!find(&d->under_way, id)) /* else the answer is on its way */
            dk_job_add(d, id, CT_ASKED, NULL, NULL);
    for (j = TAILQ_FIRST(&d->jobs); j && d->n_under_way < DK_AT_ONCE; j = after) {
        after = TAILQ_NEXT(j, link);
        if (j->not_before_ns <= now && !find(&d->under_way, j->id))
            begin(j);
        else if (j->not_before_ns > now && j->not_before_ns - now < next)
            next = j->not_before_ns - now;
    }
    return next;
}

void dk_jobs_free(struct docker *d)
{
    struct dk_job *j;

    while ((j = TAILQ_FIRST(&d->jobs))) {
        TAILQ_REMOVE(&d->jobs, j, link);
        job_free(j);
    }
    while ((j = TAILQ_FIRST(&d->under_way))) {
        TAILQ_REMOVE(&d->under_way, j, link);
        job_free(j);
    }
    for (uint32_t i = 0; i < d->n_images; i++)
        json_decref(d->images[i].json);
}
