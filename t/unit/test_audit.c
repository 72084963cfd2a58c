/* SPDX-License-Identifier: Apache-2.0 */
/* The audit stream as its writers leave it: several of them, killed ones, a full disk, a file that was renamed. `kratosctl audit verify` has t/http/test_audit_verify.py. */
#include "config_env.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kr_audit.h"
#include "kr_http.h"

#define NEVER "the-password-nobody-may-see"

/** A realm with a stream, and what its log said. */
typedef struct {
    world_t *w;
    kr_realm_t *realm;
    const char *path;
    int errors;
} stream_t;

static void note(void *baton, kr_level_e level, const char *line)
{
    stream_t *s = baton;

    assert_non_null(strstr(line, "KR1101"));
    assert_int_equal(level, KR_LOG_ERR);
    s->errors++;
}

/* As the next server does, or kratosctl beside it. */
static stream_t *opened_again(const stream_t *was)
{
    stream_t *s = apr_pmemdup(was->w->pool, was, sizeof(*was));
    const char *why = "";

    s->realm = apr_pmemdup(s->w->pool, was->realm, sizeof(*was->realm));
    s->realm->audit = kr_audit_open(s->w->pool, s->path, NULL, &why);
    assert_non_null(s->realm->audit);
    return s;
}

static stream_t *open_stream(void **state, const char *more)
{
    world_t *w = *state;
    stream_t s = { .w = w, .realm = kr_realm_make(w->pool, "main", good(w, more)), .path = apr_pstrcat(w->pool, w->dir, "/audit.log", NULL) };

    return opened_again(&s);
}

static kr_ctx_t *work(stream_t *s)
{
    kr_ctx_t *k = kr_ctx_make(s->w->pool, s->realm, KR_LOG_WARNING);

    k->log = note;
    k->log_baton = s;
    return k;
}

static void tell(stream_t *s, const char *identifier)
{
    kr_audit(work(s), &(kr_audit_t){ .what = KR_AUDIT_SIGN_IN_FAILED, .method = "password", .identifier = identifier });
}

/* -- read back ------------------------------------------------------------------ */

static char *text_of(world_t *w, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text;

    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    text = apr_pcalloc(w->pool, (apr_size_t)st.st_size + 1);
    assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
    close(fd);
    return text;
}

/** What a stream came to. */
typedef struct {
    int lines, junk, interruptions;
    apr_uint64_t lost, cut;
} sum_t;

/* Each line is on the one before it, whatever stands between them. */
static sum_t sum_from(stream_t *s, const char *path, kr_audit_head_t *head)
{
    char *state, *text = text_of(s->w, path);
    sum_t sum = { 0 };

    for (char *at = apr_strtok(text, "\n", &state); at; at = apr_strtok(NULL, "\n", &state)) {
        kr_audit_line_t line;

        if (!kr_audit_line_read(&line, s->w->pool, at, strlen(at))) {
            sum.junk++;
            continue;
        }
        assert_true(kr_audit_line_holds(s->w->pool, s->realm, at, strlen(at)));
        assert_int_equal(line.seq, head->seq + 1);
        if (head->seq) assert_string_equal(line.prev, head->hash);
        head->seq = line.seq;
        memcpy(head->hash, line.hash, sizeof(head->hash));
        sum.lines++;
        sum.interruptions += line.event == KR_AUDIT_INTERRUPTED;
        sum.lost += line.event == KR_AUDIT_INTERRUPTED ? line.lost : 0;
        sum.cut += line.event == KR_AUDIT_INTERRUPTED ? line.cut : 0;
    }
    return sum;
}

static sum_t sum_of(stream_t *s)
{
    kr_audit_head_t head = { .seq = 0 };

    return sum_from(s, s->path, &head);
}

