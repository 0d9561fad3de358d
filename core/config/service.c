/* SPDX-License-Identifier: Apache-2.0 */
/* How a running detector is asked, and how it tells of itself. */
#include "base/addr.h"
#include "base/cleanup.h"
#include "config/read.h"

#include <string.h>
#include <sys/un.h>

static void http_listen(struct reader *r, const struct ynode *v, void *target)
{
    struct config *c = target;
    const char *s = conf_read_text(r, v);
    struct sockaddr_storage addr;
    struct gyr_error err = {0};
    socklen_t len;

    if (!s)
        return;
    if (strcmp(s, "none") == 0)
        c->http_listen = NULL;
    else if (parse_listen(s, &addr, &len, &err) < 0)
        diag_error(r->d, v->loc, "%s", err.msg);
    else
        c->http_listen = s;
}

void conf_read_http(struct reader *r, const struct ynode *v, void *target)
{
    static const struct key keys[] = {{"listen", http_listen}};
    struct config *c = target;

    if (!c->http_listen)
        c->http_listen = HTTP_LISTEN_DEFAULT;
    conf_read_map(r, v, keys, ARRAY_LEN(keys), "http", target);
}

void conf_read_status_socket(struct reader *r, const struct ynode *v, void *target)
{
    const size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
    struct config *c = target;
    const char *s = conf_read_text(r, v);

    if (!s)
        return;
    if (strcmp(s, "none") != 0 && (s[0] != '/' || strlen(s) > max)) {
        diag_error(r->d, v->loc, "must be an absolute path of at most %zu bytes, or 'none'", max);
        return;
    }
    c->status_socket = strcmp(s, "none") == 0 ? NULL : s;
    c->status_socket_named = true;
}

void conf_read_stuck_after(struct reader *r, const struct ynode *v, void *target)
{
    struct config *c = target;

    (void)conf_read_number(r, v, UNIT_DURATION, UINT64_C(2000000000), UINT64_C(3600000000000),
                           &c->stuck_after_ns);
}
