/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 32, NODES_MAX = 65536 };

struct reading {
    yaml_document_t *doc;
    uint32_t n; /* aliases make one node many */
};

static json_t *convert(struct reading *r, int id, int depth)
{
    yaml_node_t *n = yaml_document_get_node(r->doc, id);
    json_t *o;

    if (!n || depth > DEPTH_MAX || ++r->n > NODES_MAX)
        return NULL;
    if (n->type == YAML_SCALAR_NODE)
        return json_stringn((const char *)n->data.scalar.value, n->data.scalar.length);
    if (n->type == YAML_SEQUENCE_NODE) {
        o = json_array();
        for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top;
             i++)
            if (json_array_append_new(o, convert(r, *i, depth + 1)) < 0) {
                json_decref(o);
                return NULL;
            }
        return o;
    }
    o = json_object();
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        json_t *key = convert(r, p->key, depth + 1), *value = convert(r, p->value, depth + 1);
        const char *name = json_string_value(key);
        int bad = !name || !value || json_object_set(o, name, value) < 0;

        json_decref(key);
        json_decref(value);
        if (bad) {
            json_decref(o);
            return NULL;
        }
    }
    return o;
}

json_t *yaml_to_json(const char *text, size_t len, struct gyr_error *err)
{
    struct reading r = {0};
    yaml_parser_t parser;
    yaml_document_t doc;
    json_t *o = NULL;

    if (!yaml_parser_initialize(&parser)) {
        (void)gyr_fail(err, -ENOMEM, "no memory");
        return NULL;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    if (yaml_parser_load(&parser, &doc)) {
        yaml_node_t *root = yaml_document_get_root_node(&doc);

        r.doc = &doc;
        if (root)
            o = convert(&r, 1, 0);
        if (!json_is_object(o)) {
            (void)gyr_fail(err, -EBADMSG, "it is no mapping");
            json_decref(o);
            o = NULL;
        }
        yaml_document_delete(&doc);
    } else {
        (void)gyr_fail(err, -EBADMSG, "line %zu: %s", parser.problem_mark.line + 1,
                       parser.problem ? parser.problem : "it is not YAML");
    }
    yaml_parser_delete(&parser);
    return o;
}
