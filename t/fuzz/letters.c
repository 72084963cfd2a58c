/* SPDX-License-Identifier: Apache-2.0 */
/* Target of letters that strangers have a part in: a name in the subject, an address, a text. */
#include "input.h"

#include <string.h>

#include <apr_strings.h>

#include "../../src/courier/courier.h"
#include "kr_identity.h"
#include "kr_json.h"
#include "kr_text.h"

/* Names of headers, in their order: nobody else adds one, and none ends early. */
static const char *const HEAD[] = { "From: ", "To: ", "Subject: ", "Date: ", "Message-ID: ", "Auto-Submitted: ", "MIME-Version: ", "Content-Type: " };

/* ASCII in short lines, each of which ends as it has to; none is a dot alone, which would end the letter. */
static void look_at_lines(const char *mail)
{
    size_t column = 0;

    for (const char *c = mail; *c; c++) {
        MUST(!(*c & 0x80) && *c != 0x7f);
        MUST(*c != '\n' || (c > mail && c[-1] == '\r'));
        MUST(*c != '\r' || c[1] == '\n');
        MUST(column || *c != '.');
        column = *c == '\n' ? 0 : column + 1;
        MUST(column <= 998);
    }
}

static void look_at_head(const char *mail)
{
    int header = 0;

    for (const char *line = mail; strncmp(line, "\r\n", 2); line = strstr(line, "\r\n") + 2) {
        if (*line == ' ') continue; /* it goes on */
        if (!strncmp(line, "Content-Transfer-Encoding: ", 27)) continue;
        MUST(header < KR_DIM(HEAD) && !strncmp(line, HEAD[header], strlen(HEAD[header])));
        header++;
    }
    MUST(header == KR_DIM(HEAD));
}

/* What is read of an encoded or folded value is what was written, blanks for controls. @return in the pool */
static const char *unfolded(apr_pool_t *pool, const char *value)
{
    char *out = apr_palloc(pool, strlen(value) + 1), *to = out;

    while (*value) {
        if (!strncmp(value, "\r\n", 2)) value += 2;
        else *to++ = *value++;
    }
    *to = '\0';
    return out;
}

static const char *decoded(apr_pool_t *pool, const char *value)
{
    const char *out = "";

    for (; *value; value += strspn(value, " ")) {
        const char *end = strstr(value, "?=");
        apr_size_t len;

        if (strncmp(value, "=?UTF-8?B?", 10) || !end) return NULL;
        out = apr_pstrcat(pool, out, (const char *)kr_base64_decode(pool, apr_pstrmemdup(pool, value + 10, (apr_size_t)(end - value - 10)), &len),
                          NULL);
        MUST(end + 2 - value <= 75); /* RFC 2047 section 2 */
        value = end + 2;
    }
    return out;
}

static void look_at_subject(fuzz_input_t *in, const char *subject)
{
    const char *value = unfolded(in->pool, kr_mime_value(in->pool, "Subject", subject));
    char *clean = apr_pstrdup(in->pool, subject);

    for (char *c = clean; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = ' ';
    if (!strncmp(value, "=?UTF-8?B?", 10)) value = decoded(in->pool, value);
    MUST(value && !strcmp(value, clean));
}

/* A subject, a new line, whom it is for, a new line, and the text. */
int fuzz_mail(const uint8_t *data, size_t size)
{
    static const kr_mail_conf_t CONF = { .from_address = "no-reply@id.example", .from_name = "A \"name\" of \xc3\x84" };
    kr_letter_t letter;
    kr_parcel_t parcel = { .conf = &CONF, .id = "0190b3a0-0000-4000-8000-000000000001", .letter = &letter, .now = FUZZ_NOW };
    fuzz_input_t in;
    const char *mail;
    apr_size_t len;
    char *rest;

    fuzz_begin(&in, data, size);
    rest = in.text;
    letter.subject = fuzz_line(&rest);
    parcel.to = kr_address_normalise(in.pool, "email", fuzz_line(&rest));
    if (!parcel.to) parcel.to = "ana@example.org";
    letter.text = rest;
    letter.html = strchr(rest, '<');
    look_at_subject(&in, letter.subject);
    mail = kr_mime_make(&len, in.pool, &parcel);
    MUST(strlen(mail) == len);
    look_at_lines(mail);
    look_at_head(mail);
    return fuzz_end(&in);
}
