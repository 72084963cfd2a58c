/* SPDX-License-Identifier: Apache-2.0 */
/* Mail by SMTP through libcurl, and what the server's answers mean for the message. */
#include <apr_strings.h>
#include <assert.h>
#include <curl/curl.h>
#include <string.h>

#include "guard.h"
#include "kr_text.h"

#define DEFAULT_TIMEOUT apr_time_from_sec(20)
#define MAX_BYTES ((apr_size_t)1024 * 1024)
#define REPLY_MAX 200

struct kr_net_mailer_t {
    const kr_net_smtp_t *server;
    CURL *curl;
    struct curl_slist *connect_to;
};

/** How far the dialogue with the server has come. */
typedef enum { BEGINNING, SENDER, RECIPIENT, CONTENT } stage_e;

/** One message under way. */
typedef struct {
    const kr_net_mail_t *mail;
    apr_size_t given; /* bytes of it that libcurl has taken */
    stage_e stage;
    int replied;  /* since the last command */
    int quitting; /* what follows is about the connection only */
    int refused;  /* the server's address is in a private network */
    char reply[REPLY_MAX + 1];
} dialogue_t;

/* -- the mailer ----------------------------------------------------------- */

static apr_status_t hang_up(void *baton)
{
    kr_net_mailer_t *mailer = baton;

    curl_easy_cleanup(mailer->curl);
    curl_slist_free_all(mailer->connect_to);
    return APR_SUCCESS;
}

kr_net_mailer_t *kr_net_mailer_make(apr_pool_t *pool, const kr_net_smtp_t *server)
{
    kr_net_mailer_t *mailer = apr_pcalloc(pool, sizeof(*mailer));

    mailer->server = server;
    mailer->curl = curl_easy_init();
    if (server->connect_to) mailer->connect_to = curl_slist_append(NULL, server->connect_to);
    apr_pool_cleanup_register(pool, mailer, hang_up, apr_pool_cleanup_null);
    return mailer;
}

/* -- what libcurl calls --------------------------------------------------- */

static size_t give(char *to, size_t size, size_t count, void *baton)
{
    dialogue_t *dialogue = baton;
    apr_size_t len = dialogue->mail->len - dialogue->given;

    if (len > size * count) len = size * count;
    memcpy(to, dialogue->mail->text + dialogue->given, len);
    dialogue->given += len;
    return len;
}

static size_t ignore(char *data, size_t size, size_t count, void *baton)
{
    (void)data;
    (void)baton;
    return size * count;
}

static void note_command(dialogue_t *dialogue, const char *data, size_t size)
{
    static const struct {
        const char *word;
        stage_e stage;
    } COMMANDS[] = { { "MAIL", SENDER }, { "RCPT", RECIPIENT }, { "DATA", CONTENT } };

    dialogue->quitting = size >= 4 && !memcmp(data, "QUIT", 4);
    if (dialogue->quitting) return;
    dialogue->replied = 0;
    for (int i = 0; i < KR_DIM(COMMANDS); i++) {
        if (size >= 4 && !memcmp(data, COMMANDS[i].word, 4)) dialogue->stage = COMMANDS[i].stage;
    }
}

static void note_reply(dialogue_t *dialogue, const char *data, size_t size)
{
    size_t n = 0;

    if (dialogue->quitting) return;
    dialogue->replied = 1;
    for (; n < size && n < REPLY_MAX && data[n] != '\r' && data[n] != '\n'; n++) {
        dialogue->reply[n] = data[n] >= 0x20 && data[n] < 0x7f ? data[n] : '?';
    }
    dialogue->reply[n] = '\0';
}

/* libcurl's error codes do not tell which command was refused; its trace does. Passwords pass by here: nothing is kept.
 */
static int overhear(CURL *curl, curl_infotype type, char *data, size_t size, void *baton)
{
    (void)curl;
    if (type == CURLINFO_HEADER_OUT) note_command(baton, data, size);
    if (type == CURLINFO_HEADER_IN) note_reply(baton, data, size);
    return 0;
}

/* Giving up once the content is on its way would leave it open whether the server took it. */
static int give_up(void *baton, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const dialogue_t *dialogue = baton;
    const kr_net_mail_t *mail = dialogue->mail;

    (void)a, (void)b, (void)c, (void)d;
    return mail->stopping && dialogue->stage < CONTENT && mail->stopping(mail->baton);
}

/* -- one message ---------------------------------------------------------- */

static void set_server(CURL *curl, const kr_net_mailer_t *mailer)
{
    const kr_net_smtp_t *server = mailer->server;

    curl_easy_setopt(curl, CURLOPT_URL, server->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* one in the environment is not meant for us */
    curl_easy_setopt(curl, CURLOPT_CONNECT_TO, mailer->connect_to);
    curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)(server->starttls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, server->verify ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, server->verify ? 2L : 0L);
    if (server->user) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, server->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, server->password);
    }
}

