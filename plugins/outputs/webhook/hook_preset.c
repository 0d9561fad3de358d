/* SPDX-License-Identifier: Apache-2.0 */
#include "hook_preset.h"

#include "webhook/presets.h" /* made from presets/NAME.yaml: struct { name, text } hook_presets[] */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

static const struct {
    const char *name;
    size_t offset;
} keys[] = {
    {"url", offsetof(struct hook_preset, url)},
    {"path", offsetof(struct hook_preset, path)},
    {"method", offsetof(struct hook_preset, method)},
    {"content_type", offsetof(struct hook_preset, content_type)},
    {"body", offsetof(struct hook_preset, body)},
    {"body_begin", offsetof(struct hook_preset, body_begin)},
    {"body_end", offsetof(struct hook_preset, body_end)},
    {"batch", offsetof(struct hook_preset, batch)},
    {"max_batch", offsetof(struct hook_preset, max_batch)},
    {"answer", offsetof(struct hook_preset, answer)},
};

const char *hook_preset_name(unsigned i)
{
    return i < sizeof(hook_presets) / sizeof(hook_presets[0]) ? hook_presets[i].name : NULL;
}

static const char *scalar(yaml_document_t *doc, int node)
{
    const yaml_node_t *n = yaml_document_get_node(doc, node);

    return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : NULL;
}

static int take_headers(struct hook_preset *p, yaml_document_t *doc, const yaml_node_t *map)
{
    unsigned n = 0;

    if (!map || map->type != YAML_MAPPING_NODE)
        return -EINVAL;
    for (yaml_node_pair_t *at = map->data.mapping.pairs.start; at < map->data.mapping.pairs.top;
         at++) {
        if (n + 2 >= sizeof(p->headers) / sizeof(p->headers[0]))
            return -EINVAL;
        p->headers[n++] = scalar(doc, at->key);
        p->headers[n++] = scalar(doc, at->value);
        if (!p->headers[n - 2] || !p->headers[n - 1])
            return -EINVAL;
    }
    return 0;
}

static int take_pair(struct hook_preset *p, yaml_document_t *doc, const yaml_node_pair_t *pair)
{
    const char *key = scalar(doc, pair->key), *value = scalar(doc, pair->value);

    if (key && strcmp(key, "headers") == 0)
        return take_headers(p, doc, yaml_document_get_node(doc, pair->value));
    for (unsigned i = 0; key && value && i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(key, keys[i].name) == 0) {
            memcpy((char *)p + keys[i].offset, &value, sizeof(value));
            return 0;
        }
    return -EINVAL;
}

static int parse(const char *text, struct hook_preset *p)
{
    yaml_document_t *doc = calloc(1, sizeof(*doc));
    const yaml_node_t *root;
    yaml_parser_t parser;
    int r;

    if (!doc || !yaml_parser_initialize(&parser)) {
        free(doc);
        return -ENOMEM;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
    r = yaml_parser_load(&parser, doc) ? 0 : -EINVAL;
    yaml_parser_delete(&parser);
    if (r < 0) {
        free(doc);
        return r;
    }
    p->document = doc;
    root = yaml_document_get_root_node(doc);
    if (!root || root->type != YAML_MAPPING_NODE)
        return -EINVAL;
    for (yaml_node_pair_t *at = root->data.mapping.pairs.start;
         r == 0 && at < root->data.mapping.pairs.top; at++)
        r = take_pair(p, doc, at);
    return r;
}

int hook_preset_load(const char *name, struct hook_preset *ret, struct gyr_error *err)
{
    struct hook_preset p = {0};
    char names[256] = "";
    unsigned i = 0;
    int r;

    while (hook_preset_name(i) && strcmp(hook_preset_name(i), name) != 0)
        i++;
    if (!hook_preset_name(i)) {
        for (i = 0; hook_preset_name(i); i++) {
            size_t at = strlen(names);

            (void)snprintf(names + at, sizeof(names) - at, " %s", hook_preset_name(i));
        }
        return gyr_fail(err, GYR_E_CONF, "there is no preset '%s'; there are:%s", name, names);
    }
    r = parse(hook_presets[i].text, &p);
    if (r < 0) {
        hook_preset_free(&p);
        return r == -ENOMEM ? gyr_fail(err, r, "no memory")
                            : gyr_fail(err, GYR_E_CONF, "preset '%s' makes no sense", name);
    }
    *ret = p;
    return 0;
}

void hook_preset_free(struct hook_preset *p)
{
    if (p->document)
        yaml_document_delete(p->document);
    free(p->document);
    *p = (struct hook_preset){0};
}
