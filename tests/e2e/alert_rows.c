/* SPDX-License-Identifier: Apache-2.0 */
/* alert_rows NAME…: alerts as JSON lines on standard input become rows on standard output: how many
 * microseconds after its event an alert arrived (0 without the field evt.time), then the named keys
 * or output fields, between tabs; a field that is absent is "-". */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { NSEC_PER_SEC = 1000000000, NSEC_PER_USEC = 1000 };

static int64_t now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static const json_t *value_of(const json_t *alert, const char *name)
{
    const json_t *v = json_object_get(json_object_get(alert, "output_fields"), name);

    return v ? v : json_object_get(alert, name);
}

static void put(const json_t *v)
{
    if (json_is_string(v))
        for (const char *s = json_string_value(v); *s; s++)
            (void)putchar((unsigned char)*s < ' ' ? '?' : *s);
    else if (json_is_integer(v))
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
    else if (json_is_boolean(v))
        printf("%s", json_is_true(v) ? "true" : "false");
    else
        (void)putchar('-');
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t cap = 0;
    int bad = 0;

    while (getline(&line, &cap, stdin) > 0) {
        int64_t now = now_ns(), at;
        json_t *alert = json_loads(line, 0, NULL);

        if (!alert) {
            (void)fprintf(stderr, "alert_rows: no JSON: %s", line);
            bad = 1;
            continue;
        }
        at = json_integer_value(value_of(alert, "evt.time"));
        printf("%" PRId64, at ? (now - at) / NSEC_PER_USEC : 0);
        for (int i = 1; i < argc; i++) {
            (void)putchar('\t');
            put(value_of(alert, argv[i]));
        }
        (void)putchar('\n');
        (void)fflush(stdout);
        json_decref(alert);
    }
    free(line);
    return bad;
}
