/* SPDX-License-Identifier: Apache-2.0 */
/* Private to base: the C library's formatting into a pool. */
#ifndef KR_BASE_PRINTF_H
#define KR_BASE_PRINTF_H

#include <apr_pools.h>
#include <stdarg.h>

/**
 * As apr_pvsprintf, but with the C library's rules: gcc checks those (the format attribute), and APR's own know
 * neither %zu nor %lld everywhere.
 */
char *kr_vprintf(apr_pool_t *pool, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));

#endif