static void append(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* -- what stands in a line ------------------------------------------------------------ */

static void a_line_says_what_happened_and_nothing_that_was_typed(void **state)
{
    stream_t *s = open_stream(state, "");
    kr_request_t req = { .peer = "[2001:db8::1]:4242", .id = "unique-1" };
    kr_ctx_t *k = work(s);
    const json_t *line;
    char *text;

    k->req = &req;
    kr_audit(k, &(kr_audit_t){ .what = KR_AUDIT_SIGNED_IN, .identity_id = "i", .session_id = "s", .flow_id = "f", .method = "password",
                               .aal = "aal1", .identifier = NEVER });
    text = text_of(s->w, s->path);
    assert_null(strstr(text, NEVER));
    line = kr_json_parse(s->w->pool, text, strlen(text), NULL);
    assert_string_equal(kr_json_str(line, "event"), "sign_in.succeeded");
    assert_string_equal(kr_json_str(line, "result"), "success");
    assert_string_equal(kr_json_str(line, "address"), "2001:db8::1");
    assert_string_equal(kr_json_str(line, "request"), "unique-1");
    assert_string_equal(kr_json_str(line, "realm"), "main");
    assert_string_equal(kr_json_str(line, "session"), "s");
    assert_int_equal(json_integer_value(json_object_get(line, "id")), 101);
    assert_int_equal(strlen(kr_json_str(line, "time")), strlen("2026-01-02T03:04:05.000000Z"));
}

static const char *named(stream_t *s, const char *identifier, const char *member)
{
    char *text, *last;

    tell(s, identifier);
    text = text_of(s->w, s->path);
    text[strlen(text) - 1] = '\0';
    last = strrchr(text, '\n') ? strrchr(text, '\n') + 1 : text;
    return kr_json_str(kr_json_parse(s->w->pool, last, strlen(last), NULL), member);
}

static void tries_against_one_identifier_can_be_told_from_others(void **state)
{
    stream_t *s = open_stream(state, "");
    const char *first = named(s, "ana@example.org", "identifier_hash");

    assert_string_equal(first, named(s, "ana@example.org", "identifier_hash"));
    assert_string_not_equal(first, named(s, "bob@example.org", "identifier_hash"));
    assert_null(strstr(text_of(s->w, s->path), "example.org"));
}

static void an_owner_may_have_what_was_typed(void **state)
{
    stream_t *s = open_stream(state, "log: {leak_sensitive_values: true}");

    assert_string_equal(named(s, "ana\"\n\x1b@example.org", "identifier"), "ana\"\n\x1b@example.org");
    assert_int_equal(sum_of(s).lines, 1); /* whatever was typed, it makes no line of its own */
}

/* -- many writers ------------------------------------------------------------------------ */

#define WRITERS 4
#define LINES 50

static void write_many(stream_t *s, int lines)
{
    for (int i = 0; i < lines; i++) tell(s, "ana@example.org");
}

static void wait_for_all(int n)
{
    for (int status; n; n--) assert_true(wait(&status) > 0);
}

static void all_processes_write_one_chain(void **state)
{
    stream_t *s = open_stream(state, "");

    for (int i = 0; i < WRITERS; i++)
        if (!fork()) {
            write_many(s, LINES);
            _exit(0);
        }
    wait_for_all(WRITERS);
    assert_int_equal(sum_of(s).lines, WRITERS * LINES);
    assert_int_equal(kr_audit_figures(s->realm->audit).written, WRITERS * LINES);
}

static void whoever_opens_it_by_themselves_goes_on_with_it(void **state)
{
    stream_t *s = open_stream(state, "");

    for (int i = 0; i < WRITERS; i++)
        if (!fork()) {
            write_many(opened_again(s), LINES);
            _exit(0);
        }
    wait_for_all(WRITERS);
    assert_int_equal(sum_of(s).lines, WRITERS * LINES);
}

static void a_killed_writer_leaves_nothing_that_keeps_others_out(void **state)
{
    stream_t *s = open_stream(state, "");
    sum_t sum;

    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();

        if (!pid) {
            write_many(s, 100000);
            _exit(0);
        }
        usleep((useconds_t)(500 * i));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        tell(s, "after");
    }
    sum = sum_of(s);
    assert_true(sum.lines >= 20);
    assert_int_equal(sum.lost, 0);
    assert_int_equal(sum.junk > 0, sum.cut > 0);
    assert_int_equal(s->errors, 0);
}

/* -- half a line ----------------------------------------------------------------------------- */

