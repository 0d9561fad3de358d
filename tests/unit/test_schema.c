/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above first */
#include "base/cleanup.h"
#include "event/schema.h"
#include "syscall/syscall.h"

#include <cmocka.h>
#include <errno.h>
#include <gyr/event.h>
#include <string.h>

static const struct gyr_param_def params[] = {
    {"size", GYR_P_U32, GYR_F_DEC, 0, 0, NULL},
    {"who", GYR_P_STR, GYR_F_DEC, 0, 0, NULL},
};
static const struct gyr_event_type types[] = {
    {.id = 3, .n_params = 2, .name = "made", .category = "thing", .params = params},
    {.id = 700, .flags = GYR_ETF_GENERIC, .name = "call", .category = "other"},
};
static const struct gyr_subtype subtypes[] = {{5, "five"}, {2, "two"}, {0, NULL}};
static const struct gyr_field fields[] = {
    {.name = "thing.name", .help = "Name.", .type = GYR_T_STR, .provider = "thinger"},
    {.name = "thing.parent", .help = "Parent.", .type = GYR_T_STR, .flags = GYR_FF_INDEX},
    {.name = "thing.parent.age", .help = "Age.", .type = GYR_T_U64},
    {.name = "thing.env", .help = "Environment.", .type = GYR_T_STR, .flags = GYR_FF_KEY},
};
static const struct gyr_schema tiny = {
    .size = sizeof(struct gyr_schema),
    .version = 1,
    .name = "tiny",
    .types = types,
    .subtypes = subtypes,
    .fields = fields,
    .n_types = ARRAY_LEN(types),
    .type_stride = sizeof(types[0]),
    .n_fields = ARRAY_LEN(fields),
    .field_stride = sizeof(fields[0]),
};

static struct schemas all;
static struct gyr_error err;

static int setup(void **state)
{
    (void)state;
    err = (struct gyr_error){0};
    if (schemas_add(&all, &tiny, "one", &err) == 0)
        return 0;
    print_error("%s\n", err.msg);
    return -1;
}

static int teardown(void **state)
{
    (void)state;
    schemas_free(&all);
    return 0;
}

static const struct schema *tiny_schema(void)
{
    return schemas_find(&all, "tiny");
}

static void types_of_plugin_and_core(void **state)
{
    const struct schema *s = tiny_schema();

    (void)state;
    assert_string_equal(schema_type(s, 3)->name, "made");
    assert_string_equal(schema_type(s, GYR_EV_SNAPSHOT_BEGIN)->name, "gyr.snapshot_begin");
    assert_true(schema_type(s, GYR_EV_SNAPSHOT_END)->flags & GYR_ETF_SNAPSHOT);
    assert_int_equal(schema_type(s, GYR_EV_LOSS)->n_params, 3);
    assert_null(schema_type(s, 4));
    assert_int_equal(s->n_types, 5);
    assert_string_equal(schema_event_name(s, 3, 5), "made");
    assert_string_equal(schema_event_name(s, 700, 5), "five");
    assert_string_equal(schema_event_name(s, 700, 2), "two");
    assert_string_equal(schema_event_name(s, 700, 3), "call");
    assert_string_equal(schema_event_name(s, 700, UINT32_MAX), "call");
}

static void core_fields_come_first(void **state)
{
    const struct schema *s = tiny_schema();
    const struct field_def *f = schema_field(s, "evt.num", 7);

    (void)state;
    assert_non_null(f);
    assert_int_equal(f->origin, FIELD_CORE);
    assert_int_equal(s->fields[0]->origin, FIELD_CORE);
    assert_int_equal(s->fields[s->n_fields - 1]->origin, FIELD_SCHEMA);
    for (uint32_t i = 0; i < s->n_fields; i++)
        assert_int_equal(s->fields[i]->id, i);
}