static void set_limits(CURL *curl, const kr_net_mail_t *mail)
{
    long ms = (long)apr_time_as_msec(mail->timeout > 0 ? mail->timeout : DEFAULT_TIMEOUT);

    if (ms < 2) ms = 2; /* 0 would mean no limit to curl */
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, ms / 2);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
}

static void set_callbacks(CURL *curl, dialogue_t *dialogue)
{
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(curl, CURLOPT_READDATA, dialogue);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)dialogue->mail->len);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, overhear);
    curl_easy_setopt(curl, CURLOPT_DEBUGDATA, dialogue);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, give_up);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, dialogue);
}

static CURLcode try_once(dialogue_t *dialogue, kr_ctx_t *k, const kr_net_mailer_t *mailer, int fresh)
{
    const kr_net_mail_t *mail = dialogue->mail;
    CURL *curl = mailer->curl;
    struct curl_slist *to = curl_slist_append(NULL, apr_pstrcat(k->pool, "<", mail->to, ">", NULL));
    CURLcode code;

    curl_easy_reset(curl); /* its connection stays */
    set_server(curl, mailer);
    set_limits(curl, mail);
    set_callbacks(curl, dialogue);
    if (mail->guarded) kr_net_guard_set(curl, &dialogue->refused);
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, apr_pstrcat(k->pool, "<", mail->from, ">", NULL));
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
    code = to ? curl_easy_perform(curl) : CURLE_OUT_OF_MEMORY;
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, NULL);
    curl_slist_free_all(to);
    return code;
}

static long last_status(const kr_net_mailer_t *mailer)
{
    long status = 0;

    curl_easy_getinfo(mailer->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* Had the server hung up on us since the message before? Then nothing of this one was taken, and another try is safe.
 */
static int was_stale(const dialogue_t *dialogue, const kr_net_mailer_t *mailer, CURLcode code)
{
    long connects = 1;

    if (code == CURLE_OK || code == CURLE_OPERATION_TIMEDOUT || code == CURLE_ABORTED_BY_CALLBACK) return 0;
    curl_easy_getinfo(mailer->curl, CURLINFO_NUM_CONNECTS, &connects);
    return connects == 0 && dialogue->given == 0 && (!dialogue->replied || last_status(mailer) == 421);
}

/* 53x is about our login, not about the message. */
static int is_final(const dialogue_t *dialogue, long status)
{
    return dialogue->replied && dialogue->stage >= RECIPIENT && status >= 500 && status / 10 != 53;
}

static kr_net_mailed_t judge(kr_ctx_t *k, const dialogue_t *dialogue, CURLcode code, long status)
{
    static const char *const AT[] = { "before a message could be sent", "at the sender", "at the recipient",
                                      "at the content" };
    kr_net_mailed_t out = { .fate = KR_MAIL_LATER };

    if (code == CURLE_OK) return (kr_net_mailed_t){ .fate = KR_MAIL_SENT };
    if (is_final(dialogue, status))
        out.fate = KR_MAIL_REFUSED;
    else if (dialogue->stage == BEGINNING)
        out.fate = KR_MAIL_UNREACHABLE;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        out.why = "the server stops";
    else if (dialogue->refused && code == CURLE_COULDNT_CONNECT)
        out.why = KR_NET_REFUSED " (clients.smtp.disallow_private_ip_ranges)";
    else if (dialogue->replied && status >= 400)
        out.why = apr_psprintf(k->pool, "answered %ld %s", status, AT[dialogue->stage]);
    else
        out.why = apr_psprintf(k->pool, "failed %s: %s", AT[dialogue->stage], curl_easy_strerror(code));
    if (dialogue->reply[0]) out.reply = apr_pstrdup(k->pool, dialogue->reply);
    return out;
}

/* What could end the address, the command or the line. */
static int is_address(const char *s)
{
    if (!s || !*s || strlen(s) > 320) return 0;
    for (; *s; s++) {
        if ((unsigned char)*s <= 0x20 || *s == 0x7f || *s == '<' || *s == '>') return 0;
    }
    return 1;
}

kr_net_mailed_t kr_net_mail(kr_ctx_t *k, kr_net_mailer_t *mailer, const kr_net_mail_t *mail)
{
    dialogue_t dialogue = { .mail = mail };
    CURLcode code;

    assert(k->db == NULL); /* a slow server must not hold a database connection */
    if (!mailer->curl) return (kr_net_mailed_t){ KR_MAIL_UNREACHABLE, "no memory", NULL };
    if (!is_address(mail->from) || !is_address(mail->to))
        return (kr_net_mailed_t){ KR_MAIL_REFUSED, "no mail address", NULL };
    if (mail->len > MAX_BYTES) return (kr_net_mailed_t){ KR_MAIL_REFUSED, "larger than 1 MiB", NULL };
    code = try_once(&dialogue, k, mailer, 0);
    if (was_stale(&dialogue, mailer, code)) {
        dialogue = (dialogue_t){ .mail = mail };
        code = try_once(&dialogue, k, mailer, 1);
    }
    return judge(k, &dialogue, code, last_status(mailer));
}