static void half_a_line_is_closed_off_and_said(void **state)
{
    static const char HALF[] = "{\"time\":\"2026-01-02T03:04:05.000000Z\",\"no";
    stream_t *s = open_stream(state, "");
    sum_t sum;

    tell(s, "before");
    append(s->path, HALF);
    tell(s, "after");
    tell(s, "after");
    sum = sum_of(s);
    assert_int_equal(sum.lines, 4);
    assert_int_equal(sum.junk, 1);
    assert_int_equal(sum.interruptions, 1);
    assert_int_equal(sum.cut, strlen(HALF));
}

static void a_line_that_misses_nothing_but_its_end_is_whole(void **state)
{
    stream_t *s = open_stream(state, "");
    sum_t sum;

    tell(s, "one");
    tell(s, "two");
    assert_int_equal(truncate(s->path, (off_t)strlen(text_of(s->w, s->path)) - 1), 0);
    tell(s, "three");
    sum = sum_of(s);
    assert_int_equal(sum.lines, 3);
    assert_int_equal(sum.junk + sum.interruptions, 0);
}

static void a_line_that_was_written_and_not_noted_is_gone_on_from(void **state)
{
    stream_t *s = open_stream(state, "");
    const char *chain = apr_pstrcat(s->w->pool, s->path, ".chain", NULL), *before;
    int fd;

    tell(s, "one");
    before = text_of(s->w, chain);
    tell(s, "two");
    fd = open(chain, O_WRONLY | O_CLOEXEC); /* killed before it could note it */
    assert_int_equal(write(fd, before, strlen(before)), strlen(before));
    close(fd);
    tell(s, "three");
    assert_int_equal(sum_of(s).lines, 3);
}

/* -- one file after the other --------------------------------------------------------------------- */

static void the_next_file_goes_on_where_the_last_one_ended(void **state)
{
    stream_t *s = open_stream(state, ""), *next;
    const char *former = apr_pstrcat(s->w->pool, s->path, ".1", NULL);
    kr_audit_head_t head = { .seq = 0 };

    tell(s, "one");
    assert_int_equal(rename(s->path, former), 0);
    next = opened_again(s);
    tell(next, "two");
    assert_int_equal(sum_from(s, former, &head).lines, 1);
    assert_int_equal(sum_from(s, s->path, &head).lines, 1);
    assert_int_equal(head.seq, 2);
}

static void a_file_that_lost_its_chain_is_gone_on_from(void **state)
{
    stream_t *s = open_stream(state, "");

    tell(s, "one");
    tell(s, "two");
    assert_int_equal(unlink(apr_pstrcat(s->w->pool, s->path, ".chain", NULL)), 0);
    tell(opened_again(s), "three");
    assert_int_equal(sum_of(s).lines, 3);
}

/* -- what cannot be written ------------------------------------------------------------------------ */

static void a_full_disk_is_said_once_and_counted(void **state)
{
    stream_t *s = open_stream(state, "");
    struct rlimit was, full;
    sum_t sum;

    tell(s, "before");
    signal(SIGXFSZ, SIG_IGN); /* as httpd has it */
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    full = was;
    full.rlim_cur = strlen(text_of(s->w, s->path)) + 50;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    for (int i = 0; i < 3; i++) tell(s, "nobody hears");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    tell(s, "after");
    sum = sum_of(s);
    assert_int_equal(s->errors, 1);
    assert_int_equal(sum.lost, 3);
    assert_int_equal(sum.lines, 3);
    assert_int_equal(sum.cut, 50);
    assert_int_equal(kr_audit_figures(s->realm->audit).lost, 3);
}

