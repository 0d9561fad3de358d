/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the enricher "k8s": objects out of streams, uids in control groups, kubeconfigs, facts
 * as JSON, tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugins/enrichers/k8s/cluster.h"
#include "../../plugins/enrichers/k8s/facts.h"
#include "../../plugins/enrichers/k8s/pod_uid.h"
#include "../../plugins/enrichers/k8s/seen.h"
#include "../../plugins/enrichers/k8s/split.h"
#include "../../plugins/enrichers/k8s/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- split ---- */

struct got {
    char text[512];
    size_t longest;
    uint32_t n;
};

static int on_item(void *arg, const char *p, size_t n)
{
    struct got *g = arg;
    size_t len = strlen(g->text);

    g->n++;
    g->longest = n > g->longest ? n : g->longest;
    if (n < 100)
        (void)snprintf(g->text + len, sizeof(g->text) - len, "%.*s|", (int)n, p);
    return 0;
}

/* Feed in pieces of every size: the same must come out. */
static void split_in_pieces(bool is_list, const char *in, int want, const char *items,
                            const char *head)
{
    size_t len = strlen(in);

    for (size_t piece = 1; piece <= len; piece++) {
        struct got g = {0};
        struct split s = {.is_list = is_list, .on_item = on_item, .arg = &g};
        int r = 0;

        for (size_t at = 0; at < len && r == 0; at += piece)
            r = split_feed(&s, in + at, len - at < piece ? len - at : piece);
        assert_int_equal(r, want);
        assert_string_equal(g.text, items);
        if (head)
            assert_string_equal(split_head(&s), head);
        if (want == 0)
            assert_true(split_is_whole(&s));
        split_free(&s);
    }
}

static void test_split(void **state)
{
    (void)state;
    split_in_pieces(false, "{\"a\":1}\n{\"b\":{\"c\":[\"}\",\"\\\"}\"]}}", 0,
                    "{\"a\":1}|{\"b\":{\"c\":[\"}\",\"\\\"}\"]}}|", NULL);
    split_in_pieces(true,
                    "{\"kind\":\"items\",\"items\":[{\"items\":[1]}, {\"x\":\"]\"}],\"metadata\":"
                    "{\"items\":[2],\"v\":\"7\"}}",
                    0, "{\"items\":[1]}|{\"x\":\"]\"}|",
                    "{\"kind\":\"items\",\"items\":[],\"metadata\":{\"items\":[2],\"v\":\"7\"}}");
    split_in_pieces(true, "{\"items\":[],\"v\":1}", 0, "", "{\"items\":[],\"v\":1}");
    split_in_pieces(true, "{\"items\":null}", 0, "", "{\"items\":null}");
    split_in_pieces(false, "nonsense", -EBADMSG, "", NULL);
    split_in_pieces(false, "[{}]", -EBADMSG, "", NULL);
    split_in_pieces(true, "{\"items\":[[]]}", -EBADMSG, "", NULL);
    split_in_pieces(true, "{\"items\":[1]}", -EBADMSG, "", NULL);
}

/* A giant is left out, what follows is not; a head without end and a pit are refused. */
static void test_split_bounds(void **state)
{
    static char block[65536];
    struct got g = {0};
    struct split s = {.is_list = true, .on_item = on_item, .arg = &g};
    int r = 0;

    (void)state;
    memset(block, 'x', sizeof(block));
    assert_int_equal(split_feed(&s, "{\"items\":[{\"a\":\"", 16), 0);
    for (size_t n = 0; n <= SPLIT_ITEM_MAX; n += sizeof(block))
        assert_int_equal(split_feed(&s, block, sizeof(block)), 0);
    assert_int_equal(split_feed(&s, "\"},{\"b\":1}]}", 12), 0);
    assert_int_equal(s.too_long, 1);
    assert_string_equal(g.text, "{\"b\":1}|");
    split_reset(&s);
    assert_int_equal(split_feed(&s, "{\"a\":\"", 6), 0);
    for (int i = 0; i < 3 && r == 0; i++)
        r = split_feed(&s, block, sizeof(block));
    assert_int_equal(r, -EMSGSIZE);
    split_reset(&s);
    s.is_list = false;
    memset(block, '[', sizeof(block));
    assert_int_equal(split_feed(&s, "{\"a\":", 5), 0);
    assert_int_equal(split_feed(&s, block, sizeof(block)), -EBADMSG);
    split_free(&s);
}

/* ---- uids ---- */

