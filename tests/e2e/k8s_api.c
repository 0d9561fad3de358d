/* SPDX-License-Identifier: Apache-2.0 */
/* k8s_api DIR [TOKEN]: a made-up Kubernetes API on 127.0.0.1. Puts its certificates into DIR,
 * prints its port, and obeys the lines of its standard input until that ends. */
#include "../lib/k8s_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void obey(struct k8s_server *s, char *line)
{
    char *json = strchr(line, '{'), *words[4] = {NULL}, *rest = line;
    const char *what, *a, *b, *c;

    for (int i = 0; i < 4 && rest && rest != json; i++) {
        words[i] = strsep(&rest, " \n");
    }
    what = words[0] ? words[0] : "";
    a = words[1] ? words[1] : "";
    b = words[2] ? words[2] : "";
    c = words[3] ? words[3] : "";
    if (strcmp(what, "put") == 0 && json)
        k8s_server_put(s, a, json);
    else if (strcmp(what, "delete") == 0)
        (void)k8s_server_delete(s, a, b, c);
    else if (strcmp(what, "drop") == 0)
        k8s_server_drop(s, strcmp(a, "refuse") == 0);
    else if (strcmp(what, "compact") == 0)
        k8s_server_compact(s);
    else if (strcmp(what, "token") == 0)
        k8s_server_token(s, a);
    else if (strcmp(what, "slow") == 0)
        k8s_server_slow(s, (uint32_t)strtoul(a, NULL, 10));
    else
        (void)fprintf(stderr, "k8s_api: what is '%s'?\n", what);
}

int main(int argc, char **argv)
{
    struct k8s_server *s;
    char *line = NULL;
    size_t size = 0;

    if (argc < 2)
        return 2;
    s = k8s_server_start(
        &(struct k8s_server_conf){.dir = argv[1], .token = argc > 2 ? argv[2] : NULL});
    (void)printf("%u\n", k8s_server_port(s));
    (void)fflush(stdout);
    while (getline(&line, &size, stdin) > 0)
        obey(s, line);
    free(line);
    k8s_server_stop(s);
    return 0;
}
