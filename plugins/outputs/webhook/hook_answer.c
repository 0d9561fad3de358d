/* SPDX-License-Identifier: Apache-2.0 */
#include "hook_answer.h"

#include <errno.h>
#include <jansson.h>

static int take_item(const json_t *item, struct gyr_verdict *v, struct gyr_error *err)
{
    const json_t *result = json_object_get(item, "create");
    const json_t *reason = json_object_get(json_object_get(result, "error"), "reason");
    json_int_t s = json_integer_value(json_object_get(result, "status"));

    if ((s >= 200 && s < 300) || s == 409)
        v->verdict = GYR_V_ACCEPTED;
    else if (s < 400 || s >= 500 || s == 408 || s == 429)
        v->verdict = GYR_V_RETRY;
    else
        v->verdict = GYR_V_FAILED;
    if (v->verdict == GYR_V_ACCEPTED)
        return 0;
    return gyr_fail(err, -EBADMSG, "a document was answered %lld: %.200s", (long long)s,
                    json_is_string(reason) ? json_string_value(reason) : "no reason given");
}

int hook_answer_bulk(const char *body, size_t len, struct gyr_verdict *v, uint32_t n,
                     struct gyr_error *err)
{
    json_t *root = json_loadb(body, len, 0, NULL);
    const json_t *items = json_object_get(root, "items");
    int r = 0;

    if (!json_is_array(items) || json_array_size(items) != n) {
        json_decref(root);
        return gyr_fail(err, -EBADMSG, "the answer does not tell of each document");
    }
    for (uint32_t i = 0; i < n; i++) {
        struct gyr_error one = {0};

        if (take_item(json_array_get(items, i), &v[i], &one) < 0 && r == 0)
            r = gyr_fail(err, -EBADMSG, "%s", one.msg);
    }
    json_decref(root);
    return r;
}

uint32_t hook_answer_partial(const char *body, size_t len, uint32_t n, struct gyr_error *err)
{
    json_t *root = json_loadb(body, len, 0, NULL);
    const json_t *partial = json_object_get(root, "partialSuccess");
    const json_t *count = json_object_get(partial, "rejectedLogRecords");
    const char *why = json_string_value(json_object_get(partial, "errorMessage"));
    const char *digits = json_string_value(count); /* as JSON has numbers of 64 bits */
    json_int_t number = json_integer_value(count);
    uint64_t refused = number > 0 ? (uint64_t)number : 0;

    for (; digits && *digits >= '0' && *digits <= '9' && refused < n; digits++)
        refused = refused * 10 + (uint64_t)(*digits - '0');
    if (refused > n)
        refused = n;
    if (refused)
        (void)gyr_fail(err, -EBADMSG, "%u of %u records were refused: %.200s", (unsigned)refused, n,
                       why ? why : "no reason given");
    else if (why && *why)
        (void)gyr_fail(err, 0, "taken, with a warning: %.200s", why);
    json_decref(root);
    return (uint32_t)refused;
}