static void test_pod_uid(void **state)
{
#define U "0fb2d4bd-9a38-4bd9-8c32-000000000001"
    static const char *const want[][2] = {
        {"cpuset=/kubepods/burstable/pod" U "/abc", U},
        {"=/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod"
         "0fb2d4bd_9a38_4bd9_8c32_000000000001.slice/cri-containerd-abc.scope",
         U},
        {"=/kubepods.slice/kubepods-pod0fb2d4bd_9a38_4bd9_8c32_000000000001.slice", U},
        {"=/docker/abc/kubelet/kubepods/besteffort/pod" U "/x", U},
        {"a=/kubepods/pod0123456789abcdef0123456789abcdef/x b=/",
         "0123456789abcdef0123456789abcdef"},
        {"a=/kubepods/pod11111111-2222-4333-8444-555555555555/k/kubepods/pod" U "/x", U},
        {"a=/docker/abc", ""},
        {"a=/pod" U "/abc", ""},
        {"a=/kubepods/pod" U "0/abc", ""},
        {"a=/kubepods/pod0fb2d4bd-9a38/abc", ""},
        {"a=/kubepods", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        char uid[POD_UID_MAX + 1] = "";
        uint32_t n = pod_uid_of(want[i][0], (uint32_t)strlen(want[i][0]), uid);

        assert_int_equal(n, strlen(want[i][1]));
        assert_memory_equal(uid, want[i][1], n);
    }
}

/* ---- kubeconfig ---- */

static char path[] = "/tmp/gyr-kubeconfig-XXXXXX";

static int kubeconfig(struct cluster *c, const char *text, const char *context, bool insecure,
                      struct gyr_error *err)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    (void)fputs(text, f);
    (void)fclose(f);
    *c = (struct cluster){0};
    return cluster_kubeconfig(c, path, context, insecure, err);
}

static void refused(const char *text, const char *context, const char *why)
{
    struct gyr_error err = {0};
    struct cluster c;

    assert_true(kubeconfig(&c, text, context, false, &err) < 0);
    if (!strstr(err.msg, why))
        fail_msg("'%s' does not say '%s'", err.msg, why);
    cluster_free(&c);
}

#define CONTEXTS   "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n"
#define CLUSTER(x) "clusters: [{name: c, cluster: {" x "}}]\n"
#define USER(x)    "users: [{name: u, user: {" x "}}]\n"

static void test_kubeconfig(void **state)
{
    struct gyr_error err;
    struct cluster c;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(kubeconfig(&c,
                                CONTEXTS CLUSTER("server: 'https://h:6443/', "
                                                 "certificate-authority-data: 'Q0EK\n aGk='")
                                    USER("token: t0, client-certificate-data: Qw==, "
                                         "client-key-data: S2V5"),
                                NULL, false, &err),
                     0);
    assert_string_equal(c.url, "https://h:6443");
    assert_string_equal(c.auth, "Authorization: Bearer t0");
    assert_int_equal(c.tls.ca.len, 5);
    assert_memory_equal(c.tls.ca.p, "CA\nhi", 5);
    assert_int_equal(c.tls.key.len, 3);
    cluster_free(&c);

    assert_int_equal(kubeconfig(&c,
                                CONTEXTS CLUSTER("server: 'https://[::1]:6443/x', "
                                                 "tls-server-name: name") USER("token: t"),
                                "a", false, &err),
                     0);
    assert_string_equal(c.url, "https://name:6443/x");
    assert_string_equal(c.connect_to, "::[::1]:6443");
    assert_string_equal(c.host_header, "Host: [::1]:6443");
    cluster_free(&c);
    assert_int_equal(kubeconfig(&c,
                                CONTEXTS CLUSTER("server: 'https://10.0.0.1', "
                                                 "tls-server-name: name") USER("token: t"),
                                NULL, false, &err),
                     0);
    assert_string_equal(c.url, "https://name:443");
    assert_string_equal(c.connect_to, "::10.0.0.1:443");
    cluster_free(&c);
    assert_int_equal(kubeconfig(&c,
                                CONTEXTS CLUSTER("server: 'https://h', "
                                                 "insecure-skip-tls-verify: true") USER("token: t"),
                                NULL, true, &err),
                     0);
    assert_true(c.tls.insecure);
    cluster_free(&c);

    refused("- a\n", NULL, "no mapping");
    refused("a: [\n", NULL, "line ");
    refused("x: &a [*a]\n", NULL, "no kubeconfig");
    refused("kind: Config\n", NULL, "current-context");
    refused(CONTEXTS, "b", "no context 'b'");
    refused(CONTEXTS, NULL, "no cluster");
    refused(CONTEXTS CLUSTER("server: 'ftp://h'") USER(""), NULL, "no URL");
    refused(CONTEXTS CLUSTER("server: 'https://h', insecure-skip-tls-verify: true") USER(""), NULL,
            "insecure");
    refused(CONTEXTS CLUSTER("server: 'https://h'") USER("exec: {command: rm}"), NULL, "program");
    refused(CONTEXTS CLUSTER("server: 'https://h'") USER("client-key-data: S2V5"), NULL,
            "go together");
    refused(CONTEXTS CLUSTER("server: 'https://h'") USER("client-key-data: '!!'"), NULL, "base64");
    refused(CONTEXTS CLUSTER("server: 'https://h', certificate-authority: /nonexistent") USER(""),
            NULL, "cannot be read");
    refused(CONTEXTS CLUSTER("server: 'https://h'") USER("token: \"a\\nb\""), NULL, "no token");
    (void)unlink(path);
}

/* ---- facts ---- */

