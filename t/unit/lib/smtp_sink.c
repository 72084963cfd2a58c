/* SPDX-License-Identifier: Apache-2.0 */
/* A mail server in a thread, and its moods. */
#include "smtp_sink.h"

static void sink_say(FILE *out, const char *line)
{
    fprintf(out, "%s\r\n", line);
    fflush(out);
}

static int sink_take(sink_t *sink, FILE *in, sink_mail_t *mail)
{
    char line[4096];
    size_t len = 0;

    while (fgets(line, sizeof(line), in)) {
        const char *text = line[0] == '.' ? line + 1 : line;

        if (strcmp(line, ".\r\n") == 0) {
            mail->text[len] = '\0';
            if (sink->mood != SINK_SPAM) sink->mails++;
            return 1;
        }
        if (len + strlen(text) + 1 < sizeof(mail->text)) {
            strcpy(mail->text + len, text);
            len += strlen(text);
        }
    }
    return 0;
}

/* A recipient's name says what it gets. */
static const char *sink_judge(const char *line)
{
    if (strstr(line, "refused")) return "550 5.1.1 no such person";
    if (strstr(line, "busy")) return "451 4.7.1 come back later";
    if (strstr(line, "nologin")) return "530 5.7.0 authentication required";
    return "250 ok";
}

/* @return 0: the end */
static int sink_answer(sink_t *sink, FILE *in, FILE *out, const char *line)
{
    sink_mail_t *mail = &sink->mail[sink->mails % SINK_MAILS];
    const char *open = strchr(line, '<'), *end = open ? strchr(open, '>') : NULL;

    if (strncmp(line, "EHLO", 4) == 0) {
        if (sink->offers) sink_say(out, sink->offers);
        sink_say(out, "250 SIZE 1000000");
    } else if (strncmp(line, "AUTH", 4) == 0) {
        char secret[512] = "";

        sink_say(out, "334 ");
        if (fgets(secret, sizeof(secret), in)) strcat(sink->commands, secret);
        sink_say(out, strcmp(secret, "AGJhZABzZWNyZXQ=\r\n") == 0 /* user "bad" */ ? "535 5.7.8 wrong password"
                                                                                   : "235 welcome");
    } else if (strncmp(line, "RCPT", 4) == 0) {
        if (sink->mood == SINK_SLOW_RECIPIENT) return sleep(3) == 99;
        snprintf(mail->to, sizeof(mail->to), "%.*s", open && end ? (int)(end - open - 1) : 0, open ? open + 1 : "");
        sink_say(out, sink_judge(line));
    } else if (strncmp(line, "DATA", 4) == 0) {
        sink_say(out, "354 go");
        if (!sink_take(sink, in, mail)) return 0;
        sink_say(out, sink->mood == SINK_SPAM ? "554 5.7.1 not wanted" : "250 kept");
        return sink->mood != SINK_HANGS_UP;
    } else if (strncmp(line, "QUIT", 4) == 0) {
        sink_say(out, "221 bye");
        return 0;
    } else {
        sink_say(out, "250 ok");
    }
    return 1;
}

static void sink_talk(sink_t *sink, FILE *in, FILE *out)
{
    char line[4096];

    if (sink->mood == SINK_CLOSED) {
        sink_say(out, "554 no service here");
        return;
    }
    if (sink->mood == SINK_GARBAGE) {
        sink_say(out, "\x01\x02 <html>what?</html> 999999999999\xff");
        return;
    }
    if (sink->mood != SINK_SILENT) sink_say(out, "220 sink ESMTP");
    while (fgets(line, sizeof(line), in)) {
        if (strlen(sink->commands) + strlen(line) < sizeof(sink->commands)) strcat(sink->commands, line);
        if (sink->mood != SINK_SILENT && !sink_answer(sink, in, out, line)) return;
    }
}

static void *sink_run(void *baton)
{
    sink_t *sink = baton;
    int fd;

    while ((fd = accept(sink->listener, NULL, NULL)) >= 0) {
        FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");

        sink->connections++;
        if (in && out) sink_talk(sink, in, out);
        if (in) fclose(in);
        if (out) fclose(out);
    }
    return NULL;
}

void sink_start(sink_t *sink, sink_mood_e mood)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);

    memset(sink, 0, sizeof(*sink));
    sink->mood = mood;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sink->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(sink->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(sink->listener, 16), 0);
    assert_int_equal(getsockname(sink->listener, (struct sockaddr *)&address, &len), 0);
    sink->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&sink->thread, NULL, sink_run, sink), 0);
}

void sink_stop(sink_t *sink)
{
    shutdown(sink->listener, SHUT_RDWR);
    pthread_join(sink->thread, NULL);
    close(sink->listener);
}
