/* SPDX-License-Identifier: Apache-2.0 */
#include "web_rig.h"

#include <stdlib.h>
#include <string.h>

const struct gyr_plugin *gyr_plugin_query_webhook(uint32_t host_abi);

enum { ALERTS = 8 };

const struct gyr_alert *web_rig_alert(uint32_t i)
{
    static const char *const tags[] = {"shell", "mitre \"x\""};
    static const struct gyr_alert_field fields[] = {
        {"proc.name", {GYR_T_STR, 5, {.ptr = "ba\"sh"}}, "ba\"sh"},
        {"proc.pid", {.type = GYR_T_I64, .u.i64 = -42}, "-42"},
        {"evt.dir", {.type = GYR_T_NONE}, "<NA>"},
        {"proc.is_exe_upper_layer", {.type = GYR_T_BOOL, .u.u64 = 1}, "true"},
    };
    static struct gyr_alert alerts[ALERTS];
    static char uuids[ALERTS][40], json[ALERTS][200];
    struct gyr_alert *a = &alerts[i % ALERTS];
    int n;

    i %= ALERTS;
    (void)snprintf(uuids[i], sizeof(uuids[i]), "0b5a1c9e-0000-4000-8000-00000000000%u", i);
    n = snprintf(json[i], sizeof(json[i]),
                 "{\"uuid\":\"%s\",\"output\":\"a \\\"shell\\\" \\\\ {text}\",\"n\":%u}", uuids[i],
                 i);
    *a = (struct gyr_alert){.size = sizeof(*a),
                            .priority = i % 8,
                            .token = i + 1,
                            .ts_ns = 1700000000123456789,
                            .uuid = uuids[i],
                            .rule = "Shell \"in\" a container",
                            .source = "syscall",
                            .hostname = "node-1",
                            .text = "a \"shell\" \\ {text} <!channel> é",
                            .json = json[i],
                            .json_len = (uint32_t)n,
                            .n_tags = 2,
                            .n_fields = sizeof(fields) / sizeof(fields[0]),
                            .tags = tags,
                            .fields = fields,
                            .attempt = 1};
    a->text_len = (uint32_t)strlen(a->text);
    return a;
}

void web_rig_init(struct web_rig *r, SSL_CTX *tls)
{
    memset(r, 0, sizeof(*r));
    fake_host_init(&r->host);
    r->plugin = gyr_plugin_query_webhook(0);
    r->server = web_server_start(tls);
    (void)snprintf(r->url, sizeof(r->url), "%s://127.0.0.1:%u/hook", tls ? "https" : "http",
                   web_server_port(r->server));
    r->cfg = (struct hook_config){.url = r->url,
                                  .max_body = 1 << 20,
                                  .timeout = 5000000000,
                                  .sign_header = "X-Gyr-Signature-256",
                                  .tls_verify = 1};
}

int web_rig_open(struct web_rig *r)
{
    int e = r->plugin->create(&r->host.host, &r->cfg, &r->self, &r->err);

    return e < 0 ? e : r->plugin->start(r->self, &r->err);
}

int web_rig_write(struct web_rig *r, uint32_t n)
{
    const struct gyr_alert *list[ALERTS];

    for (uint32_t i = 0; i < n; i++) {
        list[i] = web_rig_alert(i);
        r->v[i] = (struct gyr_verdict){.verdict = GYR_V_RETRY};
    }
    memset(&r->err, 0, sizeof(r->err));
    return r->plugin->output->write(r->self, list, n, r->v, &r->err);
}

void web_rig_free(struct web_rig *r)
{
    r->plugin->destroy(r->self);
    web_server_stop(r->server);
    if (fake_host_free(&r->host) != 0)
        abort();
}