/* @return the field's name; ret_arg is "" for none. */
static const char *resolve(const char *text, char *ret_arg)
{
    const struct field_def *f = NULL;
    const char *arg = NULL;
    size_t len = 0;

    if (schema_resolve_field(tiny_schema(), text, strlen(text), &f, &arg, &len, &err) < 0)
        return err.msg;
    memcpy(ret_arg, arg ? arg : "", len);
    ret_arg[len] = '\0';
    return f->f.name;
}

static void fields_with_arguments(void **state)
{
    static const char *const rows[][3] = {
        {"thing.name", "thing.name", ""},
        {"thing.parent", "thing.parent", ""},
        {"thing.parent[2]", "thing.parent", "2"},
        {"thing.parent.age", "thing.parent.age", ""},
        {"thing.env[PATH]", "thing.env", "PATH"},
        {"thing.env[a.b[c]", "thing.env", "a.b[c"},
        {"thing.env.HOME", "thing.env", "HOME"},
        {"evt.arg.size", "evt.arg", "size"},
        {"evt.arg[0]", "evt.arg", "0"},
        {"evt.arg[who]", "evt.arg", "who"},
        {"evt.args", "evt.args", ""},
    };
    char arg[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_string_equal(resolve(rows[i][0], arg), rows[i][1]);
        assert_string_equal(arg, rows[i][2]);
    }
}

