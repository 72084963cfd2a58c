/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP service in a thread, and its moods. */
#include "http_sink.h"

static int service_has_all(const char *got)
{
    const char *end = strstr(got, "\r\n\r\n"), *length = strcasestr(got, "Content-Length: ");

    return end && (!length || strlen(end + 4) >= (size_t)atoi(length + 16));
}

static void service_read(char *got, int fd)
{
    size_t len = 0;
    ssize_t n;

    got[0] = '\0';
    while (!service_has_all(got) && len < SERVICE_BYTES - 1 && (n = read(fd, got + len, SERVICE_BYTES - 1 - len)) > 0) {
        len += (size_t)n;
        got[len] = '\0';
    }
}

static void service_say(const service_t *service, int fd)
{
    static const char BODY_BEGINS[] = "HTTP/1.1 200 OK\r\n\r\n", HEADER[] = "X-More: and more, and more, and more\r\n";
    char byte;

    switch (service->mood) {
    case SERVICE_ANSWERS: send(fd, service->answer, strlen(service->answer), MSG_NOSIGNAL); break;
    case SERVICE_SILENT:
        while (read(fd, &byte, 1) > 0) continue;
        break;
    case SERVICE_ENDLESS_HEAD:
        send(fd, BODY_BEGINS, 17, MSG_NOSIGNAL);
        while (send(fd, HEADER, sizeof(HEADER) - 1, MSG_NOSIGNAL) > 0) continue;
        break;
    case SERVICE_ENDLESS_BODY:
        send(fd, BODY_BEGINS, sizeof(BODY_BEGINS) - 1, MSG_NOSIGNAL);
        while (send(fd, "x", 1, MSG_NOSIGNAL) > 0) usleep(20000);
        break;
    case SERVICE_HANGS_UP: break;
    }
}

static void *service_run(void *baton)
{
    service_t *service = baton;
    int fd;

    while (service->calls < SERVICE_CALLS && (fd = accept(service->listener, NULL, NULL)) >= 0) {
        service_read(service->call[service->calls], fd);
        service->calls++;
        service_say(service, fd);
        close(fd);
    }
    return NULL;
}

void service_start(service_t *service, service_mood_e mood, const char *answer)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);

    memset(service, 0, sizeof(*service));
    service->mood = mood;
    service->answer = answer;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    service->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(service->listener, (struct sockaddr *)&address, sizeof(address)) || listen(service->listener, 8) ||
        getsockname(service->listener, (struct sockaddr *)&address, &len)) {
        abort();
    }
    service->port = ntohs(address.sin_port);
    if (pthread_create(&service->thread, NULL, service_run, service)) abort();
}

void service_stop(service_t *service)
{
    shutdown(service->listener, SHUT_RDWR);
    pthread_join(service->thread, NULL);
    close(service->listener);
}
