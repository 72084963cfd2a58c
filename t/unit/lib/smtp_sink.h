/* SPDX-License-Identifier: Apache-2.0 */
/* A small mail server in a thread: takes what it is sent, and misbehaves when it is told to. */
#ifndef KR_TEST_SMTP_SINK_H
#define KR_TEST_SMTP_SINK_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

#define SINK_MAILS 256
#define SINK_BYTES 65536

typedef enum {
    SINK_GOOD,
    SINK_SILENT,         /* accepts and says nothing */
    SINK_GARBAGE,        /* talks nonsense */
    SINK_CLOSED,         /* 554 to everybody */
    SINK_HANGS_UP,       /* after each message, without a word */
    SINK_SLOW_RECIPIENT, /* no answer to RCPT */
    SINK_SPAM            /* 554 to the content */
} sink_mood_e;

typedef struct {
    char to[400];
    char text[SINK_BYTES];
} sink_mail_t;

typedef struct {
    int listener, port;
    sink_mood_e mood;
    const char *offers; /* lines of EHLO, or NULL */
    volatile int connections, mails;
    sink_mail_t mail[SINK_MAILS];
    char commands[SINK_BYTES]; /* all of them */
    pthread_t thread;
} sink_t;

/** Listens on a port of its own, .port. */
void sink_start(sink_t *sink, sink_mood_e mood);
/** After whoever is connected has gone. */
void sink_stop(sink_t *sink);

#endif
