/* SPDX-License-Identifier: Apache-2.0 */
/* Codes of an authenticator app: the vectors of RFC 6238, which codes fit when, seeds and their URLs, the picture. */
#include "pool_env.h"

#include <string.h>

#include <apr_strings.h>
#include <png.h>
#include <qrencode.h>

#include "kr_text.h"
#include "kr_totp.h"

#define RFC_SEED "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" /* "12345678901234567890" */

static const char *code_of(apr_pool_t *pool, apr_int64_t step)
{
    return kr_totp_code(pool, RFC_SEED, step, KR_TOTP_DIGITS);
}

/* -- codes ---------------------------------------------------------------- */

static void codes_are_those_of_rfc_6238(void **state)
{
    static const struct { apr_int64_t seconds; const char *code; } vectors[] = { /* appendix B, mode SHA1 */
        { 59, "94287082" },         { 1111111109, "07081804" }, { 1111111111, "14050471" },
        { 1234567890, "89005924" }, { 2000000000, "69279037" }, { 20000000000, "65353130" },
    };

    for (int i = 0; i < KR_DIM(vectors); i++) {
        const apr_time_t t = apr_time_from_sec(vectors[i].seconds);

        assert_string_equal(kr_totp_code(*state, RFC_SEED, kr_totp_step(t), 8), vectors[i].code);
        assert_int_equal(kr_totp_fits(*state, RFC_SEED, vectors[i].code + 2, t, 0), kr_totp_step(t)); /* the last six digits */
    }
}

static void a_code_fits_while_its_step_is_the_present_one_or_next_to_it(void **state)
{
    const apr_int64_t step = 41152263;
    const char *code = code_of(*state, step);

    for (apr_int64_t off = -3; off <= 3; off++) {
        const apr_time_t begins = apr_time_from_sec((step + off) * KR_TOTP_PERIOD);
        const apr_int64_t expected = off >= -1 && off <= 1 ? step : 0;

        assert_int_equal(kr_totp_fits(*state, RFC_SEED, code, begins, 0), expected);
        assert_int_equal(kr_totp_fits(*state, RFC_SEED, code, begins + apr_time_from_sec(KR_TOTP_PERIOD) - 1, 0), expected);
    }
}

static void a_step_that_was_used_fits_no_more_nor_does_one_before_it(void **state)
{
    const apr_int64_t step = 41152263;
    const apr_time_t now = apr_time_from_sec(step * KR_TOTP_PERIOD + 7);

    assert_int_equal(kr_totp_fits(*state, RFC_SEED, code_of(*state, step), now, step - 1), step);
    assert_int_equal(kr_totp_fits(*state, RFC_SEED, code_of(*state, step), now, step), 0);
    assert_int_equal(kr_totp_fits(*state, RFC_SEED, code_of(*state, step - 1), now, step), 0);
    assert_int_equal(kr_totp_fits(*state, RFC_SEED, code_of(*state, step + 1), now, step), step + 1);
    assert_int_equal(kr_totp_fits(*state, RFC_SEED, code_of(*state, step), now, APR_INT64_MAX), 0);
}

static void what_is_no_code_fits_nothing(void **state)
{
    static const char *const others[] = { "", "0", "94287082", "28708", "2870822", "abcdef", "287 082", "\xef\xbc\x92" "87082" };

    for (int i = 0; i < KR_DIM(others); i++)
        assert_int_equal(kr_totp_fits(*state, RFC_SEED, others[i], apr_time_from_sec(59), 0), 0);
    assert_int_equal(kr_totp_fits(*state, "not base32!", "287082", apr_time_from_sec(59), 0), 0);
    assert_int_equal(kr_totp_fits(*state, "", "287082", apr_time_from_sec(59), 0), 0);
    assert_int_equal(kr_totp_fits(*state, RFC_SEED, "755224", 0, 0), 0); /* RFC 4226 count 0: step 0 is nobody's */
}

/* -- seeds and URLs -------------------------------------------------------- */

static void a_new_seed_is_20_bytes_and_another_one_each_time(void **state)
{
    const char *a = kr_totp_seed(*state), *b = kr_totp_seed(*state);

    assert_int_equal(strlen(a), 32);
    assert_int_equal(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), 32);
    assert_string_not_equal(a, b);
    assert_non_null(kr_totp_code(*state, a, 1, KR_TOTP_DIGITS));
}

static void a_url_names_issuer_and_account_and_its_parameters_are_in_order(void **state)
{
    assert_string_equal(kr_totp_url(*state, "Example Ltd", "ana@example.org", RFC_SEED),
                        "otpauth://totp/Example%20Ltd:ana%40example.org?algorithm=SHA1&digits=6&issuer=Example%20Ltd&period=30&secret="
                        RFC_SEED);
    /* words of others end nothing early and begin nothing */
    assert_string_equal(kr_totp_url_seed(*state, kr_totp_url(*state, "a&secret=b", "?secret=#:", RFC_SEED)), RFC_SEED);
}

