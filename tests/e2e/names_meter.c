/* SPDX-License-Identifier: Apache-2.0 */
/* names_meter: reads alerts (JSON lines) as they come and judges the names in them.
 *
 * Each hostile command says in its last argument what is true: "NAME@IMAGE". Of each event there
 * must be two alerts: one of the rule "plain", which reads nothing of the runtime, and one of the
 * rule "named", which reads container.name and container.image. How much later the second came is
 * what the name has cost. Prints one line:
 *   plain N named N right N missing N wrong N twice N median_ms X worst_ms X */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EVENTS_MAX = 4096 };

struct seen {
    json_int_t num;
    double plain_ms, named_ms; /* when they came */
    int plain, named;
};

static struct seen all[EVENTS_MAX];
static size_t n_all;
static unsigned plain, named, right, missing, wrong;

static double now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static struct seen *seen_of(json_int_t num)
{
    for (size_t i = 0; i < n_all; i++)
        if (all[i].num == num)
            return &all[i];
    if (n_all == EVENTS_MAX)
        exit(1);
    all[n_all].num = num;
    return &all[n_all++];
}

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

static void judge(const json_t *fields, const char *line)
{
    const char *args = text(fields, "proc.args"), *truth = strrchr(args, ' ');
    char says[512];

    truth = truth ? truth + 1 : args;
    (void)snprintf(says, sizeof(says), "%s@%s", text(fields, "container.name"),
                   text(fields, "container.image"));
    if (strcmp(says, truth) == 0) {
        right++;
    } else if (json_is_null(json_object_get(fields, "container.name")) &&
               strstr(line, "\"metadata\":\"missing\"")) {
        missing++;
    } else {
        wrong++;
        (void)fprintf(stderr, "wrong: %s", line);
    }
}

static void read_alert(const char *line)
{
    json_t *a = json_loads(line, 0, NULL), *fields = json_object_get(a, "output_fields");
    const char *rule = text(a, "rule");
    struct seen *s;

    if (strcmp(rule, "plain") == 0) {
        s = seen_of(json_integer_value(json_object_get(fields, "evt.num")));
        s->plain++;
        s->plain_ms = now_ms();
        plain++;
    } else if (strcmp(rule, "named") == 0) {
        s = seen_of(json_integer_value(json_object_get(fields, "evt.num")));
        s->named++;
        s->named_ms = now_ms();
        named++;
        judge(fields, line);
    }
    json_decref(a);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

int main(void)
{
    static double late[EVENTS_MAX];
    unsigned twice = 0, n = 0;
    char *line = NULL;
    size_t cap = 0;

    while (getline(&line, &cap, stdin) > 0)
        read_alert(line);
    free(line);
    for (size_t i = 0; i < n_all; i++) {
        twice += all[i].plain > 1 || all[i].named > 1;
        if (all[i].plain == 1 && all[i].named == 1)
            late[n++] = all[i].named_ms > all[i].plain_ms ? all[i].named_ms - all[i].plain_ms : 0;
    }
    qsort(late, n, sizeof(*late), by_size);
    (void)printf("plain %u named %u right %u missing %u wrong %u twice %u median_ms %.1f worst_ms "
                 "%.1f\n",
                 plain, named, right, missing, wrong, twice, n ? late[n / 2] : 0.0,
                 n ? late[n - 1] : 0.0);
    return 0;
}
