/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp.h"

#include <curl/curl.h>
#include <errno.h>
#include <gyr/util.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 100, REPLY_MAX = 256 };

struct smtp {
    CURL *easy;
    CURLM *multi;
    struct curl_slist *to;
    const char *mail; /* what is left to send */
    size_t left;
    char why[CURL_ERROR_SIZE], reply[REPLY_MAX]; /* the last refusal */
    atomic_int woken;
};

static size_t give(char *buf, size_t size, size_t n, void *arg)
{
    struct smtp *s = arg;
    size_t k = size * n < s->left ? size * n : s->left;

    memcpy(buf, s->mail, k);
    s->mail += k;
    s->left -= k;
    return k;
}

/* Answers of the server, a line each; of use is what it refused with, before it says goodbye. */
static size_t hear(char *p, size_t size, size_t n, void *arg)
{
    struct smtp *s = arg;
    size_t len = size * n, k = 0;

    if (len == 0 || (*p != '4' && *p != '5'))
        return len;
    for (; k < len && k < sizeof(s->reply) - 1 && p[k] != '\r' && p[k] != '\n'; k++) {
        unsigned char c = (unsigned char)p[k];

        s->reply[k] = c < 0x20 || c >= 0x7f ? '?' : p[k];
    }
    s->reply[k] = '\0';
    return len;
}

static int set_up(struct smtp *s, const struct smtp_conf *c, struct gyr_error *err)
{
    CURL *e = s->easy;
    int bad = 0;

    for (uint32_t i = 0; c->to[i]; i++) {
        struct curl_slist *l = curl_slist_append(s->to, c->to[i]);

        if (!l)
            return gyr_fail(err, -ENOMEM, "no memory");
        s->to = l;
    }
    bad |= curl_easy_setopt(e, CURLOPT_URL, c->url);
    bad |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    bad |= curl_easy_setopt(e, CURLOPT_PROXY, "");
    bad |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(e, CURLOPT_USE_SSL,
                            c->tls == SMTP_PLAIN ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
    bad |= curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    bad |= curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, c->verify ? 1L : 0L);
    bad |= curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, c->verify ? 2L : 0L);
    if (c->ca)
        bad |= curl_easy_setopt(e, CURLOPT_CAINFO, c->ca);
    if (c->user) {
        bad |= curl_easy_setopt(e, CURLOPT_USERNAME, c->user);
        bad |= curl_easy_setopt(e, CURLOPT_PASSWORD, c->password);
    }
    bad |= curl_easy_setopt(e, CURLOPT_MAIL_FROM, c->from);
    bad |= curl_easy_setopt(e, CURLOPT_MAIL_RCPT, s->to);
    bad |= curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
    bad |= curl_easy_setopt(e, CURLOPT_READFUNCTION, give);
    bad |= curl_easy_setopt(e, CURLOPT_READDATA, s);
    bad |= curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, hear);
    bad |= curl_easy_setopt(e, CURLOPT_HEADERDATA, s);
    bad |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, s->why);
    bad |= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, c->timeout_ms);
    bad |= curl_easy_setopt(e, CURLOPT_SERVER_RESPONSE_TIMEOUT, (c->timeout_ms + 999) / 1000);
    bad |= curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, c->timeout_ms * 10);
    return bad ? gyr_fail(err, GYR_E_CONF, "libcurl cannot do what is asked for") : 0;
}

int smtp_new(const struct smtp_conf *conf, struct smtp **ret, struct gyr_error *err)
{
    struct smtp *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return gyr_fail(err, -ENOMEM, "no memory");
    s->multi = curl_multi_init();
    s->easy = curl_easy_init();
    r = s->multi && s->easy ? set_up(s, conf, err) : gyr_fail(err, -ENOMEM, "no memory");
    if (r < 0) {
        smtp_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

void smtp_free(struct smtp *s)
{
    if (!s)
        return;
    curl_easy_cleanup(s->easy);
    (void)curl_multi_cleanup(s->multi);
    curl_slist_free_all(s->to);
    free(s);
}

/* By the multi interface, because only that can be woken. */
static CURLcode run(struct smtp *s)
{
    CURLcode result = CURLE_ABORTED_BY_CALLBACK;
    int running = 1, left;
    CURLMsg *m;

    if (curl_multi_add_handle(s->multi, s->easy) != CURLM_OK)
        return CURLE_OUT_OF_MEMORY;
    while (running && !atomic_load(&s->woken)) {
        if (curl_multi_perform(s->multi, &running) != CURLM_OK)
            break;
        if (running)
            (void)curl_multi_poll(s->multi, NULL, 0, TICK_MS, NULL);
    }
    while ((m = curl_multi_info_read(s->multi, &left)))
        if (m->msg == CURLMSG_DONE)
            result = m->data.result;
    (void)curl_multi_remove_handle(s->multi, s->easy);
    return result;
}

/* Whether the server refused this mail, and not us or the moment: a strange answer before it was
 * sent is a greeting that sends us away. */
static int is_final(CURLcode result, long code, int was_sent)
{
    if (result != CURLE_SEND_ERROR && (result != CURLE_WEIRD_SERVER_REPLY || !was_sent))
        return 0;
    /* 530, 534, 535, 538: of the login and of TLS */
    return code >= 500 && code < 600 && code != 530 && code != 534 && code != 535 && code != 538;
}

int smtp_send(struct smtp *s, const char *mail, size_t len, uint32_t *ret_verdict,
              struct gyr_error *err)
{
    CURLcode result;
    long code = 0;

    s->mail = mail;
    s->left = len;
    s->why[0] = s->reply[0] = '\0';
    result = run(s);
    if (result == CURLE_OK)
        return 0;
    (void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &code);
    *ret_verdict = is_final(result, code, s->left == 0) ? GYR_V_FAILED : GYR_V_RETRY;
    return gyr_fail(err, atomic_load(&s->woken) ? -EAGAIN : -EIO, "%s%s%s%s",
                    s->why[0] ? s->why : curl_easy_strerror(result), s->reply[0] ? " (" : "",
                    s->reply, s->reply[0] ? ")" : "");
}

void smtp_wake(struct smtp *s)
{
    atomic_store(&s->woken, 1);
    (void)curl_multi_wakeup(s->multi);
}
