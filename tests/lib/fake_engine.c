/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void must(bool yes)
{
    if (!yes)
        abort();
}

static void send_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t w = send(fd, p, n, MSG_NOSIGNAL);

        if (w <= 0)
            return;
        p += w;
        n -= (size_t)w;
    }
}

__attribute__((format(printf, 2, 3))) static void sendf(int fd, const char *fmt, ...)
{
    char text[8192];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    must(n >= 0 && (size_t)n < sizeof(text));
    send_all(fd, text, (size_t)n);
}

static void answer(int fd, int status, const char *body)
{
    sendf(fd, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
          status, strlen(body));
    send_all(fd, body, strlen(body));
}

static void answer_chunked(int fd, const char *body)
{
    sendf(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t n; *body; body += n) {
        n = strnlen(body, 7);
        sendf(fd, "%zx\r\n%.*s\r\n", n, (int)n, body);
    }
    sendf(fd, "0\r\n\r\n");
}

static void answer_huge(int fd)
{
    static const char part[4096];

    sendf(fd, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 8 << 20);
    for (int i = 0; i < (8 << 20) / 4096; i++)
        send_all(fd, part, sizeof(part));
}

static void nap_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

/* ---- what is asked ---- */

static void list(struct fake_engine *e, int fd)
{
    char *body = NULL;
    size_t n = 0;
    bool first = true;
    FILE *f = open_memstream(&body, &n);

    must(f);
    (void)fputc('[', f);
    (void)pthread_mutex_lock(&e->lock);
    for (unsigned i = 0; i < e->n_containers; i++) {
        if (!e->containers[i].running)
            continue;
        (void)fprintf(f, "%s{\"Id\":\"%s\"}", first ? "" : ",", e->containers[i].id);
        first = false;
    }
    (void)pthread_mutex_unlock(&e->lock);
    (void)fputc(']', f);
    must(fclose(f) == 0);
    answer(fd, 200, body);
    free(body);
}

static bool inspect_text(struct fake_engine *e, const char *id, char *body, size_t size)
{
    bool found = false;

    (void)pthread_mutex_lock(&e->lock);
    for (unsigned i = 0; i < e->n_containers && !found; i++) {
        const struct engine_container *c = &e->containers[i];

        found = strcmp(c->id, id) == 0;
        if (found)
            (void)snprintf(
                body, size,
                "{\"Id\":\"%s\",\"Name\":\"/%s\",\"Created\":\"2026-11-26T03:52:54.5Z\",\"Image\":"
                "\"sha256:c5514d4dd70b\",\"State\":{\"Status\":\"%s\",\"Running\":%s,\"Pid\":42,"
                "\"StartedAt\":\"2026-11-26T03:52:55Z\"},\"HostConfig\":{\"Privileged\":%s,"
                "\"NetworkMode\":\"host\",\"PidMode\":\"\",\"IpcMode\":\"private\"},\"Mounts\":[{"
                "\"Source\":\"/a\",\"Destination\":\"/b\",\"Mode\":\"\",\"RW\":true,"
                "\"Propagation\":\"rprivate\"}],\"Config\":{\"Image\":\"gyr/test:1.0\",\"Env\":["
                "\"A=b\"],\"Labels\":{\"app\":\"x\"},\"Healthcheck\":{\"Test\":[\"CMD-SHELL\","
                "\"true\"]}},\"NetworkSettings\":{\"IPAddress\":\"\",\"Ports\":{\"80/tcp\":[{"
                "\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"}]},\"Networks\":{\"x\":{"
                "\"IPAddress\":\"10.1.2.3\"}}}}",
                c->id, c->name, c->running ? "running" : "exited", c->running ? "true" : "false",
                c->privileged ? "true" : "false");
    }
    (void)pthread_mutex_unlock(&e->lock);
    return found;
}