static void fields_that_are_wrong(void **state)
{
    static const char *const rows[][2] = {
        {"thing.nam", "unknown field 'thing.nam'; did you mean 'thing.name'?"},
        {"thing.parents[1]", "unknown field 'thing.parents'; did you mean 'thing.parent'?"},
        {"thing.name.x", "unknown field 'thing.name.x'; did you mean 'thing.name'?"},
        {"zzz", "unknown field 'zzz'"},
        {"", "unknown field ''"},
        {"[1]", "unknown field ''"},
        {"thing.name[1]", "field 'thing.name' takes no argument"},
        {"thing.parent[x]", "the argument of field 'thing.parent' must be a number, not 'x'"},
        {"thing.parent[]", "the argument of field 'thing.parent' is empty"},
        {"thing.env[PATH", "']' is missing after the argument of field 'thing.env'"},
        {"thing.env.", "the argument of field 'thing.env' is empty"},
        {"evt.arg", "field 'evt.arg' needs an argument, as in 'evt.arg[name]'"},
    };
    char arg[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(resolve(rows[i][0], arg), rows[i][1]);
}

static void raw_arguments_have_the_type_of_their_parameter(void **state)
{
    const struct schema *s = tiny_schema();
    const struct field_def *raw = schema_field(s, "evt.rawarg", 10);

    (void)state;
    assert_int_equal(schema_field_type(s, raw, "size", 4), GYR_T_U64);
    assert_int_equal(schema_field_type(s, raw, "who", 3), GYR_T_STR);
    assert_int_equal(schema_field_type(s, raw, "nobody", 6), GYR_T_STR);
    assert_int_equal(schema_field_type(s, raw, NULL, 0), GYR_T_STR);
    assert_int_equal(schema_field_type(s, schema_field(s, "thing.parent.age", 16), NULL, 0),
                     GYR_T_U64);
}

static void the_same_schema_again_is_fine(void **state)
{
    struct gyr_schema copy = tiny;

    (void)state;
    assert_int_equal(schemas_add(&all, &copy, "two", &err), 0);
    assert_int_equal(all.n, 1);
    assert_string_equal(tiny_schema()->owner, "one");
}

static void sources_must_agree(void **state)
{
    struct gyr_event_type other_types[ARRAY_LEN(types)];
    struct gyr_param_def other_params[ARRAY_LEN(params)];
    struct gyr_field other_fields[ARRAY_LEN(fields)];
    struct gyr_subtype other_subtypes[ARRAY_LEN(subtypes)];
    struct gyr_schema s = tiny;

    (void)state;
    memcpy(other_types, types, sizeof(types));
    memcpy(other_params, params, sizeof(params));
    memcpy(other_fields, fields, sizeof(fields));
    memcpy(other_subtypes, subtypes, sizeof(subtypes));

    s.version = 2;
    assert_int_equal(schemas_add(&all, &s, "two", &err), -EEXIST);
    assert_string_equal(err.msg,
                        "schema 'tiny': plugin 'one' has version 1 and plugin 'two' version 2");
    s = tiny;
    s.n_types = 1;
    assert_int_equal(schemas_add(&all, &s, "two", &err), -EEXIST);
    s = tiny;
    s.types = other_types;
    other_params[1].type = GYR_P_BYTES;
    other_types[0].params = other_params;
    assert_int_equal(schemas_add(&all, &s, "two", &err), -EEXIST);
    assert_string_equal(err.msg, "schema 'tiny': event type 3 ('made') differs between plugin "
                                 "'one' and plugin 'two'");
    s = tiny;
    s.fields = other_fields;
    other_fields[2].type = GYR_T_I64;
    assert_int_equal(schemas_add(&all, &s, "two", &err), -EEXIST);
    assert_string_equal(err.msg, "schema 'tiny': field 'thing.parent.age' differs between plugin "
                                 "'one' and plugin 'two'");
    s = tiny;
    s.subtypes = other_subtypes;
    other_subtypes[1].id = 9;
    assert_int_equal(schemas_add(&all, &s, "two", &err), -EEXIST);
}

static void malformed_schemas_are_refused(void **state)
{
    struct gyr_event_type t[2] = {types[0], types[1]};
    struct gyr_param_def p[2] = {params[0], params[1]};
    struct gyr_field f[2] = {fields[0], fields[1]};
    struct gyr_subtype sub[2] = {{1u << 20, "far"}, {0, NULL}};
    struct gyr_schema s = tiny;
    struct schemas none = {0};

#define REFUSED(change, text)                                                                      \
    do {                                                                                           \
        memcpy(t, types, sizeof(t));                                                               \
        memcpy(p, params, sizeof(p));                                                              \
        memcpy(f, fields, sizeof(f));                                                              \
        t[0].params = p;                                                                           \
        s = tiny;                                                                                  \
        s.types = t;                                                                               \
        s.fields = f;                                                                              \
        s.n_fields = 2;                                                                            \
        change;                                                                                    \
        assert_int_equal(schemas_add(&none, &s, "bad", &err), -EINVAL);                            \
        assert_non_null(strstr(err.msg, text));                                                    \
        assert_int_equal(none.n, 0);                                                               \
    } while (0)

    (void)state;
    assert_int_equal(schemas_add(&none, NULL, "bad", &err), -EINVAL);
    REFUSED(s.size = 8, "a schema of 8 bytes");
    REFUSED(s.name = NULL, "schema without a proper name");
    REFUSED(s.name = "a b", "schema without a proper name");
    REFUSED(s.n_types = 0, "no usable table of event types");
    REFUSED(s.types = NULL, "no usable table of event types");
    REFUSED(s.type_stride = 8, "rows of event types are 8 bytes apart");
    REFUSED(t[1].id = 3, "two event types numbered 3");
    REFUSED(t[1].id = 0xf000, "belongs to the core");
    REFUSED(t[0].name = NULL, "event type 3 has no proper name");
    REFUSED(t[0].params = NULL, "has no table of them");
    REFUSED(t[0].n_params = 65, "at most 64");
    REFUSED(t[0].flags = 1u << 30, "unknown flags 0x40000000");
    REFUSED(p[0].name = "", "parameter without a proper name");
    REFUSED(p[0].type = 0, "parameter 'size' has the unknown type 0");
    REFUSED(p[0].fmt = 99, "unknown format 99");
    REFUSED(p[0].flags = GYR_PF_FLAGS, "has no value table");
    REFUSED(p[0].flags = 64, "unknown flags 0x40");
    REFUSED(s.subtypes = sub, "subtype 'far' has the number");
    REFUSED(s.fields = NULL, "has no table of them");
    REFUSED(s.field_stride = 16, "rows of its fields are 16 bytes apart");
    REFUSED(s.n_fields = 100000, "at most 4096");
    REFUSED(f[0].name = "a..b", "field without a proper name");
    REFUSED(f[1].name = f[0].name, "declares the field 'thing.name' twice");
    REFUSED(f[0].type = GYR_T_LIST, "unknown type 11");
    REFUSED(f[0].flags = 1u << 9, "unknown flags 0x200");
    REFUSED(f[0].flags = GYR_FF_ARG_REQ, "requires an argument but takes neither");
    REFUSED(f[0].fmt = 77, "unknown format 77");
#undef REFUSED
    schemas_free(&none);
}

static void a_field_of_the_core_keeps_its_type(void **state)
{
    struct gyr_field f = {.name = "evt.num", .help = "Other.", .type = GYR_T_STR};
    struct gyr_schema s = tiny;
    struct schemas none = {0};

    (void)state;
    s.fields = &f;
    s.n_fields = 1;
    assert_int_equal(schemas_add(&none, &s, "bad", &err), -EEXIST);
    assert_string_equal(err.msg, "field 'evt.num' of schema 'tiny': plugin 'bad' declares it with "
                                 "another type than plugin 'core'");
    schemas_free(&none);
}

static void enrichers_add_fields(void **state)
{
    static const struct gyr_field more[] = {
        {.name = "thing.name", .help = "Name.", .type = GYR_T_STR},
        {.name = "thing.colour", .help = "Colour.", .type = GYR_T_STR},
    };
    static const struct gyr_field clash[] = {
        {.name = "thing.name", .help = "Name.", .type = GYR_T_STR, .flags = GYR_FF_LIST},
    };
    struct gyr_enricher_ops ops = {.size = sizeof(ops),
                                   .fields = more,
                                   .n_fields = ARRAY_LEN(more),
                                   .field_stride = sizeof(more[0])};
    struct schema *s = schemas_find(&all, "tiny");
    uint32_t n = s->n_fields;

    (void)state;
    assert_int_equal(schema_add_fields(s, &ops, "painter", &err), 0);
    assert_int_equal(schema_add_fields(s, &ops, "painter", &err), 0);
    assert_int_equal(s->n_fields, n + 1);
    assert_int_equal(schema_field(s, "thing.colour", 12)->origin, FIELD_PLUGIN);
    assert_string_equal(schema_field(s, "thing.colour", 12)->declared_by, "painter");
    ops.fields = clash;
    ops.n_fields = 1;
    assert_int_equal(schema_add_fields(s, &ops, "clash", &err), -EEXIST);
}

/* The real one: everything it names is found again. */
static void the_syscall_schema(void **state)
{
    const struct schema *s;

    (void)state;
    if (schemas_add(&all, &syscall_schema, "replay", &err) < 0)
        fail_msg("%s", err.msg);
    s = schemas_find(&all, "syscall");
    assert_int_equal(s->n_types, syscall_schema.n_types + 3);
    for (uint32_t i = 0; i < syscall_schema.n_fields; i++) {
        const struct gyr_field *f = &syscall_schema.fields[i];
        const struct field_def *d = schema_field(s, f->name, strlen(f->name));

        assert_non_null(d);
        assert_int_equal(d->f.type, f->type);
    }
    for (const struct gyr_subtype *t = syscall_schema.subtypes; t->name; t++)
        assert_string_equal(schema_event_name(s, EV_GENERIC_X, t->id), t->name);
    assert_string_equal(schema_event_name(s, EV_SYSCALL_OPEN_X, 0), "open");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(types_of_plugin_and_core, setup, teardown),
        cmocka_unit_test_setup_teardown(core_fields_come_first, setup, teardown),
        cmocka_unit_test_setup_teardown(fields_with_arguments, setup, teardown),
        cmocka_unit_test_setup_teardown(fields_that_are_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(raw_arguments_have_the_type_of_their_parameter, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_same_schema_again_is_fine, setup, teardown),
        cmocka_unit_test_setup_teardown(sources_must_agree, setup, teardown),
        cmocka_unit_test_setup_teardown(malformed_schemas_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_field_of_the_core_keeps_its_type, setup, teardown),
        cmocka_unit_test_setup_teardown(enrichers_add_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(the_syscall_schema, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