static void whoever_keeps_the_file_holds_nobody_up_for_long(void **state)
{
    stream_t *s = open_stream(state, "");
    int ready[2], over[2];
    char byte = 0;
    apr_time_t began;
    pid_t pid;

    assert_int_equal(pipe(ready) | pipe(over), 0);
    pid = fork();
    if (!pid) {
        struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        int fd = open(apr_pstrcat(s->w->pool, s->path, ".chain", NULL), O_RDWR | O_CLOEXEC);

        byte = (char)fcntl(fd, F_SETLK, &whole);
        _exit(write(ready[1], &byte, 1) != 1 || read(over[0], &byte, 1) != 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    began = apr_time_now();
    tell(s, "nobody hears");
    assert_true(apr_time_now() - began < apr_time_from_sec(5));
    assert_int_equal(write(over[1], "", 1), 1);
    waitpid(pid, NULL, 0);
    tell(s, "after");
    assert_int_equal(s->errors, 1);
    assert_int_equal(sum_of(s).lost, 1);
}

static void what_is_no_file_is_refused_with_the_reason(void **state)
{
    world_t *w = *state;
    const char *why = NULL, *fifo = apr_pstrcat(w->pool, w->dir, "/fifo", NULL);

    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_null(kr_audit_open(w->pool, fifo, NULL, &why)); /* and nobody waits for its reader */
    assert_non_null(strstr(why, "no regular file"));
    assert_null(kr_audit_open(w->pool, apr_pstrcat(w->pool, w->dir, "/none/audit.log", NULL), NULL, &why));
    assert_non_null(strstr(why, "No such file"));
}

/* -- secrets ----------------------------------------------------------------------------------------- */

static void old_secrets_still_verify_and_strangers_do_not(void **state)
{
    stream_t *s = open_stream(state, "secrets: {cookie: [0123456789abcdef-oldest]}");
    kr_realm_t *rotated = kr_realm_make(s->w->pool, "main", good(*state, "secrets: {cookie: [0123456789abcdef-fresh, 0123456789abcdef-oldest]}"));
    kr_realm_t *other = kr_realm_make(s->w->pool, "other", s->realm->settings);
    kr_audit_head_t head;
    char *text;
    size_t len;

    tell(s, "one");
    text = text_of(s->w, s->path);
    len = strlen(text) - 1;
    assert_true(kr_audit_line_holds(s->w->pool, rotated, text, len));
    assert_false(kr_audit_line_holds(s->w->pool, other, text, len));
    assert_int_equal(kr_audit_kept(&head, s->w->pool, rotated, s->path), KR_AUDIT_KEPT_GOOD);
    assert_int_equal(head.seq, 1);
    text[strlen("{\"time\":\"2")] = '9';
    assert_false(kr_audit_line_holds(s->w->pool, rotated, text, len));
}

static void hostile_bytes_are_no_line(void **state)
{
    static const char *const CASES[] = { "", "{}", "{\"seq\":1}", "not json", ",\"prev\":\"\",\"mac\":\"\"}" };
    world_t *w = *state;
    kr_audit_line_t line;
    char *long_text = apr_pcalloc(w->pool, KR_AUDIT_LINE_MAX + 2);

    for (int i = 0; i < KR_DIM(CASES); i++) assert_false(kr_audit_line_read(&line, w->pool, CASES[i], strlen(CASES[i])));
    memset(long_text, 'x', KR_AUDIT_LINE_MAX + 1);
    assert_false(kr_audit_line_read(&line, w->pool, long_text, KR_AUDIT_LINE_MAX + 1));
}

static int close_all(void **state)
{
    remove_folder(((world_t *)*state)->dir);
    return close_world(state);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_all)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_line_says_what_happened_and_nothing_that_was_typed),
        TEST(tries_against_one_identifier_can_be_told_from_others),
        TEST(an_owner_may_have_what_was_typed),
        TEST(all_processes_write_one_chain),
        TEST(whoever_opens_it_by_themselves_goes_on_with_it),
        TEST(a_killed_writer_leaves_nothing_that_keeps_others_out),
        TEST(half_a_line_is_closed_off_and_said),
        TEST(a_line_that_misses_nothing_but_its_end_is_whole),
        TEST(a_line_that_was_written_and_not_noted_is_gone_on_from),
        TEST(the_next_file_goes_on_where_the_last_one_ended),
        TEST(a_file_that_lost_its_chain_is_gone_on_from),
        TEST(a_full_disk_is_said_once_and_counted),
        TEST(whoever_keeps_the_file_holds_nobody_up_for_long),
        TEST(what_is_no_file_is_refused_with_the_reason),
        TEST(old_secrets_still_verify_and_strangers_do_not),
        TEST(hostile_bytes_are_no_line),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
