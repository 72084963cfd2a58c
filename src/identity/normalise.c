/* SPDX-License-Identifier: Apache-2.0 */
/* One spelling for every way to write the same identifier, so that a unique index and a lookup agree on who is who. */
#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <idn2.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "identity.h"
#include "kr_json.h"
#include "kr_text.h"

#define RAW_MAX_BYTES 4096 /* what is longer has no chance, and is not worth normalising */
#define IDENTIFIER_MAX_CHARS 255
#define EMAIL_MAX_BYTES 254 /* RFC 5321 section 4.5.3.1.3, less the angle brackets */
#define PHONE_MIN_DIGITS 7
#define PHONE_MAX_DIGITS 15 /* ITU-T E.164 */

/** Take over what libunistring allocated. */
static const char *adopt(apr_pool_t *pool, uint8_t *made, size_t len)
{
    const char *copy = made ? apr_pstrmemdup(pool, (const char *)made, len) : NULL;

    free(made);
    return copy;
}

/** Characters that nobody sees but a computer would tell apart: controls, bidi marks, joiners, line separators. */
static int is_invisible(ucs4_t c)
{
    return uc_is_general_category_withtable(
               c, UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf | UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp)
           || uc_is_property_default_ignorable_code_point(c);
}

const char *kr_text_visible(apr_pool_t *pool, const char *text)
{
    char *out = apr_palloc(pool, strlen(text) + 1), *end = out;
    const uint8_t *at = (const uint8_t *)text, *next;
    ucs4_t c;

    for (; (next = u8_next(&c, at)); at = next) {
        if (is_invisible(c)) continue;
        memcpy(end, at, (size_t)(next - at));
        end += next - at;
    }
    *end = '\0';
    return out;
}

static const char *trimmed(apr_pool_t *pool, const char *text)
{
    const uint8_t *start = (const uint8_t *)text, *end = start + strlen(text), *at;
    ucs4_t c;

    while ((at = u8_next(&c, start)) && uc_is_property_white_space(c)) start = at;
    while ((at = u8_prev(&c, end, start)) && uc_is_property_white_space(c)) end = at;
    return apr_pstrmemdup(pool, (const char *)start, (apr_size_t)(end - start));
}

/** NFKC (which folds widths too), lower case by no locale's rules, NFKC again because lower case may come apart. */
static const char *folded(apr_pool_t *pool, const char *text)
{
    size_t len = 0;
    uint8_t *made = u8_normalize(UNINORM_NFKC, (const uint8_t *)text, strlen(text), NULL, &len);
    const char *wide = adopt(pool, made, len);

    if (!wide) return NULL;
    made = u8_tolower((const uint8_t *)wide, strlen(wide), NULL, UNINORM_NFKC, NULL, &len);
    return adopt(pool, made, len);
}

/** The canonical text, without looking at what it means. NULL when nothing is left. */
static const char *canonical(apr_pool_t *pool, const char *raw)
{
    apr_size_t len = raw ? strlen(raw) : 0;
    const char *text;

    if (!len || len > RAW_MAX_BYTES || !kr_utf8_valid(raw, len)) return NULL;
    text = folded(pool, kr_text_visible(pool, raw)); /* stripped first: a joiner may keep two marks from composing */
    if (!text) return NULL;
    text = trimmed(pool, text);
    return *text ? text : NULL;
}

/* -- domains -------------------------------------------------------------- */

/** What stands behind the last @; NULL when nothing stands before or behind it. */
static const char *domain_of(const char *text)
{
    const char *at = strrchr(text, '@');

    return at && at > text && at[1] ? at + 1 : NULL;
}

/** With the ASCII form of an internationalised domain. What is no domain stays. */
static const char *with_ascii_domain(apr_pool_t *pool, const char *text)
{
    const char *domain = domain_of(text), *out = text;
    uint8_t *ascii = NULL;

    if (!domain || kr_ascii(domain)) return text;
    if (idn2_lookup_u8((const uint8_t *)domain, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK)
        out = apr_pstrcat(pool, apr_pstrmemdup(pool, text, (apr_size_t)(domain - text)), (const char *)ascii, NULL);
    idn2_free(ascii);
    return out;
}

const char *kr_address_shown(apr_pool_t *pool, const char *address)
{
    const char *domain = domain_of(address), *shown = address;
    char *letters = NULL;

    if (!domain || !strstr(domain, "xn--")) return address;
    if (idn2_to_unicode_8z8z(domain, &letters, 0) == IDN2_OK)
        shown = apr_pstrcat(pool, apr_pstrmemdup(pool, address, (apr_size_t)(domain - address)), letters, NULL);
    idn2_free(letters);
    /* only what leads back: letters that fold into others would name somebody else's domain */
    return strcmp(with_ascii_domain(pool, shown), address) == 0 ? shown : address;
}

/* -- phone numbers -------------------------------------------------------- */

/** "+digits" of a phone number in international form with the usual separators, or NULL. */
static const char *e164(apr_pool_t *pool, const char *text)
{
    char digits[PHONE_MAX_DIGITS + 1];
    int n = 0;

    if (*text++ != '+') return NULL;
    for (; *text; text++) {
        if (strncmp(text, "(0)", 3) == 0) { /* a trunk prefix, only dialled inside the country */
            text += 2;
        } else if (apr_isdigit(*text)) {
            if (n == PHONE_MAX_DIGITS) return NULL;
            digits[n++] = *text;
        } else if (!strchr(" -./()", *text)) {
            return NULL;
        }
    }
    if (n < PHONE_MIN_DIGITS || digits[0] == '0') return NULL;
    return apr_pstrcat(pool, "+", apr_pstrmemdup(pool, digits, (apr_size_t)n), NULL);
}

const char *kr_identifier_normalise(apr_pool_t *pool, const char *raw)
{
    const char *text = canonical(pool, raw), *phone;

    if (!text) return NULL;
    phone = e164(pool, text); /* however many blanks were in it: as an address it would be taken, too */
    text = phone ? phone : with_ascii_domain(pool, text);
    return u8_mbsnlen((const uint8_t *)text, strlen(text)) > IDENTIFIER_MAX_CHARS ? NULL : text;
}

const char *kr_address_via(const char *address)
{
    /* what NFKC makes an @ of: the address is not normalised yet where it says how to */
    static const char *const AT[] = { "@", "\xef\xbc\xa0", "\xef\xb9\xab" };

    for (int i = 0; i < KR_DIM(AT); i++)
        if (strstr(address, AT[i])) return "email";
    return "sms";
}

const char *kr_address_normalise(apr_pool_t *pool, const char *via, const char *raw)
{
    const char *text = canonical(pool, raw);

    if (!text) return NULL;
    if (strcmp(via, "sms") == 0) return e164(pool, text);
    if (strcmp(via, "email") != 0) return NULL;
    text = with_ascii_domain(pool, text);
    if (strlen(text) > EMAIL_MAX_BYTES || !kr_ascii(text)) return NULL;
    return kr_format_valid("email", text) ? text : NULL;
}