/* @return false: the connection is over. */
static bool inspect(struct fake_engine *e, int fd, const char *id)
{
    int fault = atomic_load(&e->fault);
    char body[4096] = "";

    if (fault != ENGINE_WELL && atomic_load(&e->faults_left) == 0)
        fault = ENGINE_WELL;
    else if (fault != ENGINE_WELL && atomic_load(&e->faults_left) > 0)
        atomic_fetch_sub(&e->faults_left, 1);
    if (fault == ENGINE_404 || !inspect_text(e, id, body, sizeof(body))) {
        answer(fd, 404, "{\"message\":\"No such container\"}");
        return true;
    }
    switch (fault) {
    case ENGINE_SLOW:
        nap_ms(500);
        break;
    case ENGINE_CUT:
        sendf(fd, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%.40s", strlen(body), body);
        return false;
    case ENGINE_500:
        answer(fd, 500, "{\"message\":\"oh\"}");
        return true;
    case ENGINE_NONSENSE:
        answer(fd, 200, "<html>it works</html>");
        return true;
    case ENGINE_CHUNKED:
        answer_chunked(fd, body);
        return true;
    case ENGINE_HUGE:
        answer_huge(fd);
        return false;
    case ENGINE_SILENT:
        return true;
    default:
        break;
    }
    answer(fd, 200, body);
    return true;
}

/* @return false: the connection is over. */
static bool serve(struct fake_engine *e, struct engine_client *c, const char *path)
{
    char id[65];

    if (strncmp(path, "/events", 7) == 0) {
        sendf(c->fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        (void)pthread_mutex_lock(&e->lock);
        c->streams = true;
        (void)pthread_mutex_unlock(&e->lock);
        atomic_fetch_add(&e->streams, 1);
    } else if (strncmp(path, "/containers/json", 16) == 0) {
        atomic_fetch_add(&e->lists, 1);
        list(e, c->fd);
    } else if (strncmp(path, "/containers/", 12) == 0) {
        (void)snprintf(id, sizeof(id), "%.*s", (int)strcspn(path + 12, "/"), path + 12);
        atomic_fetch_add(&e->inspects, 1);
        return inspect(e, c->fd, id);
    } else if (strncmp(path, "/images/", 8) == 0) {
        atomic_fetch_add(&e->images, 1);
        answer(c->fd, 200,
               "{\"Id\":\"sha256:c5514d4dd70b\",\"RepoTags\":[\"gyr/test:1.0\"],\"RepoDigests\":["
               "\"other@sha256:00\",\"gyr/test@sha256:d1\"]}");
    } else {
        answer(c->fd, 404, "{}");
    }
    return true;
}

static void *client_main(void *arg)
{
    struct engine_client *c = arg;
    struct fake_engine *e = c->e;
    char head[4096], path[1024];
    size_t used = 0;

    for (;;) {
        ssize_t n = recv(c->fd, head + used, sizeof(head) - 1 - used, 0);
        char *end;

        if (n <= 0)
            break;
        used += (size_t)n;
        head[used] = '\0';
        end = strstr(head, "\r\n\r\n");
        if (!end)
            continue;
        if (strncmp(head, "GET ", 4) != 0)
            break;
        (void)snprintf(path, sizeof(path), "%.*s", (int)strcspn(head + 4, " "), head + 4);
        if (!serve(e, c, path))
            break;
        used -= (size_t)(end + 4 - head);
        memmove(head, end + 4, used);
    }
    (void)pthread_mutex_lock(&e->lock);
    (void)shutdown(c->fd, SHUT_RDWR);
    c->done = true;
    (void)pthread_mutex_unlock(&e->lock);
    return NULL;
}

/* ---- the server ---- */

static void reap(struct fake_engine *e, bool all)
{
    for (int i = 0; i < ENGINE_CLIENTS; i++) {
        struct engine_client *c = &e->clients[i];
        bool gone;

        (void)pthread_mutex_lock(&e->lock);
        gone = c->used && (all || c->done);
        if (gone)
            (void)shutdown(c->fd, SHUT_RDWR);
        (void)pthread_mutex_unlock(&e->lock);
        if (!gone)
            continue;
        (void)pthread_join(c->thread, NULL);
        (void)pthread_mutex_lock(&e->lock);
        (void)close(c->fd);
        c->used = c->streams = c->done = false;
        (void)pthread_mutex_unlock(&e->lock);
    }
}

static void *server_main(void *arg)
{
    struct fake_engine *e = arg;

    for (;;) {
        int fd = accept(e->server, NULL, NULL), i = 0;

        if (fd < 0)
            return NULL;
        reap(e, false);
        while (i < ENGINE_CLIENTS && e->clients[i].used)
            i++;
        must(i < ENGINE_CLIENTS);
        (void)pthread_mutex_lock(&e->lock);
        e->clients[i] = (struct engine_client){.e = e, .fd = fd, .used = true};
        (void)pthread_mutex_unlock(&e->lock);
        must(pthread_create(&e->clients[i].thread, NULL, client_main, &e->clients[i]) == 0);
    }
}

void engine_start(struct fake_engine *e, const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};

    if (!e->path[0])
        (void)pthread_mutex_init(&e->lock, NULL);
    must(strlen(path) < sizeof(sa.sun_path));
    memcpy(sa.sun_path, path, strlen(path) + 1);
    memmove(e->path, path, strlen(path) + 1);
    (void)unlink(path);
    e->server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(e->server >= 0 && bind(e->server, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
         listen(e->server, 64) == 0);
    must(pthread_create(&e->thread, NULL, server_main, e) == 0);
}

void engine_stop(struct fake_engine *e)
{
    (void)unlink(e->path);
    (void)shutdown(e->server, SHUT_RDWR);
    (void)pthread_join(e->thread, NULL);
    (void)close(e->server);
    reap(e, true);
}

const char *engine_add(struct fake_engine *e, unsigned number, bool running, bool privileged)
{
    struct engine_container *c;

    (void)pthread_mutex_lock(&e->lock);
    must(e->n_containers < ENGINE_CONTAINERS);
    c = &e->containers[e->n_containers++];
    (void)snprintf(c->id, sizeof(c->id), "%012x%052x", number, number);
    (void)snprintf(c->name, sizeof(c->name), "n%u", number);
    c->running = running;
    c->privileged = privileged;
    (void)pthread_mutex_unlock(&e->lock);
    return c->id;
}

void engine_remove(struct fake_engine *e, const char *id)
{
    (void)pthread_mutex_lock(&e->lock);
    for (unsigned i = 0; i < e->n_containers; i++)
        if (strcmp(e->containers[i].id, id) == 0) {
            e->containers[i].id[0] = 'x'; /* nobody asks for that */
            e->containers[i].running = false;
        }
    (void)pthread_mutex_unlock(&e->lock);
}

void engine_say(struct fake_engine *e, const char *line)
{
    (void)pthread_mutex_lock(&e->lock);
    for (int i = 0; i < ENGINE_CLIENTS; i++)
        if (e->clients[i].used && e->clients[i].streams)
            sendf(e->clients[i].fd, "%zx\r\n%s\r\n", strlen(line), line);
    (void)pthread_mutex_unlock(&e->lock);
}

void engine_event(struct fake_engine *e, const char *action, const char *id, const char *name)
{
    char line[512];

    (void)snprintf(line, sizeof(line),
                   "{\"Type\":\"container\",\"Action\":\"%s\",\"Actor\":{\"ID\":\"%s\","
                   "\"Attributes\":{\"name\":\"%s\",\"image\":\"gyr/test:1.0\",\"app\":\"x\"}},"
                   "\"timeNano\":1795665604388660409}\n",
                   action, id, name);
    engine_say(e, line);
}