static void test_facts_json(void **state)
{
    static const char labels[] = "app\0web\0tier\0\"x\"\0";
    static struct facts_from from;
    struct facts *f, *again;
    size_t n;
    char *json;

    (void)state;
    from.text[FACT_POD_UID] = (struct fact_text){"u", 1};
    from.text[FACT_POD_NAME] = (struct fact_text){"p", 1};
    from.text[FACT_POD_LABELS] = (struct fact_text){labels, sizeof(labels) - 1};
    from.text[FACT_OWNER_KIND] = (struct fact_text){"Job", 3};
    from.services[0][SVC_NAME] = (struct fact_text){"s", 1};
    from.services[0][SVC_LABELS] = (struct fact_text){labels, sizeof(labels) - 1};
    from.n_services = 1;
    f = facts_new(&from);
    assert_non_null(f);
    assert_int_equal(f->hash, facts_hash(&from));
    json = facts_json(f, &n);
    assert_non_null(json);
    again = facts_parse(json, n);
    assert_non_null(again);
    assert_int_equal(again->hash, f->hash);
    assert_memory_equal(again->text[FACT_POD_LABELS].p, labels, sizeof(labels) - 1);
    for (size_t cut = 0; cut < n; cut++) /* nothing that is cut short is taken */
        assert_null(facts_parse(json, cut));
    free(json);
    facts_unref(f);
    facts_unref(again);
    assert_null(facts_parse("{\"version\":1}", 13));
    assert_null(facts_parse("{\"version\":2,\"pod\":{\"uid\":\"u\"}}", 33));
    assert_null(facts_parse("{\"version\":1,\"pod\":[],\"services\":[[]]}", 38));
}

/* ---- tables ---- */

static void no_wake(void *arg)
{
    (void)arg;
}

/* More containers than there is room for: the oldest go, counted; those waited for stay. */
static void test_eviction(void **state)
{
    struct key none = {0};
    struct seen_entry *held;
    struct seen s;
    uint64_t ticket;
    char id[65];

    (void)state;
    assert_int_equal(seen_init(&s, 64), 0);
    s.is_open = true;
    s.wake = no_wake;
    (void)snprintf(id, sizeof(id), "%064d", 0);
    held = seen_add(&s, id, 64, &none);
    ticket = seen_ticket(&s, held);
    for (int i = 1; i < 1000; i++) {
        (void)snprintf(id, sizeof(id), "%064d", i);
        assert_null(seen_find(&s, id, 64));
        assert_non_null(seen_add(&s, id, 64, &none));
        assert_non_null(seen_find(&s, id, 64));
    }
    assert_int_equal(s.evicted, 1000 - 64);
    assert_int_equal(s.table.n, 64);
    assert_ptr_equal(seen_by_ticket(&s, ticket), held);
    seen_release(&s, ticket);
    for (int i = 1000; i < 1100; i++) {
        (void)snprintf(id, sizeof(id), "%064d", i);
        (void)seen_add(&s, id, 64, &none);
    }
    assert_null(seen_by_ticket(&s, ticket)); /* its place is another's now */
    seen_free(&s);
}

/* A table against a plain list, with hashes that collide. */
static void test_table(void **state)
{
    static char there[512];
    struct table t = {0};
    uint32_t x = 1, n = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint32_t k, at = 0;
        bool found = false;
        void *p;

        x = x * 1103515245 + 12345;
        k = (x >> 16) % sizeof(there);
        while ((p = table_next(&t, k % 37, &at)))
            found = found || p == &there[k];
        assert_int_equal(found, there[k]);
        if (there[k])
            table_del(&t, k % 37, &there[k]);
        else
            assert_int_equal(table_add(&t, k % 37, &there[k]), 0);
        there[k] = !there[k];
        n += there[k] ? 1 : -1u;
        assert_int_equal(t.n, n);
    }
    table_free(&t);
}

static void test_selectors(void **state)
{
    struct strings s = {0};
    struct istr *l = istr_get(&s,
                              "a\0"
                              "1\0b\0"
                              "2\0",
                              8),
                *sel;
    static const struct {
        const char *p;
        size_t n;
        bool matches;
    } want[] = {{"a\0"
                 "1\0",
                 4, true},
                {"b\0"
                 "2\0",
                 4, true},
                {"a\0"
                 "1\0b\0"
                 "2\0",
                 8, true},
                {"a\0"
                 "2\0",
                 4, false},
                {"b\0"
                 "1\0",
                 4, false},
                {"a\0"
                 "1\0c\0"
                 "3\0",
                 8, false}};

    (void)state;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        sel = istr_get(&s, want[i].p, want[i].n);
        assert_int_equal(labels_match(sel, l), want[i].matches);
        assert_false(labels_match(sel, NULL));
        istr_put(&s, sel);
    }
    istr_put(&s, l);
    assert_int_equal(s.table.n, 0);
    assert_int_equal(s.bytes, 0);
    strings_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),      cmocka_unit_test(test_split_bounds),
        cmocka_unit_test(test_pod_uid),    cmocka_unit_test(test_kubeconfig),
        cmocka_unit_test(test_facts_json), cmocka_unit_test(test_eviction),
        cmocka_unit_test(test_table),      cmocka_unit_test(test_selectors),
    };

    return cmocka_run_group_tests_name("k8s_parts", tests, NULL, NULL);
}
