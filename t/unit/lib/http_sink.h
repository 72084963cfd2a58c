/* SPDX-License-Identifier: Apache-2.0 */
/* A small HTTP service in a thread: keeps what it is sent, and misbehaves when it is told to. */
#ifndef KR_TEST_HTTP_SINK_H
#define KR_TEST_HTTP_SINK_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVICE_CALLS 32
#define SERVICE_BYTES 65536

typedef enum {
    SERVICE_ANSWERS,      /* with the text in `answer` */
    SERVICE_SILENT,       /* until the client hangs up */
    SERVICE_ENDLESS_HEAD, /* headers without end */
    SERVICE_ENDLESS_BODY, /* after a 200: bytes without end, slowly */
    SERVICE_HANGS_UP      /* without a word */
} service_mood_e;

typedef struct {
    int listener, port;
    service_mood_e mood;
    const char *answer;
    volatile int calls;
    char call[SERVICE_CALLS][SERVICE_BYTES]; /* head and body */
    pthread_t thread;
} service_t;

/** Listens on a port of its own, .port; `answer` stays the caller's. */
void service_start(service_t *service, service_mood_e mood, const char *answer);
/** After whoever is connected has gone. */
void service_stop(service_t *service);

#endif