static void the_seed_of_a_url_is_read_however_it_is_written(void **state)
{
    static const struct { const char *url, *seed; } cases[] = {
        { "otpauth://totp/a:b?secret=" RFC_SEED, RFC_SEED },
        { "otpauth://totp/b?secret=gezdgnbvgy3tqojqgezdgnbvgy3tqojq&issuer=a&algorithm=sha1", RFC_SEED },
        { "otpauth://totp/?secret=GEZD+GNBV%20GY3T-QOJQ+GEZD+GNBV+GY3T+QOJQ%3D%3D&digits=6&period=30", RFC_SEED },
        { "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ", "GEZDGNBVGY3TQOJQ" },        /* 80 bits */
        { "otpauth://totp/a?secret=GEZDGNBVGY3TQOI", NULL },                       /* fewer */
        { "otpauth://totp/a?secret=" RFC_SEED "&digits=8", NULL },
        { "otpauth://totp/a?secret=" RFC_SEED "&period=60", NULL },
        { "otpauth://totp/a?secret=" RFC_SEED "&algorithm=SHA256", NULL },
        { "otpauth://hotp/a?secret=" RFC_SEED "&counter=1", NULL },
        { "https://totp/a?secret=" RFC_SEED, NULL },
        { "otpauth://totp/a?secret=GEZDGNBVGY3TQ0J1", NULL },
        { "otpauth://totp/a?secret=", NULL },
        { "otpauth://totp/a", NULL },
        { "otpauth:", NULL },
        { RFC_SEED, NULL },
        { "", NULL },
    };
    char *longest = apr_palloc(*state, 4001);

    for (int i = 0; i < KR_DIM(cases); i++) {
        const char *seed = kr_totp_url_seed(*state, cases[i].url);

        if (cases[i].seed) assert_string_equal(seed, cases[i].seed);
        else assert_null(seed);
    }
    memset(longest, 'A', 4000);
    longest[4000] = '\0';
    assert_null(kr_totp_url_seed(*state, apr_pstrcat(*state, "otpauth://totp/a?secret=", longest, NULL)));
    longest[400] = '\0';
    assert_null(kr_totp_url_seed(*state, apr_pstrcat(*state, "otpauth://totp/a?secret=", longest, NULL)));
}

/* -- the picture ----------------------------------------------------------- */

static const unsigned char *file_of(apr_pool_t *pool, const char *uri, apr_size_t *len)
{
    static const char begins[] = "data:image/png;base64,";
    const unsigned char *file;

    assert_non_null(uri);
    assert_memory_equal(uri, begins, strlen(begins));
    file = kr_base64_decode(pool, uri + strlen(begins), len);
    assert_non_null(file);
    return file;
}

/* The picture as whoever shows it reads it: a byte for each pixel, 0 is black. */
static const png_byte *pixels_of(apr_pool_t *pool, const unsigned char *file, apr_size_t len)
{
    png_image image = { .version = PNG_IMAGE_VERSION };
    png_byte *pixels = apr_palloc(pool, (size_t)KR_QR_SIZE * KR_QR_SIZE);

    assert_true(png_image_begin_read_from_memory(&image, file, len));
    assert_int_equal(image.width, KR_QR_SIZE);
    assert_int_equal(image.height, KR_QR_SIZE);
    image.format = PNG_FORMAT_GRAY;
    assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
    return pixels;
}

static void the_picture_has_each_module_in_whole_pixels_amid_white(void **state)
{
    const char *text = kr_totp_url(*state, "Example Ltd", "ana@example.org", RFC_SEED);
    QRcode *code = QRcode_encodeData((int)strlen(text), (const unsigned char *)text, 0, QR_ECLEVEL_M);
    const int n = code->width, scale = KR_QR_SIZE / (n + 8), margin = (KR_QR_SIZE - scale * n) / 2;
    apr_size_t len;
    const unsigned char *file = file_of(*state, kr_qr_uri(*state, text), &len);
    const png_byte *pixels = pixels_of(*state, file, len);

    assert_int_equal(file[24], 1); /* one bit for each pixel: IHDR's depth */
    assert_true(len < 2000);
    assert_true(scale >= 3 && margin >= 4 * scale);
    for (int y = 0; y < KR_QR_SIZE; y++)
        for (int x = 0; x < KR_QR_SIZE; x++) {
            const int inside = x >= margin && y >= margin && x < margin + scale * n && y < margin + scale * n;
            const int black = inside && (code->data[(y - margin) / scale * n + (x - margin) / scale] & 1);

            assert_int_equal(pixels[y * KR_QR_SIZE + x], black ? 0 : 255);
        }
    QRcode_free(code);
}

static void a_text_that_no_picture_holds_has_none(void **state)
{
    char *text = apr_palloc(*state, 5001);
    const unsigned char *file;
    apr_size_t len;

    memset(text, 'x', 5000);
    text[5000] = '\0';
    assert_null(kr_qr_uri(*state, text));
    text[1001] = '\0';
    assert_null(kr_qr_uri(*state, text));
    text[1000] = '\0';
    file = file_of(*state, kr_qr_uri(*state, text), &len);
    pixels_of(*state, file, len);
    assert_null(kr_qr_uri(*state, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_those_of_rfc_6238),
        cmocka_unit_test(a_code_fits_while_its_step_is_the_present_one_or_next_to_it),
        cmocka_unit_test(a_step_that_was_used_fits_no_more_nor_does_one_before_it),
        cmocka_unit_test(what_is_no_code_fits_nothing),
        cmocka_unit_test(a_new_seed_is_20_bytes_and_another_one_each_time),
        cmocka_unit_test(a_url_names_issuer_and_account_and_its_parameters_are_in_order),
        cmocka_unit_test(the_seed_of_a_url_is_read_however_it_is_written),
        cmocka_unit_test(the_picture_has_each_module_in_whole_pixels_amid_white),
        cmocka_unit_test(a_text_that_no_picture_holds_has_none),
    };

    return cmocka_run_group_tests(tests, open_pool, close_pool);
}
