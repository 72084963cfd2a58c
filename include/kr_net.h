/* SPDX-License-Identifier: Apache-2.0 */
/* What goes out, on libcurl: HTTP calls and mail, with limits and time-outs on everything. */
#ifndef KR_NET_H
#define KR_NET_H

#include <apr_tables.h>

#include "kr_ctx.h"

/** Which calls may reach private networks: clients.http.*. Made at start, never changed. */
typedef struct {
    int on;                   /* 1: none but the exceptions */
    const apr_array_header_t *exceptions; /* of const char*: whole URLs, without queries, or with two stars after the last slash; or NULL */
} kr_net_guard_t;

/** Is a call to that URL kept from private networks? */
int kr_net_is_guarded(const kr_net_guard_t *guard, const char *url);

/** One outgoing call. Zero-initialise, then set what differs. */
typedef struct {
    const char *method;       /* NULL: GET */
    const char *url;          /* http or https only; no redirects are followed */
    const kr_net_guard_t *guard; /* of the settings; NULL: it may reach whatever there is. Whom the host's name stands for is judged, too */
    const apr_table_t *headers; /* NULL for none */
    const char *body;         /* NULL for none */
    apr_size_t body_len;
    apr_time_t timeout;       /* µs for the whole call; 0: 5 s. Connecting takes at most half of it */
    apr_size_t max_bytes;     /* of the answer's body; 0: 1 MiB. More is an error */
    int status_only;          /* 1: the status is all that counts. The body is not kept, and cut off where it is long or slow */
    int (*stopping)(void *baton); /* or NULL; asked until the request is out: 1 gives up at once */
    void *baton;
} kr_net_request_t;

typedef struct {
    int status;               /* HTTP status */
    int reached;              /* 1: the request went out, in part at least; set on failure too */
    int timed_out;            /* 1: there was no whole answer in time; set on failure only */
    int final;                /* 1: it failed by a limit of ours, so that another try comes to the same; set on failure only */
    const char *body;         /* NUL-terminated, in the pool */
    apr_size_t body_len;
    apr_time_t date;          /* what its Date header says it is, to the second; 0: nothing that can be read */
} kr_net_reply_t;

/** Once per process, before threads: curl_global_init. */
void kr_net_init(void);

/**
 * Make the call. No database handle may be held (asserted).
 * @return 502 upstream_error when there is no answer in time or it breaks a limit; any HTTP status is a success here
 */
kr_err_t *kr_net_call(kr_net_reply_t *out, kr_ctx_t *k, const kr_net_request_t *req) KR_MUST_CHECK;

/* -- mail ----------------------------------------------------------------- */

/** A mail server. Made at start, never changed. */
typedef struct {
    const char *url;          /* smtp(s)://host[:port]/name-for-EHLO, without user and password */
    const char *connect_to;   /* where it is, when its certificate bears another name than its host; or NULL */
    const char *user;         /* NULL: no login */
    const char *password;
    int starttls;             /* smtp:// only; 1: without encryption nothing is sent */
    int verify;               /* 1: its certificate must fit its name */
} kr_net_smtp_t;

/**
 * Read smtp://user:password@host:port/?disable_starttls=true&skip_ssl_verify=true&server_name=x, or smtps://...
 * @param local_name  what to call ourselves in EHLO
 * @return NULL with *why, which does not repeat the value: there is a password in it
 */
kr_net_smtp_t *kr_net_smtp_parse(apr_pool_t *pool, const char *uri, const char *local_name, const char **why);

/** A message to send. */
typedef struct {
    const char *from, *to;    /* plain addresses: the envelope */
    const char *text;         /* head and body, lines end in CRLF */
    apr_size_t len;           /* at most 1 MiB */
    apr_time_t timeout;       /* µs for all of it; 0: 20 s. Connecting takes at most half of it */
    int guarded;              /* 1: the server's address must not be in a private network */
    int (*stopping)(void *baton); /* or NULL; asked until the message itself is under way: 1 gives up at once */
    void *baton;
} kr_net_mail_t;

/** What became of a message. */
typedef enum {
    KR_MAIL_SENT,        /* the server took it */
    KR_MAIL_LATER,       /* not this time */
    KR_MAIL_REFUSED,     /* the recipient or the content was refused for good */
    KR_MAIL_UNREACHABLE  /* no server, no encryption, no login: no other message would fare better */
} kr_mail_fate_e;

typedef struct {
    kr_mail_fate_e fate;
    const char *why;     /* words fit for a log: no address, no password; NULL when it was sent */
    const char *reply;   /* the server's last line, printable, at most 200 bytes: it may repeat the address; or NULL */
} kr_net_mailed_t;

/** Sends messages to one server, one after the other, and keeps the connection meanwhile. Of one thread. */
typedef struct kr_net_mailer_t kr_net_mailer_t;

/** Connects to nothing yet. What is open is closed with the pool. */
kr_net_mailer_t *kr_net_mailer_make(apr_pool_t *pool, const kr_net_smtp_t *server);

/** Send a message. No database handle may be held (asserted). Logs nothing: the caller knows whose message it is. */
kr_net_mailed_t kr_net_mail(kr_ctx_t *k, kr_net_mailer_t *mailer, const kr_net_mail_t *mail);

#endif
