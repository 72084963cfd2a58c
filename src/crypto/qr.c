/* SPDX-License-Identifier: Apache-2.0 */
/* QR codes as pictures: libqrencode knows the modules, libpng the file. */
#include "kr_totp.h"

#include <string.h>

#include <png.h>
#include <qrencode.h>

#include "kr_text.h"

#define TEXT_MAX 1000
#define QUIET 4           /* modules of white on each side */
#define PNG_MAX 8192      /* bytes of a file: one of the longest text has some 4,000 */
#define PIXELS ((size_t)KR_QR_SIZE * KR_QR_SIZE)

enum { WHITE, BLACK }; /* indices into the palette */

static void draw(png_bytep pixels, const QRcode *code)
{
    const int modules = code->width + 2 * QUIET;
    const int scale = KR_QR_SIZE / modules;
    const int margin = (KR_QR_SIZE - scale * code->width) / 2; /* whole pixels only: blurred edges are hard to read */

    memset(pixels, WHITE, PIXELS);
    for (int y = 0; y < scale * code->width; y++)
        for (int x = 0; x < scale * code->width; x++)
            if (code->data[y / scale * code->width + x / scale] & 1)
                pixels[(size_t)(margin + y) * KR_QR_SIZE + (size_t)(margin + x)] = BLACK;
}

/* A palette of two has one bit for each pixel. @return its length; 0 when it could not be made */
static png_alloc_size_t make_file(unsigned char file[PNG_MAX], const png_byte *pixels)
{
    static const png_byte palette[] = { [3 * WHITE] = 255, 255, 255, [3 * BLACK] = 0, 0, 0 };
    png_image image = { .version = PNG_IMAGE_VERSION, .width = KR_QR_SIZE, .height = KR_QR_SIZE,
                        .format = PNG_FORMAT_RGB_COLORMAP, .colormap_entries = 2 };
    png_alloc_size_t len = PNG_MAX;

    if (!png_image_write_to_memory(&image, file, &len, 0, pixels, 0, palette)) len = 0;
    png_image_free(&image);
    return len;
}

static const char *picture(apr_pool_t *pool, apr_pool_t *scratch, const QRcode *code)
{
    png_bytep pixels = apr_palloc(scratch, PIXELS);
    unsigned char *file = apr_palloc(scratch, PNG_MAX);
    png_alloc_size_t len;

    draw(pixels, code);
    len = make_file(file, pixels);
    return len ? apr_pstrcat(pool, "data:image/png;base64,", kr_base64(scratch, file, len), NULL) : NULL;
}

const char *kr_qr_uri(apr_pool_t *pool, const char *text)
{
    const size_t len = strnlen(text, TEXT_MAX + 1);
    const char *uri = NULL;
    apr_pool_t *scratch;
    QRcode *code;

    if (len > TEXT_MAX) return NULL;
    code = QRcode_encodeData((int)len, (const unsigned char *)text, 0, QR_ECLEVEL_M);
    if (!code) return NULL;
    apr_pool_create(&scratch, pool);
    uri = picture(pool, scratch, code);
    apr_pool_destroy(scratch);
    QRcode_free(code);
    return uri;
}
